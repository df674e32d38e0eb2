import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { NodeEvacuationStatus, Phase } from '../../lib/types.js';
import { until } from '../cluster/index.js';
import type { LocalCluster } from '../cluster/index.js';
import { EMQX } from '../demo/emqx.js';
import { applyFile } from './support/example.js';
import { dropJourneys, expectKept, setOut, type Journey } from './support/journey.js';
import { untilObserved } from './support/observed.js';
import { useSluice } from './support/sluice.js';
import { statusOf } from './support/status.js';
import { setOfPod } from './support/toll.js';
import { watchVersions, type Versions } from './support/versions.js';

jest.setTimeout(200_000);

const NAMESPACE = 'e2e-control';
const NODES = 2;
const CLIENTS = 60;
/** Clients a second of the whole upgrade: a node's half of the clients takes three seconds of half of it. */
const RATE = 20;
/** Less than an upgrade would take; and what one lacks that is not to come further than that. */
const DEADLINE_SECONDS = 6;
const CONFIG = 'late';
const NEEDS_CONFIG = {
  spec: {
    template: {
      spec: {
        containers: [
          {
            name: EMQX.container,
            env: [{ name: 'LATE', valueFrom: { configMapKeyRef: { name: CONFIG, key: 'value' } } }],
          },
        ],
      },
    },
  },
};
const PREVIEW = 'emqx-preview';
const PREVIEW_SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: PREVIEW },
  spec: { selector: { app: 'emqx' }, ports: [{ name: 'mqtt', port: EMQX.mqttPort }] },
};

interface Slice {
  metadata: { labels: Record<string, string> };
  endpoints: { conditions: { ready?: boolean }; targetRef: { name: string } }[] | null;
}
interface BlueGreenObject {
  status?: { nodeEvacuationsStatus: NodeEvacuationStatus[] };
}

let cluster: LocalCluster;
let journey: Journey;
let slices: Versions<Slice>;
beforeAll(async () => {
  cluster = await useSluice();
  journey = await setOut(cluster, NAMESPACE, { nodes: NODES, clients: CLIENTS, rate: RATE });
  slices = await watchVersions<Slice>(
    cluster,
    `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`,
  );
}, 30 * 60_000);
afterAll(async () => {
  await slices.stop();
  await dropJourneys(cluster, NAMESPACE);
}, 120_000);

const patch = (spec: object) =>
  journey.kubectl('patch', 'bluegreen', EMQX.name, '--type=merge', `--patch=${JSON.stringify({ spec })}`);
const annotate = (kind: 'statefulset' | 'bluegreen', trigger: string) =>
  journey.kubectl('annotate', kind, EMQX.name, `sluice.dev/${trigger}`, '--overwrite');
const read = (path: string) => journey.kubectl('get', 'bluegreen', EMQX.name, `--output=jsonpath={${path}}`);
const uids = async () =>
  (await journey.kubectl('get', 'pods', '--output=jsonpath={.items[*].metadata.uid}')).split(' ').sort();
const message = () => journey.crowd.scene.blueGreen?.message ?? '';
const wanted = () => journey.crowd.scene.blueGreen?.wanted ?? '';
const revisionOf = (set: string) => set.slice(EMQX.name.length + 1);
const isNot =
  (name: string) =>
  (active: string): boolean =>
    active !== name;

async function untilPhase(phase: Phase): Promise<void> {
  const { crowd } = journey;
  await crowd.until(phase, () => crowd.scene.blueGreen?.phase === phase);
}

/** Green is gone, and blue is as it was. */
async function expectUntouched(pods: string[], fromMs: number): Promise<void> {
  const { crowd } = journey;
  await crowd.until('green is gone', () => crowd.scene.pods.size === NODES);
  expect(await uids()).toEqual(pods);
  expectKept(journey.tollSince(fromMs), { left: [], nodes: NODES });
}

describe('a BlueGreen is refused, naming the field and what is allowed', () => {
  it.each([
    [{ paused: 'later' }, /spec\.paused.*must be of type boolean/],
    [{ promotion: { auto: 'no' } }, /spec\.promotion\.auto.*must be of type boolean/],
    [
      { promotion: { previewService: EMQX.name }, services: [EMQX.name] },
      /previewService must not be one of/,
    ],
    [{ progressDeadlineSeconds: 0 }, /progressDeadlineSeconds must be at least 1/],
    [{ maxConcurrentDrains: RATE + 1 }, /maxConcurrentDrains must be at most connEvictRate/],
  ])('%j', async (spec, says) => {
    await expect(patch(spec)).rejects.toThrow(says);
  });
});

describe('an upgrade that people steer', () => {
  let fromMs: number;
  let pausedMs: number;
  let blue: string;
  let pods: string[];

  it('is not begun while it is paused, and the message says so', async () => {
    blue = journey.active();
    pods = await uids();
    fromMs = Date.now();
    await patch({ promotion: { auto: false, previewService: PREVIEW } });
    await applyFile(cluster, NAMESPACE, [PREVIEW_SERVICE]);
    await untilPreviewed(blue);
    await patch({ paused: true });
    pausedMs = Date.now();
    await journey.edit('first');
    await untilPhase('Paused');
    expect(message()).toMatch(/^paused: set spec\.paused to false to go on/);
    // A pass that has certainly seen the edit.
    await untilObserved(cluster, NAMESPACE);
    expect(await journey.sizes()).toEqual({ [EMQX.name]: 0, [blue]: NODES });
    expect(await uids()).toEqual(pods);
  });

  it('waits for its promotion, while the preview Service reaches green, and nobody before', async () => {
    await patch({ paused: false });
    await untilPhase('AwaitingPromotion');
    const green = wanted();
    expect(message()).toContain(`${green} is ready; annotate sluice.dev/promote=${revisionOf(green)}`);
    await untilPreviewed(green);
    const reached = previewed(pausedMs);
    const closed = reached.findIndex((names) => names.length === 0);
    expect(closed).toBeGreaterThanOrEqual(0);
    // Until it was closed it reached who serves, and it was closed before there was anybody else.
    expect(setsOf(reached.slice(0, closed)).filter((set) => set !== blue)).toEqual([]);
    expect(setsOf(reached.slice(closed))).toEqual([green]);
    expect(journey.active()).toBe(blue);
    expectKept(journey.tollSince(fromMs), { left: [], nodes: NODES });
  });

  it('is promoted by an annotation that names it, and by no other', async () => {
    const green = wanted();
    await annotate('bluegreen', 'promote=true');
    await untilRead('.metadata.annotations', (annotations) => !annotations.includes('sluice.dev/promote'));
    expect(journey.active()).toBe(blue);
    const events = [
      'events',
      '--field-selector=reason=TriggerIgnored',
      '--output=jsonpath={.items[*].message}',
    ];
    expect(await journey.kubectl('get', ...events)).toContain(
      `annotation sluice.dev/promote names true and is ignored: the wanted revision is ${revisionOf(green)}`,
    );
    await annotate('bluegreen', `promote=${revisionOf(green)}`);
    await journey.untilRest(NODES, (active) => active === green);
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
  });

  it('is aborted by an annotation: green goes, and nobody notices', async () => {
    blue = journey.active();
    pods = await uids();
    fromMs = Date.now();
    await journey.edit('second');
    await untilPhase('AwaitingPromotion');
    await annotate('statefulset', `abort=${revisionOf(wanted())}`);
    await untilPhase('Aborted');
    expect(message()).toMatch(
      /was aborted: annotation sluice\.dev\/abort names it; .*annotate sluice\.dev\/retry=/,
    );
    await expectUntouched(pods, fromMs);
  });

  it('is aborted by its deadline: green goes, blue is untouched, and a condition says why', async () => {
    await patch({ progressDeadlineSeconds: DEADLINE_SECONDS });
    await journey.kubectl('patch', 'statefulset', EMQX.name, `--patch=${JSON.stringify(NEEDS_CONFIG)}`);
    const why = `not ready within progressDeadlineSeconds (${DEADLINE_SECONDS} s): `;
    await journey.crowd.until('the abort', () => message().includes(why));
    await untilPhase('Aborted');
    await expectUntouched(pods, fromMs);
    expect(await read('.status.conditions[?(@.type=="Stalled")].reason')).toBe('UpgradeAborted');
    expect(await read('.status.conditions[?(@.type=="Stalled")].message')).toContain(why);
    expect(await read('.status.history[0].reason')).toContain(why);
  });

  it('is tried again when its cause is mended, and promoted by the field; two nodes share the rate', async () => {
    const [, revision = ''] = /sluice\.dev\/retry=(\w+)/.exec(message()) ?? [];
    const blueGreens = await watchVersions<BlueGreenObject>(
      cluster,
      `/apis/sluice.dev/v1alpha1/namespaces/${NAMESPACE}/bluegreens`,
    );
    await journey.kubectl('create', 'configmap', CONFIG, '--from-literal=value=here');
    await patch({ progressDeadlineSeconds: 600, maxConcurrentDrains: 2 });
    await annotate('statefulset', `retry=${revision}`);
    await untilPhase('AwaitingPromotion');
    expect(revisionOf(wanted())).toBe(revision);
    await patch({ promotion: { auto: true } });
    await journey.untilRest(NODES, isNot(blue));
    await blueGreens.stop();
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
    const rates = blueGreens.seen
      .map(({ object }) => object.status?.nodeEvacuationsStatus ?? [])
      .map((evacuations) => evacuations.map((each) => each.connection_eviction_rate));
    expect(rates).toContainEqual([RATE / 2, RATE / 2]);
    expect(new Set(rates.flat())).toEqual(new Set([RATE / 2]));
  });

  it('is aborted while blue drains: the clients go back to blue, which is whole again first', async () => {
    blue = journey.active();
    fromMs = Date.now();
    await patch({ maxConcurrentDrains: 1 });
    await journey.edit('third');
    const { crowd } = journey;
    await crowd.until('blue drains', () => journey.leaving().some((name) => setOfPod(name) === blue));
    const green = journey.active();
    expect(green).not.toBe(blue);
    await annotate('statefulset', `abort=${revisionOf(green)}`);
    await journey.untilRest(NODES, (active) => active === blue, 'Aborted');
    expect(message()).toMatch(
      new RegExp(`^upgrade to revision ${revisionOf(green)} was aborted: .*; ${blue} serves on with`),
    );
    const toll = journey.tollSince(fromMs);
    expectKept(toll, { left: [blue, green], nodes: NODES });
    // Clients of the node of blue that had not begun to drain stayed where they were.
    expect(toll.disconnects).toBeLessThan(2 * CLIENTS);
    const { history } = await statusOf(cluster, NAMESPACE);
    expect(history.slice(0, 2)).toMatchObject([
      { from: green, to: blue, result: 'rolledBack' },
      { from: blue, to: green, result: 'aborted', reason: 'annotation sluice.dev/abort names it' },
    ]);
  });

  it('costs no session and no message', () => journey.end());
});

/** The pods that the preview Service reached, after each change of its EndpointSlice since then. */
function previewed(fromMs = 0): string[][] {
  return slices.seen
    .filter(({ atMs, type }) => atMs >= fromMs && type !== 'DELETED')
    .filter(({ object }) => object.metadata.labels['kubernetes.io/service-name'] === PREVIEW)
    .map(({ object }) =>
      (object.endpoints ?? [])
        .filter(({ conditions }) => conditions.ready)
        .map(({ targetRef }) => targetRef.name),
    );
}

function setsOf(reached: string[][]): string[] {
  return [...new Set(reached.flat().map(setOfPod))];
}

/** Waits until the preview Service reaches all pods of a set, and no other one. */
async function untilPreviewed(set: string): Promise<void> {
  const pods = [0, 1].map((ordinal) => `${set}-${ordinal}`);
  const reaches = () => Promise.resolve(previewed().at(-1)?.sort().join() === pods.join() || undefined);
  await until(`the preview reaches ${set}`, reaches, { timeoutMs: 30_000 });
}

async function untilRead(path: string, is: (text: string) => boolean): Promise<void> {
  await until(path, async () => is(await read(path)) || undefined, { timeoutMs: 30_000 });
}
