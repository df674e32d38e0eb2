import { describe, expect, it } from '@jest/globals';
import { subjectsIn } from '../../plugin/dry-run.js';
import { differences } from '../../plugin/difference.js';
import { paint } from '../../plugin/paint.js';
import { planLines } from '../../plugin/plan-words.js';
import { planOf, type Plan } from '../../plugin/plan.js';
import type { View } from '../../plugin/view.js';
import type { JsonObject } from '../../lib/json.js';
import { ago, BLUE, draining, GREEN, NEW, OLD, rawObjects, set, template, upgrade, view } from './cases.js';

const applied = (
  image: string,
  more: { replicas?: number; wish?: string; isLabelled?: boolean } = {},
): { statefulSet: JsonObject } => ({
  statefulSet: {
    kind: 'StatefulSet',
    metadata: {
      name: 'emqx',
      namespace: 'mqtt',
      labels: more.isLabelled === false ? {} : { 'sluice.dev/upgrade': 'blue-green' },
      annotations: { 'sluice.dev/replicas': more.wish ?? '3' },
    },
    spec: { replicas: more.replicas ?? 0, template: template(image) },
  },
});
const kept = view({
  image: NEW,
  status: { active: GREEN, wanted: GREEN },
  sets: [set(GREEN, { image: NEW }), set(BLUE, { size: 0, nodes: [] })],
});

describe('what an edit would do', () => {
  it.each<{ when: string; seen: View; edit: Parameters<typeof planOf>[1]; is: Partial<Plan> }>([
    {
      when: 'nothing changes',
      seen: view(),
      edit: applied(OLD),
      is: { effect: 'nothing', changes: [], extraPods: 0, seconds: 0 },
    },
    {
      when: 'the image changes',
      seen: view(),
      edit: applied(NEW),
      is: {
        effect: 'upgrade',
        changes: [{ path: 'spec.containers[emqx].image', from: OLD, to: NEW }],
        extraPods: 3,
        clients: 3000,
        // the present nodes took 20 s to start
        seconds: 20 + 5 + 3 * 12 + 5,
      },
    },
    {
      when: 'an upgrade was measured before',
      seen: view({
        status: { history: [{ ...upgrade, finishedAt: ago(0), result: 'succeeded' }] },
        spec: {},
      }),
      edit: applied(NEW),
      is: { effect: 'upgrade', seconds: 20 + 5 + 3 * 12 + 5 },
    },
    {
      when: 'it goes back to what is kept',
      seen: kept,
      edit: applied(OLD),
      is: { effect: 'upgrade', to: BLUE },
    },
    {
      when: 'only the size changes',
      seen: view(),
      edit: applied(OLD, { wish: '5' }),
      is: { effect: 'nothing', nodes: { from: 3, to: 5 } },
    },
    {
      when: 'the size changes, and no webhook is there to note it',
      seen: view(),
      edit: applied(NEW, { replicas: 4 }),
      is: { effect: 'upgrade', nodes: { from: 3, to: 4 }, extraPods: 4 },
    },
    {
      when: 'the label goes',
      seen: view(),
      edit: applied(OLD, { isLabelled: false }),
      is: { effect: 'handBack', extraPods: 3, clients: 3000, seconds: 20 + 5 + 3 * 12 + 5 },
    },
    {
      when: 'the label goes, and its own pods serve',
      seen: view({ status: { active: 'emqx', wanted: 'emqx' }, sets: [] }),
      edit: applied(OLD, { isLabelled: false }),
      is: { effect: 'handBack', extraPods: 0, seconds: 0 },
    },
    { when: 'an upgrade goes there already', seen: draining(), edit: applied(NEW), is: { effect: 'finish' } },
    {
      when: 'it gives up the upgrade in progress',
      seen: view({
        image: NEW,
        status: { phase: 'Progressing', wanted: GREEN, upgrade },
        sets: [set(BLUE), set(GREEN, { image: NEW })],
      }),
      edit: applied(OLD),
      is: { effect: 'back' },
    },
  ])('when $when', ({ seen, edit, is }) => expect(planOf(seen, edit)).toMatchObject(is));

  it('in the middle of a drain counts both sets that are left, and gives nothing up', () => {
    const plan = planOf(draining(), applied('emqx/emqx-enterprise:5.8.10'));
    expect(plan).toMatchObject({
      effect: 'upgrade',
      clients: 1000 + 600 + 467 + 467 + 466,
      extraPods: 3,
      mostPods: 3 + 2 + 3,
      notes: [
        `the upgrade to ${GREEN}, in progress now, waits for it: the nodes that it leaves are left together with the present ones`,
      ],
    });
    expect(plan.parts.at(-1)?.what).toMatch(/^5 nodes hand over 3000 clients/);
  });

  it('back to the set that drains leaves the present one alone', () => {
    const plan = planOf(draining(), applied(OLD));
    expect(plan).toMatchObject({ effect: 'upgrade', to: BLUE, clients: 1400 });
    expect(plan.notes).toEqual([`the upgrade to ${GREEN}, in progress now, is given up for it`]);
  });

  it('before the switch gives up the upgrade in progress, whose nodes nobody was sent to', () => {
    const seen = view({
      image: NEW,
      status: { phase: 'Progressing', wanted: GREEN, upgrade },
      sets: [set(BLUE), set(GREEN, { image: NEW, nodes: [{ clients: 0 }, { clients: 0 }] })],
    });
    const plan = planOf(seen, applied('emqx/emqx-enterprise:5.8.10'));
    expect(plan).toMatchObject({ effect: 'upgrade', clients: 3000, mostPods: 6 });
    expect(plan.notes).toEqual([`the upgrade to ${GREEN}, in progress now, is given up for it`]);
  });

  it.each([
    { file: 'resumes it', blueGreen: { spec: { paused: false } }, isTold: false },
    { file: 'pauses it', blueGreen: { spec: { paused: true } }, isTold: true },
    { file: 'does not speak of it', blueGreen: undefined, isTold: true },
  ])('says that it waits for a pause to end where the file $file', ({ blueGreen, isTold }) => {
    const { notes } = planOf(view({ spec: { paused: true } }), {
      ...applied(NEW),
      ...(blueGreen && { blueGreen }),
    });
    expect(notes.includes('it waits: spec.paused of the BlueGreen is true')).toBe(isTold);
  });

  it('takes the rates from the file where it has some', () => {
    const blueGreen = structuredClone(rawObjects({}).blueGreen);
    const faster = { waitTakeover: 6, connEvictRate: 1000, sessEvictRate: 200 };
    const spec = blueGreen['spec'] as JsonObject;
    blueGreen['spec'] = {
      ...spec,
      updateStrategy: { type: 'Recreate', initialDelaySeconds: 0, evacuationStrategy: faster },
    };
    const plan = planOf(view(), { ...applied(NEW), blueGreen });
    expect(plan.settings.map(({ path }) => path).sort()).toEqual([
      'updateStrategy.evacuationStrategy.connEvictRate',
      'updateStrategy.initialDelaySeconds',
    ]);
    // Sluice waits for 2 s also where no delay is asked for.
    expect(plan.seconds).toBe(20 + 2 + 3 * 8 + 5);
  });

  it('does not start with a hook that cannot be chained', () => {
    const { statefulSet } = applied(NEW);
    const edited = structuredClone(statefulSet) as { spec: { template: { spec: { containers: object[] } } } };
    Object.assign(edited.spec.template.spec.containers[0] ?? {}, {
      lifecycle: { preStop: { httpGet: { path: '/', port: 80 } } },
    });
    const { notes } = planOf(view(), { statefulSet: edited as unknown as JsonObject });
    expect(notes).toEqual([expect.stringMatching(/^it does not start: the preStop hook of container emqx/)]);
  });

  it('does not start with versions that may not share a cluster', () => {
    const { notes } = planOf(view(), applied('emqx/emqx-enterprise:5.7.2'));
    expect(notes).toEqual([
      expect.stringMatching(/^it does not start: EMQX 5\.7\.2 is not known to share a cluster with 5\.8\.8/),
    ]);
  });

  it('is told in words', () => {
    const lines = planLines(planOf(view(), applied(NEW))).map((line) => paint(line, false));
    expect(lines).toEqual([
      'statefulset/emqx: a blue-green upgrade',
      `  spec.template.spec.containers[emqx].image: ${OLD} → ${NEW}`,
      '  goes to: a new set',
      '  pods: 3 more while it lasts, 6 at most',
      '  time: about 1m6s',
      '       20s  green starts and joins, as the present nodes did',
      '        5s  delay after the switch',
      '       41s  3 nodes hand over 3000 clients (200/s, 6 s to come back)',
    ]);
  });
});

it('a StatefulSet and its BlueGreen are one subject; a Service is none', () => {
  const named = (kind: string): JsonObject => ({ kind, metadata: { name: 'emqx', namespace: 'mqtt' } });
  expect(subjectsIn([named('Service'), named('StatefulSet'), named('BlueGreen')])).toEqual([
    { name: 'emqx', namespace: 'mqtt', statefulSet: named('StatefulSet'), blueGreen: named('BlueGreen') },
  ]);
});

it('differences match named items by their names, and others as a whole', () => {
  const from = {
    env: [
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ],
    args: ['a'],
    gone: 1,
  };
  const to = {
    env: [
      { name: 'B', value: '3' },
      { name: 'A', value: '1' },
      { name: 'C', value: '' },
    ],
    args: ['a', 'b'],
  };
  expect(differences(from, to)).toEqual([
    { path: 'env[B].value', from: '2', to: '3' },
    { path: 'env[C]', to: { name: 'C', value: '' } },
    { path: 'args', from: ['a'], to: ['a', 'b'] },
    { path: 'gone', from: 1 },
  ]);
});
