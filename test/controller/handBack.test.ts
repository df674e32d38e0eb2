import { describe, expect, it } from '@jest/globals';
import type { NodeSet, Observed, Pod, Step } from '../../controller/model.js';
import { plan, planUrgent } from '../../controller/plan.js';
import { ownRevisionOf, revisionOf } from '../../lib/revision.js';
import { NEW, NEWER, nodeName, observed, OLD, set, type SetOptions, type World } from './cases.js';

const blue = 'emqx-bbbbbbbbb';
const green = 'emqx-ggggggggg';
const down = { size: 0, podCount: 0 };
const unready = { ready: false, problem: 'is starting' };
const terminating = { ready: false, terminating: true };

/** The declaration's own pods, at one template, labelled unless said otherwise. */
function own(options: SetOptions & { labelled?: boolean } = {}): NodeSet {
  const { labelled = true, ...rest } = options;
  const made = set('emqx', { kind: 'declaration', ...rest });
  const revision = ownRevisionOf('emqx', made.template);
  const pods = made.pods.map((pod) => (labelled ? { ...pod, revision } : unlabelled(pod)));
  return { ...made, revision, pods };
}

function unlabelled(pod: Pod): Pod {
  const bare = { ...pod };
  delete bare.revision;
  return bare;
}

/** A declaration without its label; each case names what differs from one with a healthy revision set of its template. */
function withoutLabel({ declaration, sets, ...world }: World): Observed {
  const mine = sets?.find(({ kind }) => kind === 'declaration');
  const size = mine?.size ?? 0;
  return observed({
    declaration: { handingBack: true, replicas: size, heldReplicas: size, ...declaration },
    sets: [
      ...(sets ?? [set(blue)]),
      ...(mine ? [] : [own({ ...down, template: declaration?.template ?? OLD })]),
    ],
    selects: 'bbbbbbbbb',
    ...world,
  });
}

/** The last revision set has come down, and the declaration's pods serve. */
function served(change: World & { others?: NodeSet[] } = {}): World {
  const { others = [set(blue, down)], ...world } = change;
  return { sets: [...others, own()], selects: ownRevisionOf('emqx', OLD), ...world };
}

/** What serves is broken, its own pods too, and another template is to mend that. */
function nobodyAnswers(): Observed {
  const broken = { ...unready, failing: true };
  const pods = { 0: broken, 1: broken, 2: broken };
  const sets = [set(blue, { template: NEW, pods }), own({ template: NEW, pods })];
  return withoutLabel({
    declaration: { template: NEWER },
    sets,
    silent: sets.flatMap((each) => each.pods.map(({ name }) => name)),
    apart: sets.flatMap((each) => each.pods.map(({ name }) => name)),
  });
}

const claim = { name: `data-${blue}-0`, uid: 'c0', revision: 'bbbbbbbbb', owned: true, createdAtMs: 0 };
const ended = {
  id: '',
  startedAt: new Date(0).toISOString(),
  finishedAt: new Date(0).toISOString(),
  requestedBy: 'alice',
  from: blue,
  to: 'emqx',
  traceparent: '',
  result: 'superseded' as const,
};
const handedBack: Partial<Pod> = { handedBack: true };
const announced = own({ pods: { 0: handedBack, 1: handedBack, 2: handedBack } });
const released = { marked: [], sets: [own({ labelled: false })] };

interface Case {
  when: string;
  seen: Observed;
  then: Partial<Step>;
  says?: RegExp;
  phase?: string;
  wanted?: string;
}

const cases: Record<string, Case[]> = {
  'its replicas are given back': [
    {
      when: 'nothing else is going on',
      seen: withoutLabel({}),
      then: { kind: 'resize', set: 'emqx', to: 3 },
      wanted: 'emqx',
    },
    {
      when: 'the template was changed in the same edit: there is one upgrade, not two',
      seen: withoutLabel({ declaration: { template: NEW } }),
      then: { kind: 'resize', set: 'emqx', to: 3 },
    },
    {
      when: 'the StatefulSet controller has not seen the template: its pods would start at the one before',
      seen: withoutLabel({ declaration: { template: NEW, startsAsWritten: false } }),
      then: { kind: 'wait' },
      says: /^the StatefulSet controller has not seen the template of emqx yet$/,
    },
    {
      when: 'it had never a set: its own pods are the first',
      seen: withoutLabel({
        sets: [],
        selects: ownRevisionOf('emqx', OLD),
      }),
      then: { kind: 'resize', set: 'emqx', to: 3 },
    },
    {
      when: 'a new template comes before the switch: its pods of the one before go first',
      seen: withoutLabel({ sets: [set(blue), own()], declaration: { template: NEW }, clients: none('emqx') }),
      then: { kind: 'resize', set: 'emqx', to: 0 },
    },
    {
      when: 'its pods of the one before are still ending',
      seen: withoutLabel({
        sets: [set(blue), own({ size: 0, podCount: 1, pods: { 0: { ready: false, terminating: true } } })],
        declaration: { template: NEW },
        apart: ['emqx-0'],
      }),
      then: { kind: 'wait' },
      says: /^emqx comes down to 0 before it starts with its present template$/,
    },
    {
      when: 'nobody can tell whether its pods of the one before hold anybody: an upgrade first (model seed 1940)',
      seen: nobodyAnswers(),
      then: { kind: 'makeSet', revision: revisionOf('emqx', NEWER) },
    },
  ],
  'an upgrade in progress ends first': [
    {
      when: 'green is not ready yet',
      seen: withoutLabel({
        declaration: { template: NEW },
        sets: [set(blue), set(green, { template: NEW, pods: { 1: unready } })],
      }),
      then: { kind: 'wait' },
      says: /^emqx-ggggggggg-1 is starting/,
      wanted: green,
    },
    {
      when: 'blue drains',
      seen: withoutLabel({
        declaration: { template: NEW },
        sets: [set(blue, { size: 1 }), set(green, { template: NEW })],
        selects: 'ggggggggg',
      }),
      then: { kind: 'resize', set: blue, to: 0 },
      wanted: green,
    },
    {
      when: 'its own pods of another template serve',
      seen: withoutLabel({
        declaration: { template: NEW },
        sets: [own()],
        selects: ownRevisionOf('emqx', OLD),
      }),
      then: { kind: 'makeSet', revision: revisionOf('emqx', NEW) },
    },
    {
      when: 'its own pods of another template hold nobody, but the last of blue hands over to whoever is there, they stay (2947)',
      seen: withoutLabel({
        declaration: { template: NEWER },
        spec: { replicas: 0 },
        sets: [
          set(blue, { size: 0, podCount: 1, pods: { 0: { ready: false, terminating: true } } }),
          own({ template: NEW }),
        ],
        clients: { 'emqx-0': 0, 'emqx-1': 0, 'emqx-2': 0 },
        evacuations: { [`${blue}-0`]: 'evicting_conns' },
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'its own pods of another template are drained still',
      seen: withoutLabel({
        declaration: { template: NEW },
        sets: [own({ size: 1 }), set(green, { template: NEW })],
        selects: 'ggggggggg',
      }),
      then: { kind: 'evacuate', node: nodeName('emqx-0') },
      wanted: green,
    },
    {
      when: 'it was aborted: a template that was refused is not handed back to, and the message says so',
      seen: withoutLabel({
        declaration: {
          template: NEW,
          aborted: { revision: revisionOf('emqx', NEW), replacing: 'bbbbbbbbb', because: '' },
        },
      }),
      then: { kind: 'rest' },
      phase: 'Aborted',
      wanted: blue,
      says: new RegExp(
        `; the hand-back of emqx waits for that to end: annotate sluice.dev/retry=${revisionOf('emqx', NEW)}, ` +
          'or take the refused template back \\(kubectl rollout undo statefulset emqx\\), or edit it again$',
      ),
    },
    {
      when: 'the hand-back itself was aborted, the label is the way back',
      seen: withoutLabel({
        declaration: { aborted: { revision: ownRevisionOf('emqx', OLD), replacing: 'bbbbbbbbb' } },
      }),
      then: { kind: 'rest' },
      phase: 'Aborted',
      says: /; the hand-back of emqx waits for that to end: .*, or put label sluice\.dev\/upgrade=blue-green back$/,
    },
  ],
  'its pods become ready and join': [
    {
      when: 'they come without a label',
      seen: withoutLabel({ sets: [set(blue), own({ labelled: false })] }),
      then: { kind: 'labelPods', pods: ['emqx-0', 'emqx-1', 'emqx-2'], revision: ownRevisionOf('emqx', OLD) },
    },
    {
      when: 'one is not Ready',
      seen: withoutLabel({ sets: [set(blue), own({ pods: { 2: unready } })] }),
      then: { kind: 'wait' },
      says: /^emqx-2 is starting/,
    },
    {
      when: 'one is Ready and alone',
      seen: withoutLabel({ sets: [set(blue), own()], apart: ['emqx-1'] }),
      then: { kind: 'wait' },
      says: /^emqx-1 has not joined the EMQX cluster: no other node lists it as running/,
    },
    {
      when: 'one evacuates, as its claim tells it to from earlier days',
      seen: withoutLabel({ sets: [set(blue), own()], evacuations: { 'emqx-1': 'prohibiting' } }),
      then: { kind: 'stopEvacuation', node: nodeName('emqx-1') },
    },
    {
      when: 'all have joined: each takes clients again before the Service switches, whatever was reported of it',
      seen: withoutLabel({ sets: [set(blue), own()] }),
      then: {
        kind: 'pointServices',
        services: ['emqx'],
        revision: ownRevisionOf('emqx', OLD),
        open: { nodes: ['emqx-0', 'emqx-1', 'emqx-2'].map(nodeName), via: `${blue}-0` },
      },
    },
    {
      when: 'nobody has promoted it',
      seen: withoutLabel({
        sets: [set(blue), own()],
        spec: { promotion: { auto: false, previewService: '' } },
      }),
      then: { kind: 'wait' },
      phase: 'AwaitingPromotion',
    },
  ],
  'the last revision set drains': [
    {
      when: 'the Services have switched',
      seen: withoutLabel(served({ others: [set(blue)], status: { history: [ended] } })),
      then: { kind: 'resize', set: blue, to: 2 },
    },
    {
      when: 'one of its own pods has come back and has not joined: nobody is sent there',
      seen: toldOf(withoutLabel(served({ others: [set(blue)], apart: ['emqx-1'] })), ['emqx-0', 'emqx-2']),
      then: { kind: 'wait' },
      says: /no pod is taken down while emqx-1 has not joined/,
    },
  ],
  'only then what Sluice has written goes': [
    {
      when: 'the last revision set has come down',
      seen: withoutLabel(served()),
      then: { kind: 'unpinServices', services: ['emqx'] },
    },
    {
      when: 'a pod of it is left',
      seen: withoutLabel(
        served({
          others: [set(blue, { size: 0, podCount: 1, pods: { 0: { ready: false, terminating: true } } })],
        }),
      ),
      then: { kind: 'wait' },
    },
    {
      when: 'it is paused',
      seen: withoutLabel(served({ spec: { paused: true } })),
      then: { kind: 'wait' },
      phase: 'Paused',
    },
    {
      when: 'the Services select as their user wrote: what is about to happen is noted first (4714)',
      seen: withoutLabel(served({ marked: [] })),
      then: { kind: 'notePods', pods: ['emqx-0', 'emqx-1', 'emqx-2'] },
    },
    {
      when: 'a pod has come since that was noted of the others',
      seen: withoutLabel(
        served({ marked: [], sets: [set(blue, down), own({ pods: { 0: handedBack, 1: handedBack } })] }),
      ),
      then: { kind: 'notePods', pods: ['emqx-2'] },
    },
    {
      when: 'it is noted of all',
      seen: withoutLabel(served({ marked: [], sets: [set(blue, down), announced] })),
      then: { kind: 'unlabelPods', pods: ['emqx-0', 'emqx-1', 'emqx-2'] },
    },
    {
      when: 'a Service was given back, and its endpoints do not follow yet: its pods keep their labels',
      seen: withoutLabel(served({ marked: [], lagging: ['emqx'] })),
      then: { kind: 'wait' },
    },
    {
      when: 'its pods are unlabelled',
      seen: withoutLabel(served({ marked: [], sets: [set(blue, down), own({ labelled: false })] })),
      then: { kind: 'deleteSet', set: blue },
    },
    {
      when: 'it has left claims: they go before their set does, for then nobody would know of them',
      seen: withoutLabel(
        served({ marked: [], sets: [set(blue, down), own({ labelled: false })], claims: [claim] }),
      ),
      then: { kind: 'deleteClaims', claims: [claim.name] },
    },
    {
      when: 'an autoscaler has set another size than was declared',
      seen: withoutLabel(
        served({ marked: [], sets: [own({ labelled: false, size: 2 })], spec: { replicas: 2 } }),
      ),
      then: { kind: 'holdDeclaration', wish: 2 },
    },
    {
      when: 'no set is left',
      seen: withoutLabel(served(released)),
      then: { kind: 'dropBlueGreen' },
    },
    {
      when: 'the BlueGreen is gone: none is made again',
      seen: without(withoutLabel(served(released))),
      then: { kind: 'restoreStrategy' },
    },
    {
      when: 'the BlueGreen is the user’s own, and bears no note any more',
      seen: noted(withoutLabel(served(released)), { isOurs: false, isNoted: false }),
      then: { kind: 'restoreStrategy' },
    },
    {
      when: 'the StatefulSet controller would roll its pods now',
      seen: without(withoutLabel(served({ ...released, declaration: { startsAsWritten: false } }))),
      then: { kind: 'wait' },
      says: /its pods would restart now/,
    },
    {
      when: 'its strategy is its own: it is not held again',
      seen: without(withoutLabel(served({ ...released, declaration: { frozen: false } }))),
      then: { kind: 'letGo' },
      says: /^emqx was handed back/,
      phase: 'Stable',
    },
    {
      when: 'the user scales it in that moment: the size stays',
      seen: without(
        withoutLabel(
          served({
            marked: [],
            sets: [own({ labelled: false, size: 5 })],
            declaration: { replicas: 5, heldReplicas: 3 },
          }),
        ),
      ),
      then: { kind: 'restoreStrategy' },
    },
    {
      when: 'another size is declared in that moment, and noted by the webhook: it is not lost',
      seen: without(withoutLabel(served({ ...released, declaration: { wish: 5 } }))),
      then: { kind: 'createBlueGreen' },
    },
    {
      when: 'so it is beside a BlueGreen of the user’s',
      seen: noted(withoutLabel(served({ ...released, declaration: { wish: 5 } })), {
        isOurs: false,
        isNoted: false,
      }),
      then: { kind: 'carrySize', replicas: 5 },
    },
    {
      when: 'a running set was labelled and never upgraded: nothing is moved',
      seen: withoutLabel(served({ others: [] })),
      then: { kind: 'unpinServices' },
    },
  ],
  'the label is put back': [
    {
      when: 'before the switch: its own pods go',
      seen: observed({
        sets: [set(blue), own()],
        selects: 'bbbbbbbbb',
        declaration: { replicas: 3, heldReplicas: 3 },
        status: { history: [ended] },
      }),
      then: { kind: 'evacuate' },
      wanted: blue,
    },
    {
      when: 'after the switch: they stay, and the last set drains on',
      seen: observed({
        sets: [set(blue, { size: 1 }), own()],
        selects: ownRevisionOf('emqx', OLD),
        declaration: { replicas: 3, heldReplicas: 3 },
      }),
      then: { kind: 'resize', set: blue, to: 0 },
      wanted: 'emqx',
    },
  ],
  'its nodes take clients again': [
    {
      when: 'one was evacuated before, and all that serve were deleted: one that drains asks for it (2850)',
      seen: withoutLabel({
        sets: [
          set(blue, { pods: { 0: terminating, 1: terminating, 2: terminating } }),
          own({ pods: { 1: { evacuationNote: { acceptedAtMs: 1 } } } }),
        ],
        evacuations: { 'emqx-1': 'evicting_sessions' },
      }),
      then: { kind: 'stopEvacuation', node: nodeName('emqx-1'), via: `${blue}-0` },
    },
  ],
  'at size 0': [
    {
      when: 'it has no claims: nothing is to be kept',
      seen: withoutLabel({ sets: [set(blue, down)], spec: { replicas: 0 } }),
      then: { kind: 'unpinServices' },
    },
    {
      when: 'its data is on claims of the last set: it says what to do',
      seen: withoutLabel({
        sets: [set(blue, down)],
        spec: { replicas: 0 },
        claims: [{ ...claim, owned: false }],
      }),
      then: { kind: 'rest' },
      says: /the data is on the claims of emqx-bbbbbbbbb.*scale it to 1 or more/,
    },
    {
      when: 'its data is on claims, and a drain was held before: nothing drains any more (4133)',
      seen: withoutLabel({
        declaration: { drainHold: { pod: 'emqx-1', uid: 'emqx-1', wanted: 'bbbbbbbbb', heldAtMs: 1 } },
        sets: [set(blue, down)],
        spec: { replicas: 0 },
        claims: [{ ...claim, owned: false }],
      }),
      then: { kind: 'holdDrains' },
    },
    {
      when: 'it is asked for with its pods half up: they go',
      seen: withoutLabel({ sets: [set(blue, down), own()], spec: { replicas: 0 } }),
      then: { kind: 'resize', set: 'emqx', to: 2 },
    },
    {
      when: 'everything but the declaration is done',
      seen: without(
        withoutLabel({ sets: [], spec: { replicas: 0 }, marked: [], declaration: { wish: 0 }, services: [] }),
      ),
      then: { kind: 'restoreStrategy' },
    },
  ],
};

it('a Service is pinned again only when what was to take the labels away is fenced off (4714)', () => {
  const back = (pods: NodeSet): Observed =>
    observed({
      declaration: { replicas: 3, heldReplicas: 3 },
      sets: [pods],
      services: [{ name: 'emqx', resourceVersion: '1', managed: false, readyPods: [] }],
    });
  expect(plan(back(announced)).step).toMatchObject({
    kind: 'labelPods',
    pods: ['emqx-0', 'emqx-1', 'emqx-2'],
  });
  expect(planUrgent(back(announced))?.step.kind).toBe('labelPods');
  expect(plan(back(own())).step.kind).toBe('pointServices');
});

describe.each(Object.entries(cases))('handing back: %s', (_rule, table) => {
  it.each(table)('when $when', ({ seen, then, says, phase, wanted }) => {
    const decision = plan(seen);
    expect(decision.step).toMatchObject(then);
    if (says) expect(decision.message).toMatch(says);
    if (phase !== undefined) expect(decision.phase).toBe(phase);
    if (wanted !== undefined) expect(decision.wanted).toBe(wanted);
  });
});

describe('handing back', () => {
  it('drains with the sidecars told to send everybody to its own pods', () => {
    const seen = withoutLabel(served({ others: [set(blue)] }));
    const { step } = plan(toldOf(seen, []));
    expect(step).toMatchObject({
      kind: 'tell',
      settings: { recipients: ['emqx-0', 'emqx-1', 'emqx-2'].map(nodeName), waitHealthCheck: 0 },
    });
  });

  it('takes the evacuation off a claim before an adopted pod stops: a later pod would refuse clients', () => {
    const drained = { 'emqx-0': 'prohibiting' } as const;
    const seen = (hasClaims: boolean): Observed =>
      observed({
        declaration: { template: NEW, replicas: 1, heldReplicas: 1, hasClaims },
        sets: [own({ size: 1 }), set(green, { template: NEW })],
        selects: 'ggggggggg',
        clients: none('emqx'),
        evacuations: drained,
      });
    expect(plan(seen(true)).step).toMatchObject({
      kind: 'resize',
      to: 0,
      open: { nodes: [nodeName('emqx-0')], via: `${green}-0` },
    });
    expect(plan(seen(false)).step).not.toHaveProperty('open');
  });

  it('is a change of mind away from the newest template, too', () => {
    const seen = withoutLabel({ declaration: { template: NEWER } });
    expect(plan(seen).wantedRevision).toBe(ownRevisionOf('emqx', NEWER));
  });
});

function none(name: string): Record<string, number> {
  return Object.fromEntries([0, 1, 2].map((ordinal) => [`${name}-${ordinal}`, 0]));
}

function noted(seen: Observed, change: Partial<Observed['blueGreen']>): Observed {
  return { ...seen, blueGreen: { ...seen.blueGreen, ...change } };
}

function without(seen: Observed): Observed {
  const spec = { ...seen.blueGreen.spec };
  delete spec.replicas;
  return noted(seen, { exists: false, isOurs: false, isNoted: false, spec });
}

/** As if all sidecars had been told to send everybody to these pods. */
function toldOf(seen: Observed, recipients: string[]): Observed {
  const pods = seen.sets.flatMap((each) => each.pods);
  for (const { report } of pods) if (report) report.settings.recipients = recipients.map(nodeName);
  return seen;
}
