import { describe, expect, it } from '@jest/globals';
import { delayLeftMs } from '../../controller/delay.js';
import { plan, planUrgent } from '../../controller/plan.js';
import { situationOf } from '../../controller/situation.js';
import type {
  Claim,
  ClientService,
  Declaration,
  DrainHold,
  NodeSet,
  Observed,
  Pod,
  Preview,
  StallReason,
  Step,
} from '../../controller/model.js';
import type { DrainSettings } from '../../lib/control.js';
import { otherRevisionOf, revisionOf, setNameOf } from '../../lib/revision.js';
import type { JsonObject } from '../../lib/json.js';
import {
  DEFAULT_SPEC,
  type BlueGreenSpec,
  type BlueGreenStatus,
  type UpgradeStatus,
} from '../../lib/types.js';
import {
  imaged,
  NEW,
  NEWER,
  OLD,
  nodeName,
  observed,
  report,
  set,
  type SetOptions,
  type World,
} from './cases.js';

const blue = 'emqx-bbbbbbbbb';
const green = 'emqx-ggggggggg';
const newest = 'emqx-nnnnnnnnn';
const upgrade = {
  id: '',
  startedAt: new Date(900_000).toISOString(),
  requestedBy: 'alice',
  from: blue,
  to: green,
  traceparent: '',
};
const switched = { upgrade: { ...upgrade, switchedAt: new Date(900_000).toISOString() }, active: green };
const asked = { template: NEW };
const down = { size: 0, podCount: 0 };
const unready = { ready: false, problem: 'is starting' };
const crashing = { failing: true, stuckBy: 'CrashLoopBackOff', problem: 'is crash-looping' };
const terminating = { ready: false, terminating: true };
const silent = (pod: string): Partial<Pod> => ({
  report: report(pod, { api: { kind: 'unreachable', detail: 'ECONNREFUSED' } }),
});
/** Pod 1 of blue, whose node has been alone for a minute; it knows these others as stopped. */
const refused = (change: Partial<Pod> = {}, knows: string[] = []): Partial<Pod> => {
  const self = nodeName(`${blue}-1`);
  const nodes = [
    { node: self, node_status: 'running' },
    ...knows.map((pod) => ({ node: nodeName(pod), node_status: 'stopped' })),
  ];
  return {
    ...unready,
    unreadySinceMs: 940_000,
    report: report(`${blue}-1`, { joined: false, nodes }),
    ...change,
  };
};
/** Green serves, and a node is listed as stopped at an address, which the status has noted as one of blue. */
function byAddress(isNoted: boolean, pods: NonNullable<SetOptions['pods']> = {}): Observed {
  const node = { node: 'emqx@10.0.0.5', node_status: 'stopped', revision: 'bbbbbbbbb' };
  const seen = observed({
    declaration: asked,
    selects: 'ggggggggg',
    sets: [set(blue, down), set(green, { template: NEW, pods })],
    stopped: [`${blue}-2`],
    ...(isNoted && { status: { phase: 'Stable', emqxNodes: [node] } }),
  });
  return JSON.parse(JSON.stringify(seen).replaceAll(nodeName(`${blue}-2`), 'emqx@10.0.0.5')) as Observed;
}

/** Green serves alone, and the others still list a node of blue as running, whose pod has gone. */
function unnoticed(status: Observed['blueGreen']['status']): Observed {
  const seen = observed({
    declaration: asked,
    selects: 'ggggggggg',
    sets: [set(blue, down), set(green, { template: NEW })],
    stopped: [`${blue}-0`],
    ...(status && { status }),
  });
  return JSON.parse(JSON.stringify(seen).replaceAll('"stopped"', '"running"')) as Observed;
}

/** An adopted declaration of three pods, and what it is declared as. */
const adopted = (options: SetOptions = {}): NodeSet => {
  const set0 = set('emqx', { kind: 'declaration', ...options });
  return {
    ...set0,
    revision: 'ooooooooo',
    pods: set0.pods.map((pod) => ({ ...pod, revision: 'ooooooooo' })),
  };
};
const running = { replicas: 3, heldReplicas: 3 };
/** Its pods have been labelled at this time, and the Service selects by what its user wrote. */
const justAdopted = (writtenAtMs: number): Observed => {
  const own = adopted();
  return observed({
    declaration: running,
    sets: [{ ...own, pods: own.pods.map((pod) => ({ ...pod, writtenAtMs })) }],
    services: [{ name: 'emqx', resourceVersion: '1', managed: false, readyPods: [] }],
  });
};
/** A set that was deleted while it had the clients: its pods end. What takes its place cannot have its name. */
const own = revisionOf('emqx', OLD);
const replacement = setNameOf('emqx', otherRevisionOf('emqx', OLD, own));
const lost = (): NodeSet => ({
  ...set(`emqx-${own}`, {
    kind: 'lost',
    size: 0,
    podCount: 3,
    template: {},
    pods: { 0: terminating, 1: terminating, 2: terminating },
  }),
});
/** Green serves, and nobody tells of any node. */
function inSilence(change: SetOptions, world: World = {}, createdAtMs = 0): Observed {
  const pods = change.pods ?? { 0: unready, 1: unready, 2: unready };
  const sets = [
    set(blue, { podCount: 3, createdAtMs, ...change, pods }),
    set(green, { template: NEW, createdAtMs: 5 }),
  ];
  return observed({
    declaration: asked,
    status: switched,
    selects: 'ggggggggg',
    sets,
    silent: sets.flatMap((each) => each.pods.map(({ name }) => name)),
    ...world,
  });
}

/** Blue's last pod drains, and its sidecar is silent; its node, if it runs, is `emqx@<host>`. */
function silentUnder(
  host: string,
  { podIp, isUp = true }: { podIp?: string; isUp?: boolean } = {},
): Observed {
  const pod = `${blue}-2`;
  const seen = observed({
    declaration: asked,
    status: switched,
    selects: 'ggggggggg',
    sets: [set(blue, { size: 2, podCount: 3, pods: { 2: terminating } }), set(green, { template: NEW })],
    ...(!isUp && { apart: [pod] }),
  });
  const renamed = JSON.parse(JSON.stringify(seen).replaceAll(nodeName(pod), `emqx@${host}`)) as Observed;
  for (const each of renamed.sets.flatMap(({ pods }) => pods)) {
    if (each.name !== pod) continue;
    delete each.report;
    if (podIp !== undefined) each.podIp = podIp;
  }
  return renamed;
}

/** Green has been waited for to have its pods for so long. */
const withoutPods = (forMs: number): Observed =>
  observed({
    declaration: asked,
    sets: [set(blue), set(green, { template: NEW, podCount: 0 })],
    status: {
      waitingFor: { what: `${green} to have its pods`, since: new Date(1_000_000 - forMs).toISOString() },
    },
  });

/** A template with a hook that the drain cannot be chained to. */
const hooked: JsonObject = {
  spec: { containers: [{ name: 'emqx', image: 'emqx:2', lifecycle: { preStop: { httpGet: { port: 1 } } } }] },
};
/** The deadline of an upgrade to what is asked for has passed, and there is no set of it. */
const notMade = (declaration: { template: JsonObject }, what = ''): Observed => {
  const to = setNameOf('emqx', revisionOf('emqx', declaration.template));
  return observed({
    declaration,
    sets: [set(blue)],
    status: {
      upgrade: { ...upgrade, to, startedAt: new Date(1000).toISOString() },
      ...(what && { waitingFor: { what, since: new Date(1000).toISOString() } }),
    },
  });
};

/** A managed client Service that selects a revision, with these endpoints. */
const service = (name: string, revision: string, readyPods: string[] = []): ClientService => ({
  name,
  resourceVersion: '1',
  revision,
  managed: true,
  readyPods,
});

const previewOf = (revision: string): Preview => ({
  kind: 'found',
  name: 'emqx-preview',
  resourceVersion: '1',
  revision,
  managed: true,
});

const keyless: Preview = { kind: 'found', name: 'emqx-preview', resourceVersion: '1', managed: true };

/** Pods of green whose nodes run under another name, and see nobody. */
const strangers = Object.fromEntries(
  [0, 1, 2].map((ordinal) => {
    const self = nodeName(`${green}-${ordinal}`).replace('emqx@', 'mq@');
    return [ordinal, { ...unready, report: report(`${green}-${ordinal}`, { self, joined: false }) }];
  }),
);
/** Pods of green whose sidecars cannot reach EMQX. */
const unheardOf = Object.fromEntries(
  [0, 1, 2].map((ordinal) => {
    const pod = silent(`${green}-${ordinal}`);
    return [ordinal, { ...unready, report: { ...pod.report, joined: false } as Pod['report'] & object }];
  }),
);

/** Its image cannot be pulled, so no node of it has ever run. */
const pulling = { ready: false, failing: true, stuckBy: 'ImagePullBackOff', problem: 'cannot run its image' };

/** A blue whose nodes all run alone, under a name by which they do not find each other. */
function unborn(): NodeSet {
  const alone = (ordinal: number): Partial<Pod> => {
    const pod = `${blue}-${ordinal}`;
    const self = `mq@wrong-${ordinal}`;
    const nodes = [{ node: self, node_status: 'running' }];
    return {
      ...unready,
      failing: true,
      report: report(pod, { self, joined: false, clusterNodes: [self], nodes }),
    };
  };
  return set(blue, {
    template: imaged('emqx:1', [{ name: 'EMQX_NODE_NAME', value: 'mq@wrong' }]),
    pods: { 0: alone(0), 1: alone(1), 2: alone(2) },
  });
}

/** A blue of 5.3.2 drains to an active 5.9.1, and 5.10.1 is asked for, which may join the one, not the other. */
function mixed(world: Parameters<typeof observed>[0] = {}, left: SetOptions = { size: 2 }): Observed {
  return observed({
    declaration: { template: imaged('emqx/emqx:5.10.1') },
    status: switched,
    selects: 'ggggggggg',
    sets: [
      set(blue, { template: imaged('emqx/emqx:5.3.2'), ...left }),
      set(green, { template: imaged('emqx/emqx:5.9.1'), createdAtMs: 5 }),
    ],
    ...world,
  });
}

/** Blue's last pod has drained for 100 s, of the 60 that it may. */
function overdue(
  spec: Partial<BlueGreenSpec>,
  declaration: Partial<Declaration> = {},
  pods: SetOptions = { podCount: 3, pods: { 2: { ...terminating, deletedAtMs: 900_000 } } },
): Observed {
  return observed({
    declaration: { ...asked, ...declaration },
    spec: { drainTimeoutSeconds: 60, ...spec },
    status: switched,
    selects: 'ggggggggg',
    sets: [set(blue, { size: 2, ...pods }), set(green, { template: NEW })],
    ...(pods.podCount === 3 && { evacuations: { [`${blue}-2`]: 'evicting_conns' } }),
  });
}

/** An adopted set is being left, and the evacuation of its last node is noted. */
function noted(
  evacuationNote: Pod['evacuationNote'] & object,
  world: World = {},
  more: Partial<Pod> = {},
): Observed {
  return observed({
    declaration: { ...asked, ...running },
    status: switched,
    selects: 'ggggggggg',
    sets: [adopted({ pods: { 2: { evacuationNote, ...more } } }), set(green, { template: NEW })],
    ...world,
  });
}

/** An adopted set, and a green that is ready. */
function beforeSwitch(spec: Partial<BlueGreenSpec>, world: World = {}): Observed {
  return observed({
    declaration: { ...asked, ...running },
    spec,
    selects: 'ooooooooo',
    sets: [adopted(), set(green, { template: NEW, createdAtMs: 5 })],
    ...world,
  });
}

/** An adopted set is being left, and its last node is to be evacuated now. */
function left(world: World = {}): Observed {
  return observed({
    declaration: { ...asked, ...running },
    status: switched,
    selects: 'ggggggggg',
    sets: [adopted(), set(green, { template: NEW })],
    ...world,
  });
}

/** The drain of a pod is held, on the way to green. */
function heldOf(pod: string, more: Partial<DrainHold> = {}): DrainHold {
  return { pod, uid: pod, wanted: 'ggggggggg', heldAtMs: 1, ...more };
}

/** The adopted pods have addresses, and their nodes these hosts. */
function hosted(seen: Observed, hostOf: (ordinal: number) => string): Observed {
  const pods = seen.sets.flatMap((each) => (each.kind === 'declaration' ? each.pods : []));
  for (const pod of pods) pod.podIp = `10.0.0.${pod.ordinal}`;
  const renamed = (node: string): string => {
    const pod = pods.find(({ name }) => nodeName(name) === node);
    return pod ? `emqx@${hostOf(pod.ordinal)}` : node;
  };
  for (const { report: said } of seen.sets.flatMap((each) => each.pods)) {
    if (!said) continue;
    said.nodes = said.nodes.map((node) => ({ ...node, node: renamed(node.node) }));
    said.clusterNodes = said.clusterNodes.map(renamed);
    said.settings.withoutEvacuation = seen.blueGreen.spec.withoutEvacuation;
  }
  return seen;
}

/** Every node says that its API has no evacuation; or those of one set. */
function without(seen: Observed, setName = ''): Observed {
  for (const { name, report: said } of seen.sets.flatMap(({ pods }) => pods)) {
    if (!said) continue;
    if (name.startsWith(setName)) said.hasEvacuation = false;
    const { withoutEvacuation } = seen.blueGreen.spec;
    said.settings = { ...said.settings, withoutEvacuation };
  }
  return seen;
}

/** The rate is another one since the sidecars were told. */
function slower(world: World): Observed {
  const seen = observed(world);
  seen.blueGreen.spec.updateStrategy = {
    ...seen.blueGreen.spec.updateStrategy,
    evacuationStrategy: { waitTakeover: 10, connEvictRate: 50, sessEvictRate: 1000 },
  };
  return seen;
}
const slow: DrainSettings = { ...report('').settings, connEvictRate: 50 };
const podsOf = (setName: string): string[] => [0, 1, 2].map((ordinal) => `${setName}-${ordinal}`);

const claim = (setName: string, ordinal: number): Claim => ({
  name: `data-${setName}-${ordinal}`,
  uid: 'u',
  revision: setName.slice('emqx-'.length),
  owned: false,
  createdAtMs: 0,
});
/** An upgrade that has switched. */
const past = (from: string, to: string): BlueGreenStatus['history'][number] => ({
  ...{ id: '', startedAt: '', requestedBy: '', traceparent: '', finishedAt: '' },
  ...{ from, to, switchedAt: '2026-01-01T00:00:00Z', result: 'succeeded' },
});
/** It goes when the declaration is deleted. */
const owned = (setName: string, ordinal: number): Claim => ({ ...claim(setName, ordinal), owned: true });

interface Case {
  when: string;
  seen: Observed;
  /** Part of the step, and of the message. */
  then: Partial<Step>;
  says?: RegExp;
  phase?: string;
  /** Why a person has to act; `false`: nobody has to. */
  stalled?: StallReason | false;
  /** Whether an open record of an upgrade ends with it. */
  settled?: boolean;
}

/** There is no BlueGreen. */
function nameless(world: Parameters<typeof observed>[0]): Observed {
  const seen = observed(world);
  return { ...seen, blueGreen: { ...seen.blueGreen, exists: false } };
}

const cases: Record<string, Case[]> = {
  'step 0 puts back what got past the webhook': [
    {
      when: 'there is no BlueGreen',
      seen: nameless({}),
      then: { kind: 'createBlueGreen' },
    },
    {
      when: 'somebody has deleted the BlueGreen in the middle of an upgrade: it goes no further by defaults',
      seen: nameless({ declaration: asked, sets: [set(blue), set(green, { template: NEW })] }),
      then: { kind: 'createBlueGreen', paused: true },
      says: /BlueGreen emqx was deleted in the middle of an upgrade: .* paused/,
    },
    {
      when: 'and after the switch, in the middle of a drain',
      seen: nameless({
        declaration: asked,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'createBlueGreen', paused: true },
    },
    {
      when: 'the BlueGreen that was made again so says why it is paused, and what to look at',
      seen: observed({
        declaration: asked,
        spec: { paused: true },
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'wait' },
      says: /^paused: BlueGreen emqx was deleted in the middle of an upgrade .* check its spec .* spec.paused to false/,
    },
    {
      when: 'the declaration is not frozen',
      seen: observed({ declaration: { frozen: false } }),
      then: { kind: 'holdDeclaration' },
    },
    {
      when: 'a size got past the webhook that no revision may have, the one before is wanted still',
      seen: observed({ declaration: { replicas: 1_000_000 } }),
      then: { kind: 'holdDeclaration', wish: 3 },
      says: /1000000 nodes are more than 1000/,
    },
    {
      when: 'a size got past the webhook',
      seen: observed({ declaration: { replicas: 5 } }),
      then: { kind: 'holdDeclaration', wish: 5 },
    },
    {
      when: 'a note of a size once left is back beside a wish for nodes, nobody wishes for none',
      seen: observed({ declaration: { replicas: 0, heldReplicas: 3, wish: 3 } }),
      then: { kind: 'holdDeclaration', wish: 3 },
    },
    {
      when: 'the declared size changed',
      seen: observed({ declaration: { wish: 5 } }),
      then: { kind: 'carrySize', replicas: 5 },
    },
    {
      when: 'an autoscaler set another size since',
      seen: observed({ spec: { replicas: 2 }, declaration: { wish: 3 } }),
      then: { kind: 'resize', to: 2 },
    },
  ],
  'step 1 pins first': [
    {
      when: 'the Service selects every revision',
      seen: observed({ services: [{ name: 'emqx', resourceVersion: '1', managed: false, readyPods: [] }] }),
      then: { kind: 'pointServices', revision: 'oldoldold' },
    },
    {
      when: 'the pods of an adopted set were labelled just now, no Service selects by that yet',
      seen: justAdopted(999_000),
      then: { kind: 'wait', forMs: 1000 },
      says: /labelled just now/,
    },
    {
      when: 'the pods of an adopted set have had their label for a while',
      seen: justAdopted(996_000),
      then: { kind: 'pointServices', revision: 'ooooooooo' },
    },
    {
      when: 'the clock of the API server is another one, it is not waited for longer than that',
      seen: justAdopted(4_000_000),
      then: { kind: 'pointServices', revision: 'ooooooooo' },
    },
    {
      when: 'a running set was adopted',
      seen: observed({
        declaration: { replicas: 3, heldReplicas: 3 },
        sets: [
          set('emqx', {
            kind: 'declaration',
            pods: { 0: { revision: '' }, 1: { revision: '' }, 2: { revision: '' } },
          }),
        ],
        services: [{ name: 'emqx', resourceVersion: '1', managed: false, readyPods: [] }],
      }),
      then: { kind: 'labelPods', pods: ['emqx-0', 'emqx-1', 'emqx-2'] },
    },
  ],
  'step 2 makes and sizes the sets': [
    { when: 'nothing exists', seen: observed({ sets: [] }), then: { kind: 'pointServices' } },
    {
      when: 'nothing exists and the Service is pinned',
      seen: { ...observed({ sets: [], services: [] }) },
      then: { kind: 'makeSet', size: 3 },
    },
    {
      when: 'the template changed',
      seen: observed({ declaration: asked }),
      then: { kind: 'makeSet', size: 3 },
    },
    {
      when: 'the active set must grow, it does so before green is made',
      seen: observed({ declaration: asked, spec: { replicas: 4 } }),
      then: { kind: 'resize', set: 'emqx-oldoldold', to: 4 },
    },
    {
      when: 'blue starts from nothing, green waits for it',
      seen: observed({
        declaration: asked,
        sets: [set(blue, { pods: { 0: unready, 1: unready, 2: unready } })],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'all of blue is broken, the edit that repairs it goes on',
      seen: observed({
        declaration: asked,
        sets: [
          set(blue, {
            pods: {
              0: { ...unready, failing: true },
              1: { ...unready, failing: true },
              2: { ...unready, failing: true },
            },
          }),
        ],
      }),
      then: { kind: 'makeSet' },
    },
    {
      when: 'the wanted set exists at 0, it is reused',
      seen: observed({
        declaration: asked,
        selects: 'bbbbbbbbb',
        sets: [set(green, { template: NEW, ...down }), set(blue)],
      }),
      then: { kind: 'resize', set: green, to: 3 },
    },
    {
      when: 'a green that never was active is no longer wanted',
      seen: observed({
        declaration: { template: NEWER },
        sets: [
          set(blue),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
      }),
      then: { kind: 'deleteSet', set: green },
    },
    {
      when: 'the edit is taken back, and a green that joined never became Ready',
      seen: observed({
        sets: [
          set(blue),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
        joined: [`${green}-0`, `${green}-1`],
        clients: { [`${green}-0`]: 0, [`${green}-1`]: 0 },
      }),
      then: { kind: 'deleteSet', set: green },
    },
    {
      when: 'two greens ago still holds clients, its drain pauses and the newest is made',
      seen: observed({
        declaration: { template: NEWER },
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'makeSet' },
    },
  ],
  'step 3 switches only to a green that is whole': [
    {
      when: 'every green node is Ready and joined',
      seen: observed({ declaration: asked, sets: [set(blue), set(green, { template: NEW })] }),
      then: { kind: 'pointServices', services: ['emqx'], revision: 'ggggggggg' },
    },
    {
      when: 'no Service is there to be switched, green is not even made',
      seen: observed({ declaration: asked, services: [] }),
      then: { kind: 'wait' },
      says: /none selects the pods of emqx; create one that does/,
      stalled: 'NoService',
    },
    {
      when: 'the Service does not select what is asked for: green is made all the same',
      seen: observed({
        declaration: asked,
        sets: [set(blue)],
        services: [{ ...service('emqx', 'bbbbbbbbb'), estranged: true }],
      }),
      then: { kind: 'makeSet' },
    },
    {
      when: 'one that does not select green was left out of the list until the others were switched: it stays (model seed 4979)',
      seen: observed({
        declaration: asked,
        status: switched,
        sets: [set(blue), set(green, { template: NEW })],
        services: [
          service('emqx', 'ggggggggg', podsOf(green)),
          { ...service('emqx-ws', 'bbbbbbbbb', podsOf(blue)), estranged: true },
        ],
      }),
      then: { kind: 'wait' },
      says: /^Service emqx-ws does not select the pods of emqx-ggggggggg, and stays where it is: correct/,
    },
    {
      when: 'one that does not select green is pinned to what has gone: it goes to what serves',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW })],
        status: { active: blue },
        services: [{ ...service('emqx', 'xxxxxxxxx'), estranged: true }],
      }),
      then: { kind: 'pointServices', services: ['emqx'], revision: 'bbbbbbbbb' },
    },
    {
      when: 'one of two Services does not select green: it would be left without a pod',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW })],
        services: [service('emqx', 'bbbbbbbbb'), { ...service('emqx-ws', 'bbbbbbbbb'), estranged: true }],
      }),
      then: { kind: 'wait' },
      says: /^emqx-ggggggggg is ready, and service\/emqx-ws does not select its pods: correct the selector, or/,
      stalled: 'NoService',
    },
    {
      when: 'spec.services names none that exists, though green is there',
      seen: observed({
        declaration: asked,
        spec: { services: ['emqxx'] },
        leftAlone: ['spec.services names emqxx, which does not exist'],
        status: { active: blue, upgrade: { ...upgrade, startedAt: new Date(1000).toISOString() } },
        sets: [set(blue), set(green, { template: NEW, pods: { 0: unready } })],
        services: [],
      }),
      then: { kind: 'wait' },
      says: /^no upgrade without a Service to switch: spec.services names emqxx/,
      stalled: 'NoService',
    },
    {
      when: 'a green pod is not Ready',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW, pods: { 1: unready } })],
      }),
      then: { kind: 'wait' },
      says: /emqx-ggggggggg-1 is starting/,
    },
    {
      when: 'a green node has not joined',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW })],
        apart: [`${green}-2`],
      }),
      then: { kind: 'wait' },
      says: /ggggggggg-2.* has not joined the EMQX cluster/,
    },
    {
      when: 'a blue pod is broken',
      seen: observed({
        declaration: asked,
        sets: [set(blue, { pods: { 1: { ...unready, failing: true } } }), set(green, { template: NEW })],
      }),
      then: { kind: 'pointServices', revision: 'ggggggggg' },
    },
    {
      when: 'a sidecar was started with another control CA and nothing is to be done: it is told before an upgrade needs it',
      seen: observed({
        sets: [set('emqx-oldoldold', { pods: { 0: { turnsUsAway: true } } })],
        silent: ['emqx-oldoldold-0'],
      }),
      then: { kind: 'rest' },
      says: /bring back the Secret of the control CA/,
      stalled: 'ControllerTurnedAway',
    },
    {
      when: 'the sidecar of blue was started with another control CA',
      seen: observed({
        declaration: asked,
        sets: [set(blue, { pods: { 0: { turnsUsAway: true } } }), set(green, { template: NEW })],
        silent: [`${blue}-0`],
      }),
      then: { kind: 'wait' },
      says: new RegExp(`bring back the Secret of the control CA .* kubectl delete statefulset ${blue} lets`),
      stalled: 'ControllerTurnedAway',
    },
    {
      when: "green's pods have a Secret without a key, so that EMQX is not started",
      seen: observed({
        declaration: asked,
        sets: [
          set(blue),
          set(green, {
            template: NEW,
            pods: {
              0: {
                ready: false,
                problem: 'waits for its sidecar to start',
                report: report(`${green}-0`, {
                  api: { kind: 'noKey', detail: 'key "secret" of Secret mine has no value' },
                }),
              },
            },
          }),
        ],
      }),
      then: { kind: 'wait' },
      says: /no API key for EMQX: key "secret" of Secret mine has no value; put/,
      stalled: 'ApiKeyRefused',
    },
    {
      when: 'blue refuses the API key',
      seen: observed({
        declaration: asked,
        sets: [
          set(blue, {
            pods: {
              0: {
                report: report(`${blue}-0`, {
                  api: { kind: 'unauthorized', detail: 'BAD_API_KEY_OR_SECRET' },
                }),
              },
            },
          }),
          set(green, { template: NEW }),
        ],
      }),
      then: { kind: 'wait' },
      says: /refuses the API key.*spec.emqx.apiKeySecret/,
    },
    {
      when: 'promotion is by hand',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW })],
        spec: { promotion: { auto: false, previewService: '' } },
      }),
      then: { kind: 'wait' },
      phase: 'AwaitingPromotion',
    },
    {
      when: 'it was promoted by hand',
      seen: observed({
        declaration: { ...asked, promote: 'ggggggggg' },
        sets: [set(blue), set(green, { template: NEW })],
        spec: { promotion: { auto: false, previewService: '' } },
      }),
      then: { kind: 'pointServices' },
    },
    {
      when: 'green is late',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW, pods: { 0: { ...unready, failing: true } } })],
        status: { upgrade: { ...upgrade, startedAt: new Date(300_000).toISOString() } },
      }),
      then: { kind: 'abort', replacing: 'bbbbbbbbb', revision: 'ggggggggg' },
    },
    {
      when: 'green was aborted, it goes',
      seen: observed({
        declaration: { ...asked, aborted: { revision: 'ggggggggg', replacing: 'bbbbbbbbb' } },
        sets: [
          set(blue),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
      }),
      then: { kind: 'deleteSet', set: green },
    },
  ],
  'step 4 takes blue down, one drain at a time': [
    {
      when: 'the endpoints still list blue',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
        services: [
          {
            name: 'emqx',
            resourceVersion: '1',
            revision: 'ggggggggg',
            managed: true,
            readyPods: [`${blue}-0`],
          },
        ],
      }),
      then: { kind: 'wait' },
      phase: 'Delaying',
    },
    {
      when: 'the delay is not over',
      seen: observed({
        declaration: asked,
        status: { upgrade },
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'wait' },
      phase: 'Delaying',
    },
    {
      when: 'the switch was noted by a clock that is ahead, the delay is no longer than it is',
      seen: observed({
        declaration: asked,
        status: { upgrade: { ...upgrade, switchedAt: new Date(9_000_000).toISOString() } },
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'wait' },
      says: /^10 of 10 s until the first node drains/,
    },
    {
      when: 'the record of the switch was lost with the status, the delay begins anew',
      seen: observed({
        declaration: asked,
        status: { phase: 'Stable', history: [] },
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'wait' },
      says: /^10 of 10 s until the first node drains/,
      phase: 'Delaying',
    },
    {
      when: 'the record was lost in the middle of the drains, they go on',
      seen: observed({
        declaration: asked,
        status: { phase: 'Stable', history: [] },
        selects: 'ggggggggg',
        sets: [set(blue, { size: 2 }), set(green, { template: NEW })],
      }),
      then: { kind: 'resize', set: blue, to: 1 },
    },
    {
      when: 'the delay is over',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'resize', set: blue, to: 2 },
    },
    {
      when: 'a pod drains',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [
          set(blue, { size: 2, podCount: 3, pods: { 2: { terminating: true, ready: false } } }),
          set(green, { template: NEW }),
        ],
        evacuations: { [`${blue}-2`]: 'evicting_conns' },
      }),
      then: { kind: 'wait' },
      says: /bbbbbbbbb-2 is draining \(evicting_conns\), 100 clients/,
    },
    {
      when: 'the pod before is drained, though not gone',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [
          set(blue, { size: 2, podCount: 3, pods: { 2: { terminating: true, ready: false } } }),
          set(green, { template: NEW }),
        ],
        evacuations: { [`${blue}-2`]: 'prohibiting' },
      }),
      then: { kind: 'resize', set: blue, to: 1 },
    },
    {
      when: 'a draining pod is silent whose node is named by its address',
      seen: silentUnder('10.0.0.7', { podIp: '10.0.0.7' }),
      then: { kind: 'wait' },
      says: /bbbbbbbbb-2 begins to drain, 100 clients/,
    },
    {
      when: 'a draining pod is silent, and a running node is nobody else that is known',
      seen: silentUnder('mqtt-c.example.org'),
      then: { kind: 'wait' },
      says: /bbbbbbbbb-2 does not answer/,
    },
    {
      when: 'a pod that ends is silent, and every running node is accounted for',
      seen: silentUnder('10.0.0.7', { podIp: '10.0.0.7', isUp: false }),
      then: { kind: 'resize', set: blue, to: 1 },
    },
    {
      when: 'a green pod is starting',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW, pods: { 0: unready } })],
      }),
      then: { kind: 'wait' },
      says: /no pod is taken down while emqx-ggggggggg-0/,
    },
    {
      when: 'strays of the declaration hold nobody, they are evacuated from a green node before they go',
      seen: observed({
        declaration: { replicas: 1, heldReplicas: 1, ...asked },
        selects: 'ggggggggg',
        sets: [
          set(green, { template: NEW }),
          set('emqx', { kind: 'declaration', template: NEW, size: 1, createdAtMs: 9 }),
        ],
      }),
      then: { kind: 'evacuate', node: nodeName('emqx-0') },
    },
    {
      when: 'a stray is evacuated, it goes',
      seen: observed({
        declaration: { replicas: 1, heldReplicas: 1, ...asked },
        selects: 'ggggggggg',
        sets: [
          set(green, { template: NEW }),
          set('emqx', { kind: 'declaration', template: NEW, size: 1, createdAtMs: 9 }),
        ],
        evacuations: { 'emqx-0': 'prohibiting' },
      }),
      then: { kind: 'resize', set: 'emqx', to: 0 },
    },
    {
      when: 'fewer nodes are wanted in quiet times',
      seen: observed({ spec: { replicas: 2 }, declaration: { wish: 3 } }),
      then: { kind: 'resize', to: 2 },
    },
  ],
  'step 5 has stopped nodes leave': [
    {
      when: 'a retired node of EMQX 4 has stopped, whose API has no call for it',
      seen: observed({ sets: [set(blue)], stopped: [`${green}-0`], emqxApi: 'v4' }),
      then: { kind: 'rest' },
    },
    {
      when: 'a retired node has stopped',
      seen: observed({ sets: [set(blue)], stopped: [`${green}-0`] }),
      then: { kind: 'leave', node: nodeName(`${green}-0`), via: `${blue}-0` },
    },
    {
      when: 'the next one drains, it is the same phase',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue, { size: 2 }), set(green, { template: NEW })],
        stopped: [`${blue}-2`],
      }),
      then: { kind: 'leave' },
      phase: 'Draining',
    },
    {
      when: 'the last node of an upgrade has gone without anybody noticing, that is waited for',
      seen: unnoticed(switched),
      then: { kind: 'wait', forMs: 1000 },
      phase: 'Progressing',
      says: /^the pod of emqx@.* has gone, and EMQX still lists that node as running/,
    },
    {
      when: 'nobody has noticed after a scale-in, nothing waits for it',
      seen: unnoticed(undefined),
      then: { kind: 'rest' },
    },
    {
      when: 'a node of somebody else has stopped',
      seen: observed({ stopped: ['emqx-replicant-0'] }),
      then: { kind: 'rest' },
    },
    {
      when: "a node of another declaration's revision set has stopped, whose name begins with ours",
      seen: observed({ stopped: ['emqx-replicant-bcdfghjkl-0'] }),
      then: { kind: 'rest' },
    },
    {
      when: 'a pod is restarting in place',
      seen: observed({
        sets: [set(blue, { pods: { 1: { ...unready, restarts: 1 } } })],
        stopped: [`${blue}-1`],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'a fresh pod is refused under its old name',
      seen: observed({
        sets: [set(blue, { pods: { 1: { ...unready, report: report(`${blue}-1`, { joined: false }) } } })],
        stopped: [`${blue}-1`],
      }),
      then: { kind: 'leave', node: nodeName(`${blue}-1`), via: `${blue}-0` },
    },
    {
      when: 'a fresh pod has restarted before it could join, and is refused',
      seen: observed({
        sets: [set(blue, { pods: { 1: refused({ restarts: 1 }) } })],
        stopped: [`${blue}-1`],
      }),
      then: { kind: 'leave', node: nodeName(`${blue}-1`), via: `${blue}-0` },
    },
    {
      when: 'a fresh pod is refused, and only something else than its data is on a claim',
      seen: observed({
        declaration: { hasClaims: true },
        sets: [set(blue, { pods: { 1: refused() } })],
        stopped: [`${blue}-1`],
      }),
      then: { kind: 'leave', node: nodeName(`${blue}-1`), via: `${blue}-0` },
    },
    {
      when: 'a pod on a claim has just started, and is alone for the moment',
      seen: observed({
        declaration: { hasClaims: true },
        sets: [set(blue, { pods: { 1: refused({ unreadySinceMs: 975_000 }) } })],
        stopped: [`${blue}-1`],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'a member has restarted in place and does not find the others, which it knows',
      seen: observed({
        sets: [set(blue, { pods: { 1: refused({ restarts: 1 }, [`${blue}-0`]) } })],
        stopped: [`${blue}-1`],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'a retired node that is named by its address has stopped',
      seen: byAddress(true),
      then: { kind: 'leave', node: 'emqx@10.0.0.5', via: `${green}-0` },
    },
    {
      when: 'a node has stopped at an address that was never of ours',
      seen: byAddress(false),
      then: { kind: 'rest' },
    },
    {
      when: 'a pod restarts in place, and its node is named by its address',
      seen: byAddress(true, { 1: { ...unready, restarts: 1, podIp: '10.0.0.5' } }),
      then: { kind: 'wait' },
    },
    {
      when: 'the stopped node keeps its data on a claim',
      seen: observed({
        declaration: { hasClaims: true },
        sets: [set(blue, { pods: { 1: null } })],
        stopped: [`${blue}-1`],
      }),
      then: { kind: 'wait' },
    },
  ],
  'a pause ends the steps, not the repair': [
    {
      when: 'a fresh pod of what is active is refused under its old name, that leaves',
      seen: observed({
        declaration: asked,
        spec: { paused: true },
        sets: [set(blue, { pods: { 1: { ...unready, report: report(`${blue}-1`, { joined: false }) } } })],
        stopped: [`${blue}-1`],
      }),
      then: { kind: 'leave', node: nodeName(`${blue}-1`), via: `${blue}-0` },
      phase: 'Paused',
      says: /^paused: set spec\.paused to false to go on; emqx@.* leaves the EMQX cluster/,
    },
    {
      when: 'a pod of what is active does not come back, it is named',
      seen: observed({
        declaration: asked,
        spec: { paused: true },
        sets: [set(blue, { pods: { 1: { ...unready, ...crashing } } })],
      }),
      then: { kind: 'wait', forMs: 1000 },
      phase: 'Paused',
      says: /^paused: set spec\.paused to false to go on; emqx-bbbbbbbbb-1 is crash-looping/,
      stalled: 'PodFailing',
    },
    {
      when: 'somebody has scaled the active set to 0, it gets its size back',
      seen: observed({ spec: { paused: true }, sets: [set(blue, { size: 0, podCount: 3 })] }),
      then: { kind: 'resize', set: blue, to: 3 },
      phase: 'Paused',
    },
    {
      when: 'green is below its size, that waits',
      seen: observed({
        declaration: asked,
        spec: { paused: true },
        sets: [set(blue), set(green, { template: NEW, size: 1 })],
      }),
      then: { kind: 'wait' },
      phase: 'Paused',
    },
    {
      when: 'fewer nodes are wanted, that waits',
      seen: observed({ spec: { paused: true, replicas: 2 } }),
      then: { kind: 'wait' },
      phase: 'Paused',
    },
    {
      when: 'somebody has deleted the set that had the clients, another takes its place',
      seen: observed({ spec: { paused: true }, selects: own, sets: [lost()] }),
      then: { kind: 'makeSet', name: replacement },
    },
  ],
  // Each was found by the model test (test/model); the number is the seed that first showed it.
  'one drain at a time': [
    {
      when: 'the StatefulSet controller has not yet deleted the pod whose turn it is (20)',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue, { size: 2, podCount: 3 }), set(green, { template: NEW })],
      }),
      then: { kind: 'wait' },
      says: /bbbbbbbbb-2 begins to drain/,
    },
    {
      when: 'blue is too large while green starts, it goes down when nobody joins',
      seen: observed({
        declaration: asked,
        spec: { replicas: 2, promotion: { auto: false, previewService: '' } },
        sets: [set(blue), set(green, { template: NEW, size: 2, createdAtMs: 5 })],
      }),
      then: { kind: 'resize', set: blue, to: 2 },
    },
    {
      when: 'blue is too large and green will be switched to as soon as it is there, blue keeps its size until then',
      seen: observed({
        declaration: asked,
        spec: { replicas: 2 },
        sets: [set(blue), set(green, { template: NEW, size: 2, podCount: 0, createdAtMs: 5 })],
      }),
      then: { kind: 'wait' },
      phase: 'Progressing',
    },
    {
      when: 'blue is too large and green is there, the switch comes first',
      seen: observed({
        declaration: asked,
        spec: { replicas: 2 },
        sets: [set(blue), set(green, { template: NEW, size: 2, createdAtMs: 5 })],
      }),
      then: { kind: 'pointServices', revision: 'ggggggggg' },
    },
    {
      when: 'blue is too large and green cannot start, blue goes down meanwhile',
      seen: observed({
        declaration: asked,
        spec: { replicas: 2 },
        sets: [
          set(blue),
          set(green, {
            template: NEW,
            size: 2,
            createdAtMs: 5,
            pods: { 1: { ...unready, failing: true, problem: 'cannot run its image' } },
          }),
        ],
      }),
      then: { kind: 'resize', set: blue, to: 2 },
    },
    {
      when: 'blue is wanted again and too large, its clients are not sent away and back (50856)',
      seen: observed({
        spec: { replicas: 1, promotion: { auto: false, previewService: '' } },
        selects: 'ggggggggg',
        sets: [set(green, { template: NEW, size: 1 }), set(blue)],
      }),
      then: { kind: 'wait' },
      phase: 'AwaitingPromotion',
    },
    {
      when: 'what was scaled in still drains, that is no rest (32)',
      seen: observed({
        spec: { replicas: 2 },
        declaration: { wish: 3 },
        sets: [set(blue, { size: 2, podCount: 3, pods: { 2: terminating } })],
      }),
      then: { kind: 'wait' },
      phase: 'Draining',
    },
    {
      when: 'a pod that is to go is not ready itself, it hinders nothing (150)',
      seen: observed({
        spec: { replicas: 2 },
        declaration: { wish: 3 },
        sets: [set(blue, { pods: { 2: { ...unready, failing: true } } })],
      }),
      then: { kind: 'resize', to: 2 },
    },
    {
      when: 'the endpoints miss only a pod that is to go (53)',
      seen: observed({
        declaration: asked,
        spec: { replicas: 2 },
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW, pods: { 2: { ...unready, failing: true } } })],
      }),
      then: { kind: 'resize', set: green, to: 2 },
    },
    {
      when: 'all sidecars of green are silent, blue is not told that any node may have its sessions (1141)',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [
          set(blue),
          set(green, {
            template: NEW,
            pods: { 0: silent(`${green}-0`), 1: silent(`${green}-1`), 2: silent(`${green}-2`) },
          }),
        ],
        apart: [`${green}-0`, `${green}-1`, `${green}-2`],
      }),
      then: { kind: 'wait' },
      says: /no node of emqx-ggggggggg runs/,
    },
    {
      when: 'one sidecar of green is silent, the list of recipients stays whole (1141)',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW, pods: { 0: silent(`${green}-0`) } })],
      }),
      then: { kind: 'resize', set: blue, to: 2 },
    },
  ],
  'no sidecar answers, and no pod of blue is Ready': [
    {
      when: 'it had the clients: it goes pod by pod, for its gates drain whoever is there',
      seen: inSilence({}),
      then: { kind: 'resize', set: blue, to: 2 },
      phase: 'Draining',
    },
    {
      when: 'one of its pods ends: whether that is drained nobody tells, and the next one waits',
      seen: inSilence({
        size: 2,
        pods: { 0: unready, 1: unready, 2: { ...terminating, deletedAtMs: 940_000 } },
      }),
      then: { kind: 'wait' },
      says: /emqx-bbbbbbbbb-2 does not answer: whether it is drained is not known/,
    },
    {
      when: 'that one has taken longer than drainTimeoutSeconds',
      seen: inSilence(
        { size: 2, pods: { 0: unready, 1: unready, 2: { ...terminating, deletedAtMs: 930_000 } } },
        { spec: { drainTimeoutSeconds: 60 } },
      ),
      then: { kind: 'resize', set: blue, to: 1 },
    },
    {
      when: 'it was aborted after its switch, and is the younger one',
      seen: inSilence(
        {},
        {
          status: {
            history: [{ ...past(green, blue), switchedAt: new Date(0).toISOString(), result: 'aborted' }],
          },
        },
        7,
      ),
      then: { kind: 'resize', set: blue, to: 2 },
    },
    {
      when: 'it has never served: it goes at once',
      seen: inSilence({}, { status: {} }, 7),
      then: { kind: 'deleteSet', set: blue },
    },
  ],
  'nobody joins what is about to stop': [
    {
      when: 'a green that has joined is unwanted while a blue pod is starting, it stays for the moment (5)',
      seen: observed({
        declaration: { template: NEWER },
        sets: [set(blue, { pods: { 1: unready } }), set(green, { template: NEW, createdAtMs: 5 })],
        clients: { [`${green}-0`]: 0, [`${green}-1`]: 0, [`${green}-2`]: 0 },
      }),
      then: { kind: 'makeSet' },
    },
    {
      when: 'it has not joined, it goes at once',
      seen: observed({
        declaration: { template: NEWER },
        sets: [
          set(blue, { pods: { 1: unready } }),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
      }),
      then: { kind: 'deleteSet', set: green },
    },
    {
      when: 'the endpoints still list it, clients may be on their way to it (37424)',
      seen: observed({
        declaration: { template: NEWER },
        selects: 'bbbbbbbbb',
        sets: [set(blue), set(green, { template: NEW, createdAtMs: 5 })],
        clients: { [`${green}-0`]: 0, [`${green}-1`]: 0, [`${green}-2`]: 0 },
        services: [
          {
            name: 'emqx',
            resourceVersion: '1',
            revision: 'bbbbbbbbb',
            managed: true,
            readyPods: [`${blue}-0`, `${green}-1`],
          },
        ],
      }),
      then: { kind: 'makeSet' },
    },
    {
      when: 'it never joined and blue is wanted again, it goes at once too (3311)',
      seen: observed({
        declaration: { template: OLD },
        sets: [
          set(blue, { pods: { 1: unready } }),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
      }),
      then: { kind: 'deleteSet', set: green },
    },
    {
      when: 'another node drains, what may join meanwhile stays: it could be given sessions (79868)',
      seen: observed({
        declaration: { template: NEWER },
        sets: [
          set(blue, { pods: { 1: terminating } }),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
        evacuations: { [`${blue}-1`]: 'evicting_conns' },
      }),
      then: { kind: 'makeSet', name: setNameOf('emqx', revisionOf('emqx', NEWER)) },
    },
    {
      when: 'somebody else evacuates a node of blue, one that has joined stays though it is not Ready: it may be given sessions (5104)',
      seen: observed({
        declaration: { template: NEWER },
        sets: [
          set(blue),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
        joined: [`${green}-1`],
        clients: { [`${green}-1`]: 0 },
        foreign: [{ process: 'evacuation', node: nodeName(`${blue}-1`), state: 'evicting_conns' }],
      }),
      then: { kind: 'makeSet', name: setNameOf('emqx', revisionOf('emqx', NEWER)) },
    },
    {
      when: 'somebody else has evacuated a node of blue, which gives nobody any more: it goes',
      seen: observed({
        declaration: { template: NEWER },
        sets: [
          set(blue),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
        joined: [`${green}-1`],
        clients: { [`${green}-1`]: 0 },
        foreign: [{ process: 'evacuation', node: nodeName(`${blue}-1`), state: 'prohibiting' }],
      }),
      then: { kind: 'deleteSet', set: green },
    },
    {
      when: 'another node drains, what cannot join goes at once',
      seen: observed({
        declaration: { template: NEWER },
        sets: [
          set(blue, { pods: { 1: terminating } }),
          set(green, { template: NEW, createdAtMs: 5, size: 1, pods: { 0: { ...unready, failing: true } } }),
        ],
        evacuations: { [`${blue}-1`]: 'evicting_conns' },
      }),
      then: { kind: 'deleteSet', set: green },
    },
    {
      when: 'a drained node is about to stop, the next set is made after it (2618)',
      seen: observed({
        declaration: { template: NEWER },
        selects: 'ggggggggg',
        sets: [
          set(blue, { size: 0, podCount: 1, pods: { 0: terminating } }),
          set(green, { template: NEW, createdAtMs: 5 }),
        ],
        clients: { [`${blue}-0`]: 0 },
      }),
      then: { kind: 'wait' },
      says: /bbbbbbbbb-0 is drained and stopping/,
    },
  ],
  'size 0 and back': [
    {
      when: 'green is not switched to yet, it goes too (469)',
      seen: observed({
        declaration: asked,
        spec: { replicas: 0 },
        sets: [set(blue, down), set(green, { template: NEW })],
        selects: 'bbbbbbbbb',
      }),
      then: { kind: 'resize', set: green, to: 2 },
    },
    {
      when: 'others still have pods, what is active goes last: its sidecars help them out (2281)',
      seen: observed({
        declaration: asked,
        spec: { replicas: 0 },
        status: switched,
        sets: [set(blue), set(green, { template: NEW })],
        selects: 'ggggggggg',
        services: [],
      }),
      then: { kind: 'resize', set: blue, to: 2 },
    },
    {
      when: 'an upgrade is asked for, none is open: its deadline must not run (42)',
      seen: observed({
        declaration: asked,
        spec: { replicas: 0 },
        status: { upgrade: { ...upgrade, startedAt: new Date(1000).toISOString() } },
        sets: [set(blue, down)],
      }),
      then: { kind: 'rest' },
      settled: true,
    },
    {
      when: 'blue grows again and its pods are not there yet, green waits',
      seen: observed({ declaration: asked, sets: [set(blue, { podCount: 0 })] }),
      then: { kind: 'wait' },
      says: /has no pod yet; it comes back before it is replaced/,
    },
    {
      when: 'blue grows again, green that is kept at 0 waits as well',
      seen: observed({
        declaration: asked,
        selects: 'bbbbbbbbb',
        sets: [set(green, { template: NEW, ...down }), set(blue, { podCount: 0 })],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'blue is refused its pods for a minute, the edit that mends it goes on',
      seen: observed({
        declaration: asked,
        sets: [set(blue, { podCount: 0 })],
        status: { upgrade: { ...upgrade, startedAt: new Date(900_000).toISOString() } },
      }),
      then: { kind: 'makeSet' },
    },
  ],
  'an adopted set': [
    {
      when: 'a pod came back without its label (36)',
      seen: observed({
        declaration: running,
        selects: 'ooooooooo',
        sets: [
          {
            ...adopted(),
            pods: adopted().pods.map((pod) => (pod.ordinal === 1 ? { ...pod, revision: '' } : pod)),
          },
        ],
      }),
      then: { kind: 'labelPods', pods: ['emqx-1'], revision: 'ooooooooo' },
    },
    {
      when: 'it is scaled in while green waits for its promotion, a sidecar of green evacuates (41)',
      seen: observed({
        declaration: { ...asked, ...running },
        spec: { replicas: 2, promotion: { auto: false, previewService: '' } },
        selects: 'ooooooooo',
        sets: [adopted(), set(green, { template: NEW, size: 2, createdAtMs: 5 })],
      }),
      then: { kind: 'evacuate', node: nodeName('emqx-2'), via: `${green}-0` },
    },
    {
      when: 'no view lists its node, that is no proof that it holds nobody (81)',
      seen: observed({
        declaration: { ...asked, ...running },
        status: switched,
        selects: 'ggggggggg',
        sets: [
          adopted(),
          set(green, {
            template: NEW,
            pods: { 0: silent(`${green}-0`), 1: silent(`${green}-1`), 2: silent(`${green}-2`) },
          }),
        ],
      }),
      then: { kind: 'wait' },
      says: /no sidecar answers, so emqx-2 cannot be evacuated/,
    },
    ...[
      { scheme: 'address', hostOf: (ordinal: number) => `10.0.0.${ordinal}` },
      {
        scheme: 'name under another domain of the cluster',
        hostOf: (ordinal: number) => `emqx-${ordinal}.emqx-headless.mq.svc.corp.example`,
      },
      { scheme: 'name in DNS', hostOf: (ordinal: number) => `10-0-0-${ordinal}.mq.pod.cluster.local` },
    ].map(({ scheme, hostOf }) => ({
      when: `the hosts of its nodes are its pods' ${scheme}, they are evacuated`,
      seen: hosted(left(), hostOf),
      then: { kind: 'evacuate', node: `emqx@${hostOf(2)}`, pod: 'emqx-2' } as const,
    })),
    {
      when: 'a Ready pod of it has no node that is known, it is not taken down',
      seen: hosted(left(), (ordinal) => `node-${ordinal}.example.com`),
      then: { kind: 'wait' },
      says: /which EMQX node runs in pod emqx-2 is not known.*spec\.withoutEvacuation to None/,
      stalled: 'NodeUnknown',
    },
    {
      when: 'a pod of it is unready for a moment and has no node that is known, it is not taken down',
      seen: hosted(
        left({ sets: [adopted({ pods: { 2: unready } }), set(green, { template: NEW })] }),
        (ordinal) => `node-${ordinal}.example.com`,
      ),
      then: { kind: 'wait' },
      stalled: 'NodeUnknown',
    },
    {
      when: 'a Ready pod of it is in no EMQX cluster that is known, it is waited for',
      seen: left({ apart: ['emqx-0', 'emqx-1', 'emqx-2'] }),
      then: { kind: 'wait' },
      says: /which EMQX node runs in pod emqx-2 is not known/,
      stalled: false,
    },
    {
      when: 'a Ready pod of it has no node that is known, it goes all the same under None',
      seen: hosted(left({ spec: { withoutEvacuation: 'None' } }), (ordinal) => `node-${ordinal}.example.com`),
      then: { kind: 'resize', set: 'emqx', to: 2 },
    },
    {
      when: 'a Ready pod of it has no node that is known, the Services are not switched',
      seen: hosted(beforeSwitch({}), (ordinal) => `node-${ordinal}.example.com`),
      then: { kind: 'wait' },
      says: /which EMQX node runs in pod emqx-0 is not known/,
      stalled: 'NodeUnknown',
    },
    {
      when: 'one of its pods is stopping, the next one waits for it',
      seen: observed({
        declaration: { ...asked, ...running },
        status: switched,
        selects: 'ggggggggg',
        sets: [adopted({ size: 2, podCount: 3, pods: { 2: terminating } }), set(green, { template: NEW })],
        evacuations: { 'emqx-2': 'prohibiting' },
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'a node of it evacuates but stays, it takes clients again (125)',
      seen: observed({
        declaration: running,
        selects: 'ooooooooo',
        sets: [
          adopted({ pods: { 1: { evacuationNote: { acceptedAtMs: 1 } } } }),
          set(green, { template: NEW, createdAtMs: 5 }),
        ],
        evacuations: { 'emqx-1': 'prohibiting' },
      }),
      then: { kind: 'stopEvacuation', node: nodeName('emqx-1'), via: `${green}-0` },
    },
    {
      when: 'the same in a pause: fewer nodes than wanted would serve until that is over',
      seen: observed({
        declaration: running,
        spec: { paused: true },
        selects: 'ooooooooo',
        sets: [
          adopted({ pods: { 1: { evacuationNote: { acceptedAtMs: 1 } } } }),
          set(green, { template: NEW, createdAtMs: 5 }),
        ],
        evacuations: { 'emqx-1': 'prohibiting' },
      }),
      then: { kind: 'stopEvacuation', node: nodeName('emqx-1'), via: `${green}-0` },
      phase: 'Paused',
    },
    {
      when: 'a node of it evacuates, and what it would be active again for is paused: it stays as it is',
      seen: observed({
        declaration: running,
        spec: { paused: true },
        selects: 'ggggggggg',
        sets: [
          adopted({ pods: { 1: { evacuationNote: { acceptedAtMs: 1 } } } }),
          set(green, { template: NEW, createdAtMs: 5 }),
        ],
        evacuations: { 'emqx-1': 'prohibiting' },
      }),
      then: { kind: 'wait' },
      phase: 'Paused',
    },
    {
      when: 'a node of it evacuates but stays, and an unwanted green holds nobody: green asks before it goes',
      seen: observed({
        declaration: running,
        selects: 'ooooooooo',
        sets: [
          adopted({ pods: { 1: { evacuationNote: { acceptedAtMs: 1 } } } }),
          set(green, { template: NEW, createdAtMs: 5 }),
        ],
        clients: Object.fromEntries([0, 1, 2].map((ordinal) => [`${green}-${ordinal}`, 0])),
        evacuations: { 'emqx-1': 'prohibiting' },
      }),
      then: { kind: 'stopEvacuation', node: nodeName('emqx-1'), via: `${green}-0` },
    },
    {
      when: 'a note says that a node of it may evacuate, though nobody tells of it: the note must not outlast its cause',
      seen: observed({
        declaration: running,
        selects: 'ooooooooo',
        sets: [
          adopted({ pods: { 1: { evacuationNote: { acceptedAtMs: 1 } } } }),
          set(green, { template: NEW, createdAtMs: 5 }),
        ],
      }),
      then: { kind: 'stopEvacuation', node: nodeName('emqx-1'), pod: 'emqx-1', via: `${green}-0` },
    },
    {
      when: 'a fresh pod of it is refused under its old name (31944)',
      seen: observed({
        declaration: { ...asked, ...running },
        status: switched,
        selects: 'ggggggggg',
        sets: [adopted(), set(green, { template: NEW })],
        apart: ['emqx-1'],
        stopped: ['emqx-1'],
      }),
      then: { kind: 'leave', node: nodeName('emqx-1'), via: `${green}-0` },
    },
    {
      when: 'its only helper is about to be made, a node is not taken down undrained (12633)',
      seen: observed({
        declaration: { ...asked, ...running },
        spec: { replicas: 2 },
        selects: 'ooooooooo',
        sets: [adopted(), set(green, { template: NEW, size: 2, podCount: 0 })],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'the switch is over, an abort has no way back to it (199)',
      seen: observed({
        declaration: { ...asked, ...running, abort: 'ggggggggg' },
        status: { upgrade: { ...switched.upgrade, from: 'emqx' } },
        selects: 'ggggggggg',
        sets: [adopted(), set(green, { template: NEW })],
      }),
      then: { kind: 'clearTriggers', ignored: true },
      says: /there is no way back from emqx-ggggggggg/,
    },
  ],
  'an abort': [
    {
      when: 'is asked for before the record of the upgrade was written',
      seen: observed({
        declaration: { ...asked, abort: 'ggggggggg' },
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'abort', revision: 'ggggggggg', replacing: 'bbbbbbbbb' },
    },
    {
      when: 'is asked for in the delay after the switch, it goes back to the set that was left',
      seen: observed({
        declaration: { ...asked, abort: 'ggggggggg' },
        status: { ...switched, upgrade: { ...upgrade, switchedAt: new Date(995_000).toISOString() } },
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'abort', revision: 'ggggggggg', replacing: 'bbbbbbbbb' },
      says: /^upgrade to emqx-ggggggggg aborted: annotation sluice\.dev\/abort names it/,
      phase: 'Delaying',
    },
    {
      when: 'is asked for while a node of blue drains, it goes back to the set that is being left',
      seen: observed({
        declaration: { ...asked, abort: green },
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue, { size: 2, podCount: 3, pods: { 2: terminating } }), set(green, { template: NEW })],
        evacuations: { [`${blue}-2`]: 'evicting_conns' },
      }),
      then: { kind: 'abort', revision: 'ggggggggg', replacing: 'bbbbbbbbb' },
      phase: 'Draining',
    },
    {
      when: 'is asked for when blue has come down and is kept at 0, the upgrade is over and nothing is aborted',
      seen: observed({
        declaration: { ...asked, abort: 'ggggggggg' },
        status: { phase: 'Stable', active: green },
        selects: 'ggggggggg',
        sets: [set(blue, down), set(green, { template: NEW })],
      }),
      then: { kind: 'clearTriggers', triggers: { abort: 'ggggggggg' }, ignored: true },
      says: /is active and no upgrade is in progress; to go back, kubectl rollout undo/,
    },
    {
      when: 'was made in the delay: blue is whole, and the Services go back to it at once',
      seen: observed({
        declaration: { ...asked, aborted: { revision: 'ggggggggg', replacing: 'bbbbbbbbb' } },
        status: { ...switched, upgrade: { ...upgrade, from: green, to: blue } },
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'pointServices', revision: 'bbbbbbbbb' },
    },
    {
      when: 'was made while blue drained: blue grows first, and no Service is pointed at what is not whole',
      seen: observed({
        declaration: { ...asked, aborted: { revision: 'ggggggggg', replacing: 'bbbbbbbbb' } },
        status: { ...switched, upgrade: { ...upgrade, from: green, to: blue } },
        selects: 'ggggggggg',
        sets: [
          set(blue, { size: 2, podCount: 3, pods: { 2: terminating } }),
          set(green, { template: NEW, createdAtMs: 5 }),
        ],
        evacuations: { [`${blue}-2`]: 'evicting_conns' },
      }),
      then: { kind: 'resize', set: blue, to: 3 },
    },
    {
      when: 'was made after the switch and blue serves again, green drains pod by pod like any other',
      seen: observed({
        declaration: { ...asked, aborted: { revision: 'ggggggggg', replacing: 'bbbbbbbbb' } },
        status: {
          active: blue,
          upgrade: { ...upgrade, from: green, to: blue, switchedAt: new Date(900_000).toISOString() },
        },
        selects: 'bbbbbbbbb',
        sets: [set(blue), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'resize', set: green, to: 2 },
      phase: 'Draining',
    },
    {
      when: 'has lost the set to go back to (197)',
      seen: observed({
        declaration: { ...asked, aborted: { revision: 'ggggggggg', replacing: 'bbbbbbbbb' } },
        selects: 'ggggggggg',
        sets: [set(green, { template: NEW })],
      }),
      then: { kind: 'clearAborted' },
    },
    {
      when: 'is not due where no gate can be put into the template: nothing was begun',
      seen: notMade({ template: hooked }),
      then: { kind: 'wait' },
      says: /^the preStop hook of container emqx is of kind httpGet, .*: make it an exec hook$/,
      stalled: 'Refused',
    },
    {
      when: 'is due where the set cannot be made for a reason that only the API server knew, which is said',
      seen: notMade({ template: NEW }, 'a StatefulSet that is not ours stands in the way'),
      then: { kind: 'abort' },
      says: /its set was not made: a StatefulSet that is not ours stands in the way$/,
    },
    {
      when: 'is of no use while what it would go back to serves nobody (2766)',
      seen: observed({
        declaration: asked,
        sets: [
          set(blue, { pods: { 0: unready, 1: unready, 2: unready } }),
          set(green, { template: NEW, pods: { 0: unready } }),
        ],
        status: { upgrade: { ...upgrade, startedAt: new Date(1000).toISOString() } },
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'is not due at the end of a pause that was longer than the deadline (37327)',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW, pods: { 0: unready } })],
        status: { phase: 'Paused', upgrade: { ...upgrade, startedAt: new Date(1000).toISOString() } },
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'is not due before the deadline has passed since the pause',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW, pods: { 0: unready } })],
        status: {
          upgrade: {
            ...upgrade,
            startedAt: new Date(1000).toISOString(),
            resumedAt: new Date(990_000).toISOString(),
          },
        },
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'is due though green is Ready: a node of it has not joined',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW })],
        apart: [`${green}-1`],
        status: { upgrade: { ...upgrade, startedAt: new Date(1000).toISOString() } },
      }),
      then: { kind: 'abort', revision: 'ggggggggg' },
      says: /\(600 s\): emqx@emqx-ggggggggg-1\S* has not joined the EMQX cluster/,
    },
    {
      when: 'is due though green is Ready: a sidecar of it is silent',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW })],
        silent: [`${green}-1`],
        status: { upgrade: { ...upgrade, startedAt: new Date(1000).toISOString() } },
      }),
      then: { kind: 'abort', revision: 'ggggggggg' },
    },
    {
      when: 'is not due for what blue lacks',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW })],
        silent: [`${blue}-1`],
        status: { upgrade: { ...upgrade, startedAt: new Date(1000).toISOString() } },
      }),
      then: { kind: 'wait' },
      says: /the sidecar of pod emqx-bbbbbbbbb-1 does not answer/,
    },
    {
      when: 'is not due when a pod of green fails that was ready, and waited for a promotion',
      seen: observed({
        declaration: asked,
        spec: { promotion: { auto: false, previewService: '' } },
        sets: [set(blue), set(green, { template: NEW, pods: { 0: unready } })],
        status: {
          phase: 'AwaitingPromotion',
          upgrade: { ...upgrade, startedAt: new Date(1000).toISOString() },
        },
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'names no upgrade that runs, it must not hit a later one (6977)',
      seen: observed({ declaration: { abort: 'ggggggggg' } }),
      then: { kind: 'clearTriggers', triggers: { abort: 'ggggggggg' }, ignored: true },
      says: /sluice.dev\/abort names ggggggggg and is ignored: the wanted revision is oldoldold/,
    },
    {
      when: 'was not made, a retry must not end a later one',
      seen: observed({ declaration: { retry: 'ggggggggg' } }),
      then: { kind: 'clearTriggers', triggers: { retry: 'ggggggggg' }, ignored: true },
      says: /nothing of oldoldold was aborted or is held/,
    },
    {
      when: 'was made, the message says why, and what ends it',
      seen: observed({
        declaration: {
          ...asked,
          aborted: { revision: 'ggggggggg', replacing: 'bbbbbbbbb', because: 'it was late' },
        },
        selects: 'bbbbbbbbb',
        sets: [set(green, { template: NEW, ...down }), set(blue)],
      }),
      then: { kind: 'rest' },
      phase: 'Aborted',
      stalled: 'UpgradeAborted',
      says: /^upgrade to revision ggggggggg was aborted: it was late; emqx-bbbbbbbbb serves on with 3 nodes; annotate sluice.dev\/retry=ggggggggg/,
    },
    {
      when: 'was made, a retry by the name of the set ends it',
      seen: observed({
        declaration: { ...asked, retry: green, aborted: { revision: 'ggggggggg', replacing: 'bbbbbbbbb' } },
        selects: 'bbbbbbbbb',
        sets: [set(green, { template: NEW, ...down }), set(blue)],
      }),
      then: { kind: 'clearAborted' },
    },
    {
      when: 'was made, a retry of another revision does not end it',
      seen: observed({
        declaration: { ...asked, retry: 'true', aborted: { revision: 'ggggggggg', replacing: 'bbbbbbbbb' } },
        selects: 'bbbbbbbbb',
        sets: [set(green, { template: NEW, ...down }), set(blue)],
      }),
      then: { kind: 'clearTriggers', ignored: true },
      says: /names true and is ignored: the aborted revision is ggggggggg/,
    },
    {
      when: 'was ended by a retry, what is left of that is done with',
      seen: observed({
        declaration: { ...asked, retry: 'ggggggggg' },
        selects: 'bbbbbbbbb',
        sets: [set(green, { template: NEW, ...down }), set(blue)],
      }),
      then: { kind: 'clearTriggers', triggers: { retry: 'ggggggggg' }, ignored: false },
    },
    {
      when: 'was made, what is left of the trigger is done with',
      seen: observed({
        declaration: {
          ...asked,
          abort: 'ggggggggg',
          aborted: { revision: 'ggggggggg', replacing: 'bbbbbbbbb' },
        },
        selects: 'bbbbbbbbb',
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'clearTriggers', triggers: { abort: 'ggggggggg' }, ignored: false },
    },
    {
      when: 'is asked for again on the way back',
      seen: observed({
        declaration: {
          ...asked,
          abort: 'bbbbbbbbb',
          aborted: { revision: 'ggggggggg', replacing: 'bbbbbbbbb' },
        },
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'clearTriggers', ignored: true },
      says: /retry=ggggggggg to go there again/,
    },
  ],
  'versions that EMQX does not list together': [
    {
      when: 'are known from the tags, no green is made',
      seen: observed({
        declaration: { template: imaged('emqx/emqx:5.9.0') },
        sets: [set(blue, { template: imaged('emqx/emqx:5.8.9') })],
      }),
      then: { kind: 'wait' },
      phase: 'Progressing',
      stalled: 'VersionsNotListed',
      says: /has EMQX 5.9.0, which is not known to share a cluster safely with 5.8.9: 5.8.7 and later need 5.9.1; set spec.allowUnlistedVersions/,
    },
    {
      when: 'are known from what blue says, though its tag says nothing',
      seen: observed({
        declaration: { template: imaged('emqx/emqx:5.10.1') },
        sets: [set(blue, { template: imaged('emqx/emqx:latest') })],
        versions: { [blue]: '5.3.0' },
      }),
      then: { kind: 'wait' },
      stalled: 'VersionsNotListed',
    },
    {
      when: 'are waited for longer than the deadline, nothing is aborted that never began',
      seen: observed({
        declaration: { template: imaged('emqx/emqx:5.9.0') },
        sets: [set(blue, { template: imaged('emqx/emqx:5.8.9') })],
        status: {
          upgrade: {
            ...upgrade,
            startedAt: new Date(1000).toISOString(),
            to: setNameOf('emqx', revisionOf('emqx', imaged('emqx/emqx:5.9.0'))),
          },
        },
      }),
      then: { kind: 'wait' },
      stalled: 'VersionsNotListed',
    },
    {
      when: 'are listed, but 6 would lose durable sessions, no green is made',
      seen: observed({
        declaration: { template: imaged('emqx/emqx:6.0.0') },
        sets: [set(blue, { template: imaged('emqx/emqx:5.10.3') })],
      }),
      then: { kind: 'wait' },
      stalled: 'VersionsNotListed',
      says: /EMQX 6.0.0, .* with 5.10.3: durable sessions are not carried over .*; set spec.allowUnlistedVersions/,
    },
    {
      when: 'are forced',
      seen: observed({
        declaration: { template: imaged('emqx/emqx:5.9.0') },
        spec: { allowUnlistedVersions: true },
        sets: [set(blue, { template: imaged('emqx/emqx:5.8.9') })],
      }),
      then: { kind: 'makeSet' },
    },
    {
      when: 'are the new one and an older blue that is still left, the drain under way ends first',
      seen: mixed(),
      then: { kind: 'resize', set: blue, to: 1 },
      phase: 'Draining',
      stalled: false,
      says: /begins to drain; emqx-\w+ follows when emqx-bbbbbbbbb has gone: .* EMQX 5.10.1, .* with 5.3.2: .* go to 5.9 first; set spec.allowUnlistedVersions/,
    },
    {
      when: 'are the new one and an older blue that is still left, but forced',
      seen: mixed({ spec: { allowUnlistedVersions: true } }),
      then: { kind: 'makeSet' },
    },
    {
      when: 'were the new one and a blue that has gone, green is made',
      seen: mixed({}, down),
      then: { kind: 'makeSet' },
    },
    {
      when: 'are known from an image that never ran, its own repair is made',
      seen: observed({
        declaration: { template: imaged('emqx/emqx:5.8.9') },
        sets: [
          set(blue, { template: imaged('emqx/emqx:5.9.8'), pods: { 0: pulling, 1: pulling, 2: pulling } }),
        ],
      }),
      then: { kind: 'makeSet' },
    },
    {
      when: 'are found out when green runs, the deadline counts',
      seen: observed({
        declaration: { template: imaged('emqx/emqx:latest') },
        sets: [
          set(blue, { template: imaged('emqx/emqx:5.7.2') }),
          set(green, { template: imaged('emqx/emqx:latest'), createdAtMs: 5 }),
        ],
        versions: { [blue]: '5.7.2', [green]: '6.0.0' },
        status: { upgrade: { ...upgrade, startedAt: new Date(1000).toISOString() } },
      }),
      then: { kind: 'abort', revision: 'ggggggggg', replacing: 'bbbbbbbbb' },
      says: /not ready within progressDeadlineSeconds \(600 s\): emqx-ggggggggg has EMQX 6.0.0, which is not known/,
    },
    {
      when: 'share a cluster already: an undo in the middle goes back',
      seen: observed({
        declaration: { template: imaged('emqx/emqx:5.8.9') },
        status: switched,
        selects: 'ggggggggg',
        sets: [
          set(blue, { template: imaged('emqx/emqx:5.8.9'), size: 2 }),
          set(green, { template: imaged('emqx/emqx:5.10.1'), createdAtMs: 5 }),
        ],
      }),
      then: { kind: 'resize', set: blue, to: 3 },
    },
    {
      when: 'are found out when green runs, nothing is switched',
      seen: observed({
        declaration: { template: imaged('emqx/emqx:latest') },
        sets: [
          set(blue, { template: imaged('emqx/emqx:5.7.2') }),
          set(green, { template: imaged('emqx/emqx:latest'), createdAtMs: 5 }),
        ],
        versions: { [blue]: '5.7.2', [green]: '6.0.0' },
      }),
      then: { kind: 'wait' },
      stalled: 'VersionsNotListed',
    },
    {
      when: 'cannot be told from the tags of a company that counts its own builds',
      seen: observed({
        declaration: { template: imaged('registry.corp/emqx:1.5.0') },
        sets: [set(blue, { template: imaged('registry.corp/emqx:1.4.2') })],
        versions: { [blue]: '5.8.9' },
      }),
      then: { kind: 'makeSet' },
    },
    {
      when: 'are found out when such a green runs',
      seen: observed({
        declaration: { template: imaged('registry.corp/emqx:2026.11.21') },
        sets: [
          set(blue, { template: imaged('registry.corp/emqx:2026.11.20') }),
          set(green, { template: imaged('registry.corp/emqx:2026.11.21'), createdAtMs: 5 }),
        ],
        versions: { [blue]: '5.7.2', [green]: '6.0.0' },
      }),
      then: { kind: 'wait' },
      stalled: 'VersionsNotListed',
    },
    {
      when: 'are not what they are: unknown ones are no reason to wait',
      seen: observed({
        declaration: { template: imaged('emqx/emqx@sha256:22') },
        sets: [set(blue, { template: imaged('emqx/emqx@sha256:11') })],
      }),
      then: { kind: 'makeSet' },
    },
  ],
  'nodes that would not find each other': [
    {
      when: 'are known from their environment, no green is made',
      seen: observed({
        declaration: { template: imaged('emqx:2', [{ name: 'EMQX_NAME', value: 'mq-emqx' }]) },
        sets: [set(blue, { template: imaged('emqx:1', [{ name: 'EMQX_NAME', value: 'mq' }]) })],
      }),
      then: { kind: 'wait' },
      stalled: 'NodeNamesDiffer',
      says: /nodes named mq-emqx@… do not find those named mq@…: keep the part before the @/,
    },
    {
      when: 'have a name under which no node ever joined, another one may mend it',
      seen: observed({
        declaration: { template: imaged('emqx:1', [{ name: 'EMQX_NODE_NAME', value: 'emqx@right' }]) },
        sets: [unborn()],
      }),
      then: { kind: 'makeSet' },
    },
    {
      when: 'would be listed by none but themselves, they do not keep green from the clients',
      seen: observed({
        declaration: asked,
        selects: 'bbbbbbbbb',
        sets: [unborn(), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'pointServices', revision: 'ggggggggg' },
    },
    {
      when: 'have names made by their pods, that is no difference',
      seen: observed({
        declaration: { template: imaged('emqx:2', [{ name: 'EMQX_NODE__NAME', value: '$(POD_NAME)@x' }]) },
        sets: [set(blue, { template: imaged('emqx:1', [{ name: 'EMQX_NODE__NAME', value: 'mq@x' }]) })],
      }),
      then: { kind: 'makeSet' },
    },
    {
      when: 'are known by their own word',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW, createdAtMs: 5, pods: strangers })],
      }),
      then: { kind: 'wait' },
      stalled: 'NodeNamesDiffer',
      says: /nodes named mq@… do not find those named emqx@…/,
    },
    {
      when: 'have a licence for one node',
      seen: observed({
        declaration: asked,
        sets: [
          set(blue),
          set(green, {
            template: NEW,
            pods: {
              0: { ...unready, report: report(`${green}-0`, { joined: false, singleNodeLicence: true }) },
            },
          }),
        ],
      }),
      then: { kind: 'wait' },
      stalled: 'LicenceForbidsCluster',
      says: /ggggggggg-0 runs alone, because its licence is for a single node: .*EMQX_LICENSE__KEY/,
    },
  ],
  'a build of EMQX without evacuation': [
    {
      when: 'runs in blue, the switch waits for a policy',
      seen: without(observed({ declaration: asked, sets: [set(blue), set(green, { template: NEW })] })),
      then: { kind: 'wait' },
      stalled: 'NoEvacuation',
      says: /pod emqx-bbbbbbbbb-0 has no node evacuation .*set spec.withoutEvacuation to Paced or None/,
    },
    {
      when: 'runs in green alone, the switch is refused: no session could be moved there',
      seen: without(
        observed({ declaration: asked, sets: [set(blue), set(green, { template: NEW })] }),
        green,
      ),
      then: { kind: 'wait' },
      stalled: 'NoEvacuation',
      says: /pod emqx-ggggggggg-0 has no node evacuation .*no session of emqx-bbbbbbbbb could be moved to it: take a build/,
    },
    {
      when: 'runs in green alone, its deadline ends it and blue stays as it is',
      seen: without(
        observed({
          declaration: asked,
          status: { upgrade: { ...upgrade, startedAt: new Date(1000).toISOString() } },
          sets: [set(blue), set(green, { template: NEW })],
        }),
        green,
      ),
      then: { kind: 'abort', revision: 'ggggggggg', replacing: 'bbbbbbbbb' },
      says: /has no node evacuation/,
    },
    {
      when: 'runs in green alone, and its sessions may be lost',
      seen: without(
        observed({
          declaration: asked,
          spec: { withoutEvacuation: 'None' },
          sets: [set(blue), set(green, { template: NEW })],
        }),
        green,
      ),
      then: { kind: 'pointServices' },
    },
    {
      when: 'runs in blue, and its gates tell clients to go at a pace',
      seen: without(
        observed({
          declaration: asked,
          spec: { withoutEvacuation: 'Paced' },
          sets: [set(blue), set(green, { template: NEW })],
        }),
      ),
      then: { kind: 'pointServices' },
    },
    {
      when: 'runs in an adopted set, whose pods have no gate: the switch waits under Refuse',
      seen: without(beforeSwitch({ withoutEvacuation: 'Refuse' })),
      then: { kind: 'wait' },
      stalled: 'NoEvacuation',
      says: /clients of pod emqx-0 cannot be moved; set spec.withoutEvacuation to None/,
    },
    {
      when: 'runs in an adopted set, whose pods have no gate: the switch waits under Paced',
      seen: without(beforeSwitch({ withoutEvacuation: 'Paced' })),
      then: { kind: 'wait' },
      stalled: 'NoEvacuation',
      says: /clients of pod emqx-0 cannot be moved, nor be told to go at a pace, .*set spec.withoutEvacuation to None/,
    },
    {
      when: 'runs in an adopted set, the switch is made under None',
      seen: without(beforeSwitch({ withoutEvacuation: 'None' })),
      then: { kind: 'pointServices', revision: 'ggggggggg' },
    },
    {
      when: 'runs in an adopted set that is left, nobody is asked for what cannot be under None',
      seen: without(noted({}, { spec: { withoutEvacuation: 'None' } })),
      then: { kind: 'resize', set: 'emqx', to: 2 },
    },
    {
      when: 'runs in an adopted set that is left, and the policy has become Refuse since',
      seen: without(noted({})),
      then: { kind: 'wait' },
      stalled: 'NoEvacuation',
      says: /clients of pod emqx-2 cannot be moved/,
    },
    {
      when: 'runs in an adopted set that is left, a node that holds nobody goes under any policy',
      seen: without(noted({}, { clients: { 'emqx-2': 0 } })),
      then: { kind: 'resize', set: 'emqx', to: 2 },
    },
  ],
  'what somebody else runs': [
    {
      when: 'is a rebalance, the switch waits and says whose',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW })],
        foreign: [
          {
            process: 'rebalance',
            node: nodeName(`${blue}-0`),
            state: 'evicting_conns',
            coordinator: nodeName(`${blue}-1`),
          },
        ],
      }),
      then: { kind: 'wait' },
      stalled: false,
      says: /somebody else runs a rebalance of emqx@emqx-bbbbbbbbb-0.* \(evicting_conns\).* stop on emqx@emqx-bbbbbbbbb-1/,
    },
    {
      when: 'is an evacuation of a green node, a person has to stop it',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW })],
        foreign: [{ process: 'evacuation', node: nodeName(`${green}-0`), state: 'prohibiting' }],
      }),
      then: { kind: 'wait' },
      stalled: 'ForeignEvacuation',
    },
    {
      when: 'is an evacuation of an adopted node, which nobody of us noted: it is not stopped, whatever its rates',
      seen: beforeSwitch({}, { evacuations: { 'emqx-1': 'evicting_conns' } }),
      then: { kind: 'wait' },
      stalled: 'ForeignEvacuation',
      says: /somebody else evacuates emqx@emqx-1.* \(evicting_conns\).*emqx ctl rebalance stop/,
    },
    {
      when: 'is an evacuation of a green node after the switch, it is not told as a drain of ours',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
        foreign: [{ process: 'evacuation', node: nodeName(`${green}-0`), state: 'evicting_conns' }],
      }),
      then: { kind: 'wait' },
      stalled: 'ForeignEvacuation',
      says: /somebody else evacuates emqx@emqx-ggggggggg-0/,
    },
    {
      when: 'is an evacuation of a node that is left and goes on, it keeps nobody waiting',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
        foreign: [{ process: 'evacuation', node: nodeName(`${blue}-0`), state: 'evicting_conns' }],
      }),
      then: { kind: 'resize', set: blue, to: 2 },
    },
    {
      when: 'is an evacuation of an adopted node that is left, it is followed',
      seen: observed({
        declaration: { ...asked, ...running },
        status: switched,
        selects: 'ggggggggg',
        sets: [adopted(), set(green, { template: NEW })],
        evacuations: { 'emqx-2': 'evicting_conns' },
      }),
      then: { kind: 'wait' },
      stalled: false,
      says: /^emqx-2 is draining/,
    },
    {
      when: 'is a rebalance, no pod is taken down',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
        foreign: [{ process: 'rebalance', node: nodeName(`${green}-0`), state: 'wait_takeover' }],
      }),
      then: { kind: 'wait' },
      says: /somebody else runs a rebalance/,
    },
    {
      when: 'is an evacuation of a node that is left, it goes all the same',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
        foreign: [{ process: 'evacuation', node: nodeName(`${blue}-0`), state: 'prohibiting' }],
      }),
      then: { kind: 'resize', set: blue, to: 2 },
    },
  ],
  'a green that was made with other values of spec.emqx': [
    {
      when: 'holds nobody, its pods go',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW, outdated: ['spec.emqx.apiPort'], pods: unheardOf })],
      }),
      then: { kind: 'resize', set: green, to: 0 },
      says: /emqx-ggggggggg was made with another spec.emqx.apiPort, and is made anew/,
    },
    {
      when: 'has no pods any more, it goes itself',
      seen: observed({
        declaration: asked,
        selects: 'bbbbbbbbb',
        sets: [set(green, { template: NEW, outdated: ['spec.emqx.apiPort'], ...down }), set(blue)],
      }),
      then: { kind: 'deleteSet', set: green },
    },
    {
      when: 'holds clients, for it was active before: it is switched to as it is',
      seen: observed({
        declaration: asked,
        selects: 'bbbbbbbbb',
        sets: [set(green, { template: NEW, outdated: ['spec.emqx.apiPort'] }), set(blue, { createdAtMs: 5 })],
      }),
      then: { kind: 'pointServices', revision: 'ggggggggg' },
    },
    {
      when: 'is what an abort goes back to, it is kept: its template is nowhere else',
      seen: observed({
        declaration: { ...asked, aborted: { revision: 'ggggggggg', replacing: 'bbbbbbbbb' } },
        selects: 'ggggggggg',
        sets: [set(blue, { outdated: ['spec.emqx.apiPort'], ...down }), set(green, { template: NEW })],
      }),
      then: { kind: 'resize', set: blue, to: 3 },
    },
    {
      when: 'differs in its grace period alone, it is kept',
      seen: observed({
        declaration: asked,
        sets: [
          set(blue),
          set(green, { template: NEW, outdated: ['spec.drainTimeoutSeconds'], pods: unheardOf }),
        ],
      }),
      then: { kind: 'wait' },
    },
  ],
  'a Service by which clients do not come any more': [
    {
      when: 'is given back before the revision that it is pinned to goes',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
        former: ['emqx-ws'],
      }),
      then: { kind: 'unpinServices', services: ['emqx-ws'] },
      says: /emqx-ws, by which clients do not come, selects without revision/,
    },
    {
      when: 'is given back in a pause, too',
      seen: observed({ spec: { paused: true }, former: ['emqx-ws'] }),
      then: { kind: 'unpinServices', services: ['emqx-ws'] },
    },
  ],
  'Services that disagree': [
    {
      when: 'one of them, of another time, selects a set kept at 0: it follows what is active',
      seen: observed({
        declaration: { template: NEWER },
        status: { active: green },
        services: [service('a-mqtt', 'bbbbbbbbb'), service('emqx', 'ggggggggg')],
        sets: [
          set(blue, { size: 0 }),
          set(green, { template: NEW, createdAtMs: 5 }),
          set('emqx-rrrrrrrrr', { template: NEWER, createdAtMs: 9, pods: { 2: unready } }),
        ],
      }),
      then: { kind: 'pointServices', services: ['a-mqtt'], revision: 'ggggggggg' },
    },
    {
      when: 'the set kept at 0 is wanted again: it is not active before it has nodes',
      seen: observed({
        status: { active: green },
        services: [service('a-mqtt', 'bbbbbbbbb'), service('emqx', 'ggggggggg')],
        declaration: { template: OLD },
        sets: [set(blue, { size: 0 }), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'pointServices', services: ['a-mqtt'], revision: 'ggggggggg' },
    },
    {
      when: 'one of them selects a green that still starts: it is not active before it is whole',
      seen: observed({
        declaration: asked,
        status: { active: blue },
        services: [service('a-mqtt', 'ggggggggg'), service('emqx', 'bbbbbbbbb')],
        sets: [set(blue), set(green, { template: NEW, createdAtMs: 5, pods: { 2: unready } })],
      }),
      then: { kind: 'pointServices', services: ['a-mqtt'], revision: 'bbbbbbbbb' },
    },
    {
      when: 'the status is lost: what has pods is active, not what is kept at 0',
      seen: observed({
        declaration: { template: NEWER },
        services: [service('a-mqtt', 'bbbbbbbbb'), service('emqx', 'ggggggggg')],
        sets: [set(blue, { size: 0 }), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'pointServices', services: ['a-mqtt'], revision: 'ggggggggg' },
    },
    {
      when: 'the only one was made anew from an old file: it follows what is active',
      seen: observed({
        declaration: asked,
        status: { active: green },
        services: [service('emqx', 'bbbbbbbbb')],
        sets: [set(blue, { size: 0 }), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'pointServices', services: ['emqx'], revision: 'ggggggggg' },
    },
    {
      when: 'a switch was cut short: it is carried on',
      seen: observed({
        declaration: asked,
        status: { active: blue },
        services: [service('emqx', 'bbbbbbbbb'), service('emqx-ws', 'ggggggggg')],
        sets: [set(blue), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'pointServices', services: ['emqx'], revision: 'ggggggggg' },
    },
  ],
  'a Service whose revision nobody has any more': [
    {
      when: 'and what was active has no pods: it reaches a green that is whole (362, 3799)',
      seen: observed({
        declaration: { template: NEW },
        status: { active: 'emqx' },
        selects: 'xxxxxxxxx',
        sets: [adopted({ podCount: 0 }), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'pointServices', services: ['emqx'], revision: 'ggggggggg' },
    },
    {
      when: 'for its set was deleted: it goes back to blue, not to the one that starts in its place (328, 3128)',
      seen: observed({
        declaration: { template: NEW },
        status: { active: 'emqx-ddddddddd' },
        selects: 'ddddddddd',
        sets: [
          adopted(),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
      }),
      then: { kind: 'pointServices', services: ['emqx'], revision: 'ooooooooo' },
    },
    {
      when: 'goes to what was active while that has pods, though they restart',
      seen: observed({
        declaration: { template: NEW },
        status: { active: blue },
        selects: 'ddddddddd',
        sets: [
          set(blue, { pods: { 0: unready, 1: unready, 2: unready } }),
          set(green, { template: NEW, createdAtMs: 5 }),
        ],
      }),
      then: { kind: 'pointServices', services: ['emqx'], revision: 'bbbbbbbbb' },
    },
    {
      when: 'stays with a set whose data is on claims, and whose pods were taken away: it would lose them to another',
      seen: observed({
        declaration: { template: NEW, hasClaims: true },
        status: { active: blue },
        selects: 'xxxxxxxxx',
        sets: [set(blue, { podCount: 0 }), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'pointServices', services: ['emqx'], revision: 'bbbbbbbbb' },
    },
    {
      when: 'no Service at all: what was active stays so while its pods are made anew, for nobody could be switched (120)',
      seen: observed({
        declaration: { template: NEW },
        status: { active: blue },
        services: [],
        sets: [set(blue, { podCount: 0 }), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'wait' },
      stalled: 'NoService',
    },
  ],
  'a Service that is to follow the others': [
    {
      when: 'stays where nodes serve while none does where it is to go (4979)',
      seen: observed({
        declaration: { template: NEW },
        status: switched,
        services: [service('emqx', 'ggggggggg'), service('emqx-ws', 'bbbbbbbbb')],
        sets: [
          set(blue),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: terminating } }),
        ],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'follows as soon as one does',
      seen: observed({
        declaration: { template: NEW },
        status: switched,
        services: [service('emqx', 'ggggggggg'), service('emqx-ws', 'bbbbbbbbb')],
        sets: [
          set(blue),
          set(green, { template: NEW, createdAtMs: 5, pods: { 1: unready, 2: terminating } }),
        ],
      }),
      then: { kind: 'pointServices', services: ['emqx-ws'], revision: 'ggggggggg' },
    },
    {
      when: 'follows at size 0, where no node is to take anybody: else both would wait for each other',
      seen: observed({
        declaration: { template: NEW },
        spec: { replicas: 0 },
        status: switched,
        services: [service('emqx', 'ggggggggg'), service('emqx-ws', 'bbbbbbbbb', podsOf(blue))],
        sets: [
          set(blue),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
      }),
      then: { kind: 'pointServices', services: ['emqx-ws'], revision: 'ggggggggg' },
    },
    {
      when: 'follows though none does, when nobody serves where it is',
      seen: observed({
        declaration: { template: NEW },
        status: switched,
        services: [service('emqx', 'ggggggggg'), service('emqx-ws', 'bbbbbbbbb')],
        sets: [
          set(blue, { pods: { 0: unready, 1: unready, 2: unready } }),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
      }),
      then: { kind: 'pointServices', services: ['emqx-ws'], revision: 'ggggggggg' },
    },
  ],
  'the preview Service': [
    {
      when: 'has lost its key in a pause, it reaches nobody until green is ready',
      seen: observed({
        declaration: asked,
        spec: { paused: true },
        preview: keyless,
        sets: [set(blue), set(green, { template: NEW, pods: { 2: unready } })],
      }),
      then: { kind: 'pointPreview', revision: 'none' },
    },
    {
      when: 'reaches nobody before green is made',
      seen: observed({ declaration: asked, preview: previewOf('oldoldold') }),
      then: { kind: 'pointPreview', service: 'emqx-preview', revision: 'none' },
      says: /reaches nobody until emqx-\w+ is ready/,
    },
    {
      when: 'reaches nobody while green starts',
      seen: observed({
        declaration: asked,
        preview: previewOf('none'),
        sets: [set(blue), set(green, { template: NEW, pods: { 2: unready } })],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'reaches green when all of it is ready, before the switch',
      seen: observed({
        declaration: asked,
        preview: previewOf('none'),
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'pointPreview', revision: 'ggggggggg' },
    },
    {
      when: 'does not reach a green that is ready and about to be made anew (3270)',
      seen: observed({
        declaration: asked,
        preview: previewOf('none'),
        clients: { [`${green}-0`]: 0, [`${green}-1`]: 0, [`${green}-2`]: 0 },
        sets: [set(blue), set(green, { template: NEW, outdated: ['spec.emqx.apiPort'] })],
      }),
      then: { kind: 'resize', set: green, to: 0 },
    },
    {
      when: 'lets go of a green that is about to be made anew, before that (5107)',
      seen: observed({
        declaration: asked,
        preview: previewOf('ggggggggg'),
        clients: { [`${green}-0`]: 0, [`${green}-1`]: 0, [`${green}-2`]: 0 },
        sets: [set(blue), set(green, { template: NEW, outdated: ['spec.emqx.apiPort'] })],
      }),
      then: { kind: 'pointPreview', revision: 'none' },
    },
    {
      when: 'lets go of a green that somebody has deleted, and whose nodes come back one by one',
      seen: observed({
        declaration: asked,
        preview: previewOf(revisionOf('emqx', NEW)),
        sets: [set(blue)],
      }),
      then: { kind: 'pointPreview', revision: 'none' },
    },
    {
      when: 'stays on green though one of its pods is lost while it waits for its promotion',
      seen: observed({
        declaration: asked,
        preview: previewOf('ggggggggg'),
        spec: { promotion: { auto: false, previewService: 'emqx-preview' } },
        sets: [set(blue), set(green, { template: NEW, pods: { 2: unready } })],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'reaches what is active when the edit is taken back',
      seen: observed({ preview: previewOf('none') }),
      then: { kind: 'pointPreview', revision: 'oldoldold' },
    },
    {
      when: 'is none that could be used, it is left alone',
      seen: observed({ declaration: asked, preview: { kind: 'unusable', why: 'x' } }),
      then: { kind: 'makeSet' },
    },
  ],
  'a drain that takes too long': [
    {
      when: 'keeps nobody waiting: the next pod has its turn',
      seen: overdue({ onDrainTimeout: 'Proceed' }),
      then: { kind: 'resize', set: blue, to: 1 },
    },
    {
      when: 'is to be held, that is written down',
      seen: overdue({ onDrainTimeout: 'Hold' }),
      then: {
        kind: 'holdDrains',
        hold: { pod: `${blue}-2`, uid: `${blue}-2`, wanted: 'ggggggggg', heldAtMs: 1_000_000 },
      },
      says: /bbbbbbbbb-2 has not handed over within drainTimeoutSeconds \(60 s\): no further pod is taken down/,
    },
    {
      when: 'is held, though its pod has gone',
      seen: overdue({ onDrainTimeout: 'Hold' }, { drainHold: heldOf(`${blue}-2`) }, {}),
      then: { kind: 'wait' },
      stalled: 'DrainHeld',
      says: /annotate sluice.dev\/retry=ggggggggg to go on, or set spec.onDrainTimeout to Proceed/,
    },
    {
      when: 'is held, and somebody retries',
      seen: overdue({ onDrainTimeout: 'Hold' }, { drainHold: heldOf(`${blue}-2`), retry: 'ggggggggg' }),
      then: { kind: 'holdDrains', hold: heldOf(`${blue}-2`, { retriedAtMs: 1_000_000 }) },
    },
    {
      when: 'was retried, what is left of the trigger is done with',
      seen: overdue(
        { onDrainTimeout: 'Hold' },
        { drainHold: heldOf(`${blue}-2`, { retriedAtMs: 990_000 }), retry: 'ggggggggg' },
      ),
      then: { kind: 'clearTriggers', triggers: { retry: 'ggggggggg' }, ignored: false },
    },
    {
      when: 'was retried, it is waited for as long once more',
      seen: overdue({ onDrainTimeout: 'Hold' }, { drainHold: heldOf(`${blue}-2`, { retriedAtMs: 990_000 }) }),
      then: { kind: 'wait' },
      stalled: false,
      says: /bbbbbbbbb-2 is draining/,
    },
    {
      when: 'was retried and its pod has gone, the next has its turn',
      seen: overdue(
        { onDrainTimeout: 'Hold' },
        { drainHold: heldOf(`${blue}-2`, { retriedAtMs: 990_000 }) },
        {},
      ),
      then: { kind: 'resize', set: blue, to: 1 },
    },
    {
      when: 'is held no more when the policy is another one',
      seen: overdue({ onDrainTimeout: 'Proceed' }, { drainHold: heldOf(`${blue}-2`) }, {}),
      then: { kind: 'resize', set: blue, to: 1 },
    },
    {
      when: 'was held, and the pod stays after an undo: what goes instead was never late',
      seen: observed({
        declaration: { drainHold: heldOf(`${blue}-2`) },
        spec: { onDrainTimeout: 'Hold' },
        selects: 'bbbbbbbbb',
        sets: [set(blue), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'holdDrains' },
      says: /^emqx-bbbbbbbbb-2 stays/,
    },
    {
      when: 'was held, and the same pod stays because fewer are to go',
      seen: left({
        declaration: { ...asked, ...running, drainHold: heldOf(`${green}-2`) },
        spec: { onDrainTimeout: 'Hold' },
      }),
      then: { kind: 'holdDrains' },
      says: /^emqx-ggggggggg-2 stays/,
    },
    {
      when: 'is held of a pod of what is active that somebody deleted, its successor does not let it up',
      seen: left({
        declaration: { ...asked, ...running, drainHold: heldOf(`${green}-2`, { uid: 'before' }) },
        spec: { onDrainTimeout: 'Hold' },
      }),
      then: { kind: 'wait' },
      stalled: 'DrainHeld',
    },
    {
      when: 'is held of a pod of what is active that somebody deleted, and something else is asked for',
      seen: observed({
        declaration: { template: NEWER, drainHold: heldOf(`${green}-2`, { uid: 'before' }) },
        spec: { onDrainTimeout: 'Hold' },
        status: switched,
        selects: 'ggggggggg',
        sets: [
          set(blue, { size: 1 }),
          set(green, { template: NEW, createdAtMs: 5 }),
          set('emqx-nnnnnnnnn', { template: NEWER, createdAtMs: 9 }),
        ],
      }),
      then: { kind: 'pointServices' },
    },
    {
      when: 'is held of a pod that is too many, it is not let up',
      seen: observed({
        declaration: { drainHold: heldOf('emqx-oldoldold-2') },
        spec: { onDrainTimeout: 'Hold', replicas: 1 },
      }),
      then: { kind: 'wait' },
      stalled: 'DrainHeld',
    },
    {
      when: 'was held, and nothing is left to be taken down',
      seen: observed({ declaration: { drainHold: heldOf(`${blue}-2`) } }),
      then: { kind: 'holdDrains' },
    },
    {
      when: 'has no gate and no view tells of it for a moment, nobody is taken down: it is asked for again (839)',
      seen: noted({ acceptedAtMs: 900_000 }, { spec: { drainTimeoutSeconds: 60, onDrainTimeout: 'Hold' } }),
      then: { kind: 'evacuate', node: nodeName('emqx-2'), pod: 'emqx-2' },
    },
    {
      when: 'has no gate, it is held by its note',
      seen: noted(
        { acceptedAtMs: 900_000 },
        {
          spec: { drainTimeoutSeconds: 60, onDrainTimeout: 'Hold' },
          evacuations: { 'emqx-2': 'evicting_conns' },
        },
      ),
      then: {
        kind: 'holdDrains',
        hold: { pod: 'emqx-2', uid: 'emqx-2', wanted: 'ggggggggg', heldAtMs: 1_000_000 },
      },
    },
    {
      when: 'was noted long ago and does not run: its pod keeps its clients, and the evacuation begins',
      seen: noted({ acceptedAtMs: 900_000 }, { spec: { drainTimeoutSeconds: 60 } }),
      then: { kind: 'evacuate', node: nodeName('emqx-2'), pod: 'emqx-2' },
    },
    {
      when: 'was asked for, and nobody has heard whether it was accepted: it takes no time yet, and is asked for again',
      seen: noted({}, { spec: { drainTimeoutSeconds: 60 }, evacuations: { 'emqx-2': 'evicting_conns' } }),
      then: { kind: 'evacuate', node: nodeName('emqx-2'), pod: 'emqx-2' },
    },
    {
      when: 'was accepted a moment ago, it is waited for',
      seen: noted(
        { acceptedAtMs: 999_000 },
        { spec: { drainTimeoutSeconds: 60 }, evacuations: { 'emqx-2': 'evicting_conns' } },
      ),
      then: { kind: 'wait' },
      says: /^emqx-2 is draining/,
    },
    {
      when: 'has no gate and holds nobody, though EMQX counts durable sessions still: that is noted',
      seen: noted(
        { acceptedAtMs: 999_000 },
        { evacuations: { 'emqx-2': 'evicting_sessions' }, clients: { 'emqx-2': 0 } },
      ),
      then: { kind: 'noteEmpty', pod: 'emqx-2', sinceMs: 1_000_000 },
    },
    {
      when: 'has no gate and has held nobody for a while: its pod goes',
      seen: noted(
        { acceptedAtMs: 900_000 },
        { evacuations: { 'emqx-2': 'evicting_sessions' }, clients: { 'emqx-2': 0 } },
        { emptySinceMs: 980_000 },
      ),
      then: { kind: 'resize', set: 'emqx', to: 2 },
    },
    {
      when: 'has no gate and holds somebody after all: the note goes',
      seen: noted(
        { acceptedAtMs: 900_000 },
        { evacuations: { 'emqx-2': 'evicting_sessions' } },
        { emptySinceMs: 980_000 },
      ),
      then: { kind: 'noteEmpty', pod: 'emqx-2' },
    },
    {
      when: 'has no gate and ends with some left, as on EMQX 4: it is waited for',
      seen: noted({ acceptedAtMs: 999_000 }, { evacuations: { 'emqx-2': 'prohibiting' }, emqxApi: 'v4' }),
      then: { kind: 'wait' },
      says: /emqx-2 is draining \(prohibiting\), 100 clients and 100 sessions left/,
    },
    {
      when: 'has no gate, its pod is taken down all the same',
      seen: noted(
        { acceptedAtMs: 900_000 },
        { spec: { drainTimeoutSeconds: 60 }, evacuations: { 'emqx-2': 'evicting_conns' } },
      ),
      then: { kind: 'resize', set: 'emqx', to: 2 },
    },
  ],
  'another drain rate reaches sidecars whatever is waited for': [
    {
      when: 'a promotion',
      seen: slower({
        declaration: asked,
        spec: { promotion: { auto: false, previewService: '' } },
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'tell', pods: podsOf(blue), settings: slow },
      phase: 'AwaitingPromotion',
    },
    {
      when: 'the end of a pause',
      seen: slower({ declaration: asked, spec: { paused: true }, sets: [set(blue)] }),
      then: { kind: 'tell', pods: podsOf(blue), settings: slow },
      phase: 'Paused',
    },
    {
      when: 'the end of a pause, in the middle of a drain',
      seen: slower({
        declaration: asked,
        spec: { paused: true },
        selects: 'ggggggggg',
        status: switched,
        sets: [set(blue, { pods: { 2: { terminating: true } } }), set(green, { template: NEW })],
      }),
      then: {
        kind: 'tell',
        pods: podsOf(blue),
        settings: { ...slow, recipients: podsOf(green).map(nodeName), waitHealthCheck: 0 },
      },
      phase: 'Paused',
    },
    {
      when: 'green',
      seen: slower({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW, pods: { 0: unready, 1: unready, 2: unready } })],
      }),
      then: { kind: 'tell', pods: podsOf(blue), settings: slow },
      phase: 'Progressing',
    },
    {
      when: 'nothing',
      seen: slower({ sets: [set(blue)] }),
      then: { kind: 'tell', pods: podsOf(blue) },
      phase: 'Stable',
      settled: false,
    },
  ],
  'a promotion': [
    {
      when: 'of what is not wanted is ignored, and says so',
      seen: observed({
        declaration: { ...asked, promote: 'bbbbbbbbb' },
        sets: [set(blue), set(green, { template: NEW })],
        spec: { promotion: { auto: false, previewService: '' } },
      }),
      then: { kind: 'clearTriggers', triggers: { promote: 'bbbbbbbbb' }, ignored: true },
      says: /names bbbbbbbbb and is ignored: the wanted revision is ggggggggg/,
    },
    {
      when: 'is given before green is ready, it is kept',
      seen: observed({
        declaration: { ...asked, promote: green },
        sets: [set(blue), set(green, { template: NEW, pods: { 0: unready } })],
        spec: { promotion: { auto: false, previewService: '' } },
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'is done, its trigger goes',
      seen: observed({
        declaration: { ...asked, promote: 'ggggggggg' },
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'clearTriggers', triggers: { promote: 'ggggggggg' }, ignored: false },
    },
    {
      when: 'names what is active already',
      seen: observed({ declaration: { promote: 'oldoldold' } }),
      then: { kind: 'clearTriggers', ignored: true },
      says: /emqx-oldoldold is active already/,
    },
  ],
  'a container that cannot run': [
    {
      when: 'is one of green, a person has to act, long before the deadline',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW, pods: { 1: { ...unready, ...crashing } } })],
      }),
      then: { kind: 'wait' },
      phase: 'Progressing',
      stalled: 'PodFailing',
      says: /emqx-ggggggggg-1 is crash-looping/,
    },
    {
      when: 'is one of green, which is only starting otherwise, nobody has to',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW, pods: { 1: unready } })],
      }),
      then: { kind: 'wait' },
      stalled: false,
    },
    {
      when: 'is one of what serves, in quiet times',
      seen: observed({
        status: { phase: 'Stable' },
        sets: [set(blue, { pods: { 1: { ...unready, ...crashing } } })],
      }),
      then: { kind: 'wait' },
      phase: 'Degraded',
      stalled: 'PodFailing',
    },
    {
      when: 'is not known, but the first start has taken longer than the deadline',
      seen: observed({
        status: { phase: 'Progressing' },
        sets: [set(blue, { pods: { 1: { ...unready, unreadySinceMs: 300_000 } } })],
      }),
      then: { kind: 'wait' },
      phase: 'Progressing',
      stalled: 'ProgressDeadlineExceeded',
    },
  ],
  claims: [
    {
      when: 'a retired set has come down and its nodes have left, they go',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        selects: 'ggggggggg',
        sets: [set(blue, down), set(green, { template: NEW })],
        claims: [owned(blue, 0), owned(blue, 1), claim(green, 0)],
      }),
      then: { kind: 'deleteClaims', claims: [`data-${blue}-0`, `data-${blue}-1`] },
    },
    {
      when: 'its last node is still listed by EMQX, that leaves first',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        selects: 'ggggggggg',
        sets: [set(blue, down), set(green, { template: NEW })],
        stopped: [`${blue}-0`],
        claims: [owned(blue, 0)],
      }),
      then: { kind: 'leave' },
    },
    {
      when: 'what serves is not whole, they stay: it could be needed to go back',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        selects: 'ggggggggg',
        sets: [set(blue, down), set(green, { template: NEW, pods: { 0: unready } })],
        claims: [owned(blue, 0)],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'nobody is wanted, they stay: the last active set starts on them',
      seen: observed({
        declaration: { hasClaims: true },
        spec: { replicas: 0 },
        sets: [set(blue, down)],
        claims: [claim(blue, 0)],
      }),
      then: { kind: 'rest' },
    },
    {
      when: 'their set is not there, they stay: a deleted declaration may have left them',
      seen: observed({ declaration: { hasClaims: true }, claims: [claim(green, 0)] }),
      then: { kind: 'rest' },
    },
    {
      when: 'a set beyond the history limit has some left, it waits for them',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        spec: { revisionHistoryLimit: 0 },
        selects: 'ggggggggg',
        sets: [set(blue, down), set(green, { template: NEW })],
        claims: [owned(blue, 0)],
      }),
      then: { kind: 'deleteClaims' },
    },
    {
      when: 'a green that goes has some, it is kept at 0 until they have gone',
      seen: observed({
        declaration: { hasClaims: true },
        sets: [
          set(blue),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
        claims: [owned(green, 0)],
      }),
      then: { kind: 'resize', set: green, to: 0 },
    },
    {
      when: 'a deleted declaration has left some of what the Service selects, the first set starts on them',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        sets: [],
        selects: 'bbbbbbbbb',
        claims: [claim(blue, 0), { ...claim(green, 0), createdAtMs: 9 }],
      }),
      then: { kind: 'makeSet', name: blue, revision: 'bbbbbbbbb' },
    },
    {
      when: 'a set that started on them has the name of a template that is asked for again, that gets another name (2290)',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        sets: [set(setNameOf('emqx', revisionOf('emqx', NEW)), { template: OLD })],
      }),
      then: { kind: 'makeSet', revision: otherRevisionOf('emqx', NEW, revisionOf('emqx', NEW)) },
    },
    {
      when: 'no Service selects them any more, the first set starts on the newest',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        sets: [],
        selects: green.slice('emqx-'.length),
        claims: [claim(blue, 0), { ...claim(green, 0), createdAtMs: 9 }],
      }),
      then: { kind: 'makeSet', name: green },
    },
    {
      when: 'a user has kept the BlueGreen, the first set starts on those of what it says was active, not on newer ones',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        status: { active: blue },
        sets: [],
        selects: 'nnnnnnnnn',
        claims: [claim(blue, 0), { ...claim(green, 0), createdAtMs: 9 }],
      }),
      then: { kind: 'pointServices', revision: 'bbbbbbbbb' },
    },
    {
      when: 'a green has got some, they go should the declaration be deleted: the next one is not to start on them',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        sets: [set(blue), set(green, { template: NEW, pods: { 0: unready } })],
        claims: [claim(blue, 0), claim(green, 0), claim(green, 1)],
      }),
      then: { kind: 'ownClaims', claims: [`data-${green}-0`, `data-${green}-1`], owned: true },
    },
    {
      when: 'green serves now, its own are to stay, before those of blue are to go',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
        claims: [claim(blue, 0), owned(green, 0)],
      }),
      then: { kind: 'ownClaims', claims: [`data-${green}-0`], owned: false },
    },
    {
      when: 'green serves and its own are to stay, those of blue are to go',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
        claims: [claim(blue, 0), claim(green, 0)],
      }),
      then: { kind: 'ownClaims', claims: [`data-${blue}-0`], owned: true },
    },
    {
      when: 'green is whole, its own are to stay before it serves',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        sets: [set(blue), set(green, { template: NEW })],
        claims: [claim(blue, 0), owned(green, 0), owned(green, 1)],
      }),
      then: { kind: 'ownClaims', claims: [`data-${green}-0`, `data-${green}-1`], owned: false },
    },
    {
      when: 'green is whole and its own are to stay, they are left so and the Service is switched',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        sets: [set(blue), set(green, { template: NEW })],
        claims: [claim(blue, 0), claim(green, 0), claim(green, 1)],
      }),
      then: { kind: 'pointServices', revision: 'ggggggggg' },
    },
    {
      when: 'green waits for its promotion, its own go with the declaration until then',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        spec: { promotion: { auto: false, previewService: '' } },
        sets: [set(blue), set(green, { template: NEW })],
        claims: [claim(blue, 0), owned(green, 0)],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'spec.claimsOnDelete is Delete, green is switched to as it is',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        spec: { claimsOnDelete: 'Delete' },
        sets: [set(blue), set(green, { template: NEW })],
        claims: [owned(blue, 0), owned(green, 0)],
      }),
      then: { kind: 'pointServices', revision: 'ggggggggg' },
    },
    {
      when: 'spec.claimsOnDelete is Delete, those of the active set go with the declaration too, though not with the set',
      seen: observed({
        declaration: { hasClaims: true },
        spec: { claimsOnDelete: 'Delete' },
        sets: [set(blue)],
        claims: [claim(blue, 0), owned(blue, 1)],
      }),
      then: { kind: 'ownClaims', claims: [`data-${blue}-0`], owned: true },
    },
    {
      when: 'spec.claimsOnDelete is Retain again, those of the active set are to stay',
      seen: observed({
        declaration: { hasClaims: true },
        sets: [set(blue)],
        claims: [owned(blue, 0)],
      }),
      then: { kind: 'ownClaims', claims: [`data-${blue}-0`], owned: false },
    },
  ],
  'pods without a StatefulSet': [
    {
      when: 'a label was taken from one, so that its set let it go: it gets that back before anything else',
      seen: observed({
        declaration: asked,
        sets: [set(blue, { pods: { 1: { lostLabels: { app: 'emqx' } } } })],
      }),
      then: { kind: 'relabelPod', pod: `${blue}-1`, labels: { app: 'emqx' } },
      says: /pod emqx-bbbbbbbbb-1 lost label app.*to be rid of the pod, delete it/,
    },
    {
      when: 'the active set was deleted and left them behind, it is made again over them',
      seen: observed({ sets: [set(blue, { kind: 'orphaned', size: 0, podCount: 3 })] }),
      then: { kind: 'restoreSet', set: blue, size: 3 },
      says: /bbbbbbbbb was deleted and left 3 pods behind/,
    },
    {
      when: 'the active set was deleted, the Service stays and another one of the same template is made at once',
      seen: observed({ sets: [lost()] }),
      then: { kind: 'makeSet', name: replacement, size: 3 },
      says: /StatefulSet emqx-\w+, which had the clients, was deleted: its pods drain and end, and emqx-\w+ takes its place/,
    },
    {
      when: 'the active set was deleted, what takes its place gets the clients when it is ready, whoever promotes',
      seen: observed({
        spec: { promotion: { auto: false, previewService: '' } },
        sets: [lost(), set(replacement)],
      }),
      then: { kind: 'pointServices', revision: replacement.slice('emqx-'.length) },
    },
    {
      when: 'what takes its place is not ready, the Service stays where it is',
      seen: observed({ sets: [lost(), set(replacement, { pods: { 1: unready } })] }),
      then: { kind: 'wait' },
      says: /-1 is starting; StatefulSet/,
    },
    {
      when: 'another set has the clients by now, the last pods are waited for',
      seen: observed({
        sets: [lost(), set(replacement)],
        selects: replacement.slice('emqx-'.length),
        evacuations: { [`emqx-${own}-0`]: 'evicting_conns' },
      }),
      then: { kind: 'wait' },
      says: /^emqx-\w+-0 is draining \(evicting_conns\), 100 clients and 100 sessions left$/,
      phase: 'Draining',
    },
    {
      when: 'all sets went with a declaration that is made again, a Service stays on the one whose data it will have (7846)',
      seen: observed({
        declaration: { hasClaims: true },
        selects: own,
        claims: [claim(`emqx-${own}`, 0), claim(`emqx-${own}`, 1), claim(`emqx-${own}`, 2)],
        sets: [
          {
            ...set(blue, { podCount: 3, pods: { 0: terminating, 1: terminating, 2: terminating } }),
            ...{ kind: 'lost', size: 0, template: {} },
          },
          lost(),
        ],
      }),
      then: { kind: 'makeSet', name: `emqx-${own}` },
    },
    {
      when: 'their data is on claims, the same set is made again at once: its pods wait for their names',
      seen: observed({ declaration: { hasClaims: true }, sets: [lost()] }),
      then: { kind: 'makeSet', name: setNameOf('emqx', revisionOf('emqx', OLD)) },
    },
    {
      when: 'their data is on claims and something else is asked for, the same set is made again first, as it was',
      seen: observed({ declaration: { ...asked, hasClaims: true }, sets: [{ ...lost(), template: OLD }] }),
      then: { kind: 'makeSet', name: `emqx-${own}`, revision: own },
      says: /was deleted: its pods drain and end, and it is made again on its data/,
    },
    {
      when: 'it had started on claims of an earlier declaration, so that its name does not tell its template: people are told',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        selects: 'bbbbbbbbb',
        sets: [
          {
            ...set(blue, { podCount: 3, pods: { 0: terminating, 1: terminating, 2: terminating } }),
            ...{ kind: 'lost', size: 0, template: {} },
          },
        ],
        claims: [claim(blue, 0), claim(blue, 1), claim(blue, 2)],
      }),
      then: { kind: 'makeSet', name: blue },
      says: /emqx-bbbbbbbbb, which .*it is made again on its data, from the template that is asked for now: its own is not known/,
    },
    {
      when: 'the last of its pods has ended before it could be made again, it is made as it was all the same',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        sets: [{ ...lost(), template: OLD, pods: [] }],
        claims: [claim(`emqx-${own}`, 0)],
      }),
      then: { kind: 'makeSet', name: `emqx-${own}`, revision: own },
      says: /was deleted: it is made again on its data/,
    },
    {
      when: 'it is there again as it was, it is whole before it is upgraded',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        sets: [set(`emqx-${own}`, { pods: { 0: unready, 1: terminating, 2: terminating } })],
      }),
      then: { kind: 'wait' },
      says: /comes back before it is replaced/,
    },
    {
      when: 'what it was made from is not known any more, it starts with what is asked for now',
      seen: observed({
        declaration: { ...asked, hasClaims: true },
        sets: [lost()],
        claims: [claim(`emqx-${own}`, 0)],
      }),
      then: { kind: 'makeSet', name: `emqx-${own}` },
    },
    {
      when: 'the active set is deleted in the foreground, another one of the same template is made at once',
      seen: observed({ sets: [{ ...lost(), holdsName: true }] }),
      then: { kind: 'makeSet', name: replacement, size: 3 },
    },
    {
      when: 'the data of one that is deleted in the foreground is on claims, it is made again when it has gone',
      seen: observed({
        declaration: { hasClaims: true },
        sets: [{ ...lost(), holdsName: true }],
        evacuations: { [`emqx-${own}-0`]: 'evicting_conns' },
      }),
      then: { kind: 'wait' },
      says: /StatefulSet emqx-\w+ is being deleted, and is made again when it has gone: emqx-\w+-0 is draining/,
    },
    {
      when: 'somebody has put a finalizer on the active set, which holds it when it is deleted',
      seen: observed({
        declaration: { hasClaims: true },
        sets: [{ ...lost(), holdsName: true, pods: set(`emqx-${own}`).pods }],
      }),
      then: { kind: 'wait' },
      says: /is made again when it has gone: what holds it are its metadata.finalizers/,
    },
    {
      when: 'a green was deleted and its pods have not been told yet, nothing is written on what is gone',
      seen: observed({
        sets: [
          set(blue),
          { ...lost(), pods: set(`emqx-${own}`, { pods: { 0: unready, 1: unready, 2: unready } }).pods },
        ],
        selects: 'bbbbbbbbb',
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'a green that never had clients was deleted and is wanted again, it keeps its name: an abort knows it by that (93)',
      seen: observed({
        declaration: asked,
        sets: [set(blue), { ...lost(), revision: revisionOf('emqx', NEW) }],
        selects: 'bbbbbbbbb',
      }),
      then: { kind: 'makeSet', revision: revisionOf('emqx', NEW) },
    },
  ],
  'and rests': [
    { when: 'all is well', seen: observed(), then: { kind: 'rest' }, phase: 'Stable' },
    {
      when: 'blue is kept at 0 to go back to',
      seen: observed({
        declaration: asked,
        selects: 'ggggggggg',
        sets: [set(blue, down), set(green, { template: NEW })],
      }),
      then: { kind: 'rest' },
    },
    {
      when: 'a green has never served, whose claims have gone',
      seen: observed({
        declaration: { hasClaims: true },
        sets: [set(blue), set(green, { template: NEW, createdAtMs: 5, ...down })],
      }),
      then: { kind: 'deleteSet', set: green },
      says: /has never served/,
    },
    {
      when: 'a green has some claims left, what serves is not whole',
      seen: observed({
        declaration: { hasClaims: true },
        sets: [set(blue, { pods: { 0: unready } }), set(green, { template: NEW, createdAtMs: 5, ...down })],
        claims: [owned(green, 0)],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'what an undo has left had served, it is kept to go forward to',
      seen: observed({
        status: { history: [past(blue, green), past(green, blue)] },
        sets: [set(blue), set(green, { template: NEW, createdAtMs: 5, ...down })],
      }),
      then: { kind: 'rest' },
    },
    {
      when: 'an undo has just left green, and its record is still open',
      seen: observed({
        status: { upgrade: past(green, blue) },
        sets: [set(blue), set(green, { template: NEW, createdAtMs: 5, ...down })],
      }),
      then: { kind: 'rest' },
    },
    {
      when: 'more sets are kept than the limit',
      seen: observed({
        declaration: { template: NEWER },
        spec: { revisionHistoryLimit: 1 },
        selects: 'nnnnnnnnn',
        sets: [set(blue, down), set(green, { template: NEW, ...down }), set(newest, { template: NEWER })],
      }),
      then: { kind: 'deleteSet', set: blue },
    },
    {
      when: 'a pod is lost in quiet times',
      seen: observed({ status: { phase: 'Stable' }, sets: [set(blue, { pods: { 1: unready } })] }),
      then: { kind: 'wait' },
      phase: 'Degraded',
    },
    {
      when: 'a pod that somebody deleted drains, it is named with what is left',
      seen: observed({
        status: { phase: 'Stable' },
        sets: [set(blue, { pods: { 1: terminating } })],
        evacuations: { [`${blue}-1`]: 'evicting_conns' },
        clients: { [`${blue}-1`]: 40 },
      }),
      then: { kind: 'wait', forMs: 1000 },
      says: /bbb has 2 of 3 pods; emqx-bbbbbbbbb-1 is draining \(evicting_conns\), 40 clients and 40 sessions left/,
    },
    {
      when: 'no pod of green appears for a minute, where to look is said',
      seen: withoutPods(61_000),
      then: { kind: 'wait' },
      says: /^emqx-ggggggggg has 0 of 3 pods, and Kubernetes makes no other: kubectl describe statefulset emqx-ggggggggg says why/,
      stalled: 'PodsNotMade',
    },
    {
      when: 'the pods of green have not appeared yet',
      seen: withoutPods(5_000),
      then: { kind: 'wait' },
      says: /^emqx-ggggggggg has 0 of 3 pods$/,
      stalled: false,
    },
    {
      when: 'the first set is starting',
      seen: observed({ status: { phase: 'Progressing' }, sets: [set(blue, { pods: { 1: unready } })] }),
      then: { kind: 'wait' },
      phase: 'Progressing',
    },
    {
      when: 'paused',
      seen: observed({ declaration: asked, spec: { paused: true } }),
      then: { kind: 'wait' },
      phase: 'Paused',
    },
    {
      when: 'the template is the same by value though its keys are in another order',
      seen: observed({
        sets: [set(blue, { template: { spec: { containers: [{ image: 'emqx:1', name: 'emqx' }] } } })],
        declaration: { template: OLD },
      }),
      then: { kind: 'rest' },
    },
  ],
};

it('no claim is given to the declaration beside a pass, which may be about to switch to it (model 728)', () => {
  const seen = observed({
    declaration: { ...asked, hasClaims: true },
    sets: [set(blue), set(green, { template: NEW, pods: { 0: unready } })],
    claims: [claim(blue, 0), claim(green, 0)],
  });
  expect(plan(seen).step).toMatchObject({ kind: 'ownClaims', owned: true });
  expect(planUrgent(seen)).toBeUndefined();
});

describe.each(Object.entries(cases))('%s', (_, table) => {
  it.each(table)('$when', ({ seen, then, says, phase, stalled, settled }) => {
    const decision = plan(seen);
    expect(decision.step).toMatchObject(then);
    if (says) expect(decision.message).toMatch(says);
    if (phase !== undefined) expect(decision.phase).toBe(phase);
    if (stalled !== undefined) expect(decision.stalled ?? false).toBe(stalled);
    if (settled !== undefined) expect(decision.settled).toBe(settled);
  });
});

it('a switch is noted in the record of its own upgrade alone: at size 0 sets are left without one (3219)', () => {
  const to = (record: string, others: Partial<World>): number | undefined =>
    plan(observed({ status: { upgrade: { ...upgrade, to: record } }, selects: 'ggggggggg', ...others }))
      .switchedAtMs;
  const sets = [set(blue), set(green, { template: NEW }), set(newest, { template: NEWER })];
  expect(to(green, { declaration: asked, sets: sets.slice(0, 2) })).toBe(1_000_000);
  expect(to(newest, { declaration: { template: NEWER }, spec: { replicas: 0 }, sets })).toBeUndefined();
});

describe('the delay after the switch', () => {
  it('is 2 s at least, which kube-proxy takes to follow', () => {
    const updateStrategy = { ...DEFAULT_SPEC.updateStrategy, initialDelaySeconds: 0 };
    const leftAfter = (ms: number): number =>
      delayLeftMs(
        situationOf(
          observed({
            declaration: asked,
            spec: { updateStrategy },
            status: { upgrade: { ...upgrade, switchedAt: new Date(1_000_000 - ms).toISOString() } },
            selects: 'ggggggggg',
            sets: [set(blue), set(green, { template: NEW })],
          }),
        ),
      );
    expect([0, 500, 2_000].map(leftAfter)).toEqual([2_000, 1_500, 0]);
  });

  const sets = [set(blue), set(green, { template: NEW }), set(newest, { template: NEWER })];
  const isLeft = (switchedAtMs: number): Observed =>
    observed({
      declaration: { template: NEWER },
      spec: { replicas: 0 },
      status: {
        upgrade: { ...upgrade, from: green, to: newest },
        history: [{ ...past(blue, green), switchedAt: new Date(switchedAtMs).toISOString() }],
      },
      selects: 'ggggggggg',
      sets,
    });

  it('holds also where another revision is wanted by now, and none of its nodes', () => {
    expect(plan(isLeft(997_000)).message).toMatch(/^7 of 10 s until the first node drains/);
  });

  it('is over by the record of that switch, too', () => {
    expect(plan(isLeft(900_000)).step).toMatchObject({ kind: 'resize', set: blue, to: 2 });
  });
});

describe('the trace that a drain lies in', () => {
  const spanId = 'b'.repeat(16);
  const traced = { ...switched.upgrade, id: 'a'.repeat(32), spanId, traced: false };
  const traceparent = `00-${traced.id}-${spanId}-01`;
  /** Green serves, and blue's sidecars have been told all else. */
  const seenWith = (told: string | undefined, record: UpgradeStatus = traced): Observed => {
    const seen = observed({
      declaration: asked,
      status: { ...switched, upgrade: record },
      selects: 'ggggggggg',
      sets: [set(blue), set(green, { template: NEW })],
    });
    const recipients = podsOf(green).map(nodeName);
    for (const { report: said } of seen.sets[0]?.pods ?? []) {
      if (said) said.settings = { ...said.settings, recipients, waitHealthCheck: 0 };
      if (said && told !== undefined) said.settings.traceparent = told;
    }
    return seen;
  };

  it('is told to sidecars that send spans, before any of them drains', () => {
    const { step } = plan(seenWith(''));
    expect(step).toMatchObject({ kind: 'tell', pods: podsOf(blue), settings: { traceparent } });
    expect(plan(seenWith(traceparent)).step).toMatchObject({ kind: 'resize', set: blue, to: 2 });
  });

  it('keeps no sidecar waiting that sends none, or is older than that', () => {
    expect(plan(seenWith(undefined)).step).toMatchObject({ kind: 'resize', set: blue, to: 2 });
  });

  it('is none where the controller sends none', () => {
    expect(plan(seenWith('', switched.upgrade)).step).toMatchObject({ kind: 'resize' });
  });

  it('is that of the upgrade in progress, and none for what stays', () => {
    const before = `00-${'c'.repeat(32)}-${spanId}-01`;
    expect(plan(seenWith(before)).step).toMatchObject({ kind: 'tell', settings: { traceparent } });
    const seen = seenWith(traceparent);
    const [, active] = seen.sets;
    for (const { report: said } of active?.pods ?? []) if (said) said.settings.traceparent = before;
    const { step } = plan(seen);
    expect(step).toMatchObject({ kind: 'tell', pods: podsOf(green) });
    expect(step).not.toMatchObject({ settings: { traceparent: expect.anything() } });
  });
});

describe('a pod on its way out, while others join', () => {
  /** Blue's last pod drains, and has been told for how long to stay. */
  const draining = (staySeconds: number | undefined, greens: SetOptions, more: World = {}): Observed => {
    const seen = observed({
      declaration: asked,
      status: { upgrade, phase: 'Draining' },
      selects: 'bbbbbbbbb',
      sets: [set(blue, { pods: { 2: terminating } }), set(green, { template: NEW, ...greens })],
      evacuations: { [`${blue}-2`]: 'evicting_conns' },
      ...more,
    });
    for (const { report: said } of seen.sets.flatMap(({ pods }) => pods))
      if (said && staySeconds !== undefined) said.settings.staySeconds = staySeconds;
    return seen;
  };
  const joining = { pods: { 1: unready } };

  it('is told to stay: whoever joins may have chosen its node', () => {
    const decision = plan(draining(0, joining));
    expect(decision).toMatchObject({ step: { kind: 'tell', pods: [`${blue}-2`] }, phase: 'Draining' });
    expect(decision.step).toMatchObject({ settings: { staySeconds: 60, connEvictRate: 1000 } });
    expect(plan(draining(60, joining)).step.kind).toBe('wait');
  });

  it('is told before they are made, or they would choose it first (842)', () => {
    const decision = plan(draining(0, { size: 1 }));
    expect(decision.step).toMatchObject({ kind: 'tell', pods: [`${blue}-2`], settings: { staySeconds: 60 } });
    expect(plan(draining(60, { size: 1 })).step).toMatchObject({ kind: 'resize', set: green });
  });

  it('does not wait for its own successor, which comes only when it has gone', () => {
    const active = draining(0, { size: 0 }, { declaration: {}, status: {} });
    expect(plan(active).step).not.toMatchObject({ kind: 'tell', pods: [`${blue}-2`] });
  });

  it('does not stay for a green that is to come after its own successor (8719)', () => {
    const sets = [set(blue, { size: 1, pods: { 0: terminating } })];
    const began = { ...upgrade, startedAt: new Date(995_000).toISOString() };
    const last = draining(0, {}, { sets, spec: { replicas: 1 }, status: { upgrade: began } });
    expect(plan(last).step.kind).toBe('wait');
    expect(plan(last).message).toMatch(/it comes back before it is replaced/);
  });

  it.each<{ when: string; more: World }>([
    { when: 'it is paused', more: { spec: { paused: true } } },
    { when: 'no node is wanted', more: { spec: { replicas: 0 } } },
    { when: 'there is no Service to switch', more: { services: [] } },
  ])('does not stay for a green that is not made: $when', ({ more }) => {
    const sets = [set(blue, { pods: { 2: terminating } })];
    const decision = plan(draining(0, {}, { sets, ...more }));
    expect(decision.step).not.toMatchObject({
      kind: 'tell',
      pods: [`${blue}-2`],
      settings: { staySeconds: 60 },
    });
  });

  it('is told that it may go when they have', () => {
    expect(plan(draining(60, {})).step).toMatchObject({ kind: 'tell', settings: { staySeconds: 0 } });
    expect(plan(draining(0, {})).step).not.toMatchObject({ kind: 'tell' });
  });

  it('need not stay for one that will not become ready by waiting', () => {
    const stuck = { pods: { 1: { ...unready, ...crashing } } };
    expect(plan(draining(0, stuck)).step).not.toMatchObject({ kind: 'tell', pods: [`${blue}-2`] });
  });

  it('stays in a pause as well', () => {
    const decision = plan(draining(0, joining, { spec: { paused: true } }));
    expect(decision.step).toMatchObject({ kind: 'tell', settings: { staySeconds: 60 } });
  });

  it('is left alone when its sidecar is of a time before that', () => {
    expect(plan(draining(undefined, joining)).step.kind).toBe('wait');
  });
});

describe('what is urgent, beside a pass that waits', () => {
  const sets = [set(blue), set(green, { template: NEW, createdAtMs: 5, pods: { 2: unready } })];

  it('is that the claims of what serves outlive the declaration', () => {
    const seen = observed({ declaration: { ...asked, hasClaims: true }, sets, claims: [owned(blue, 0)] });
    expect(planUrgent(seen)?.step).toMatchObject({ kind: 'ownClaims', owned: false });
  });

  it('is not that those of a green that is not ready go with it: a pass may be about to switch (728)', () => {
    const claims = [claim(green, 0)];
    const seen = observed({ declaration: { ...asked, hasClaims: true }, sets, claims });
    expect(plan(seen).step).toMatchObject({ kind: 'ownClaims', owned: true });
    expect(planUrgent(seen)).toBeUndefined();
  });

  it('is that the preview Service does not reach both colours, whoever is ready', () => {
    const seen = observed({ declaration: asked, sets, preview: keyless });
    expect(planUrgent(seen)?.step).toMatchObject({ kind: 'pointPreview', revision: 'none' });
  });

  it('is not whom the preview Service reaches: a pass knows who is ready', () => {
    const seen = observed({ declaration: asked, sets, preview: previewOf('bbbbbbbbb') });
    expect(plan(seen).step).toMatchObject({ kind: 'pointPreview' });
    expect(planUrgent(seen)).toBeUndefined();
  });
});
