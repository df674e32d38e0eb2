import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { BlueGreenStatus, UpgradeStep } from '../../lib/types.js';
import { until, type LocalCluster } from '../cluster/index.js';
import { EMQX } from '../demo/emqx.js';
import { installSluice } from '../demo/install.js';
import type { ReceivedSpan } from '../otlp/decode.js';
import { dropJourneys, setOut, type Journey } from './support/journey.js';
import { killLeader, leaderOf } from './support/leader.js';
import { receiverIn, type ClusterReceiver } from './support/receiver.js';
import { useSluice } from './support/sluice.js';

jest.setTimeout(120_000);

const NAMESPACE = 'e2e-observability';
const CLIENTS = 60;
const NODES = 2;
/** A node takes some twenty seconds: about as long as another replica needs to lead. */
const RATE = 2;
/** A pass every second, and what an object's time in whole seconds leaves open. */
const REACTION_MS = 3_000;

/** All that is looked at below is one upgrade: of two nodes with clients, whose controller is killed while the first one drains. */
let cluster: LocalCluster;
let receiver: ClusterReceiver;
let journey: Journey;
let record: BlueGreenStatus['history'][number];
let editedMs: { from: number; to: number };

const statusOf = async (): Promise<Partial<BlueGreenStatus>> => {
  const blueGreen = (await cluster.get(['--namespace', NAMESPACE, 'bluegreen', EMQX.name])) as {
    status?: BlueGreenStatus;
  };
  return blueGreen.status ?? {};
};

beforeAll(async () => {
  cluster = await useSluice();
  receiver = await receiverIn(cluster);
  await installSluice(cluster, { say: () => undefined, set: [`otel.endpoint=${receiver.url}`] });
  journey = await setOut(cluster, NAMESPACE, { nodes: NODES, clients: CLIENTS, rate: RATE });
  const blue = journey.active();
  const from = Date.now();
  await journey.edit('observed');
  editedMs = { from, to: Date.now() };
  const leader = await leaderOf(cluster);
  await until(
    'the first node drains',
    async () => {
      const { upgrade } = await statusOf();
      return upgrade?.steps?.some(({ name }) => name === 'drain') ? true : undefined;
    },
    { timeoutMs: 120_000, everyMs: 250 },
  );
  await killLeader(cluster, leader);
  await journey.untilRest(NODES, (active) => active !== blue);
  record = await until(
    'the trace is noted as received',
    async () => {
      const { history: [last] = [] } = await statusOf();
      return last?.traced ? last : undefined;
    },
    { timeoutMs: 60_000, everyMs: 250 },
  );
}, 30 * 60_000);

afterAll(async () => {
  await dropJourneys(cluster, NAMESPACE);
  await receiver.stop();
  await installSluice(cluster, { say: () => undefined });
}, 240_000);

describe('the trace of the upgrade', () => {
  let all: ReceivedSpan[];
  let spans: ReceivedSpan[];
  beforeAll(async () => {
    all = (await receiver.spans()).filter(({ traceId }) => traceId === record.id);
    spans = [...new Map(all.map((span) => [span.spanId, span])).values()];
  });
  const named = (name: string): ReceivedSpan[] => spans.filter((span) => span.name === name);
  const phases = (): UpgradeStep[] => (record.steps ?? []).filter(({ pod }) => pod === undefined);

  it('has every span that is to be expected, and no other', () => {
    const expected = [
      'emqx blue-green upgrade',
      'admission review',
      ...(record.steps ?? []).map(({ name }) => name),
      ...(record.steps ?? []).flatMap(({ states }) => (states ? ['evacuation'] : [])),
    ];
    expect(spans.map(({ name }) => name).sort()).toEqual(expected.sort());
    for (const name of ['start', 'drain', 'leave']) expect(named(name)).toHaveLength(NODES);
    expect(phases().map(({ name }) => name)).toEqual([
      ...['admission', 'creation', 'readiness', 'gates', 'switch', 'delay', 'draining', 'cleanUp'],
    ]);
  });

  it('is one tree', () => {
    const roots = spans.filter(({ parentSpanId }) => parentSpanId === '');
    expect(roots.map(({ name }) => name)).toEqual(['emqx blue-green upgrade']);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(spans.filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId))).toEqual([]);
    expect(new Set(spans.map(({ resource }) => resource['service.name']))).toEqual(
      new Set(['sluice-controller', 'sluice-webhook']),
    );
  });

  it('says the same in whatever was sent twice, because the leader was killed', () => {
    const told = new Map(spans.map((span) => [span.spanId, span]));
    const resource = {}; // another replica
    for (const span of all) expect({ ...told.get(span.spanId), resource }).toEqual({ ...span, resource });
    expect(all.filter(({ name }) => name === 'emqx blue-green upgrade')).toHaveLength(1);
  });

  it('has no gap between its phases, and lasts from the request to the end', () => {
    const [root] = named('emqx blue-green upgrade');
    const ordered = phases().flatMap(({ name }) => named(name));
    expect(ordered[0]?.startMs).toBe(root?.startMs);
    expect(ordered.at(-1)?.endMs).toBe(root?.endMs);
    for (const [index, { endMs }] of ordered.slice(0, -1).entries())
      expect(ordered[index + 1]?.startMs).toBe(endMs);
    expect(root?.startMs).toBeGreaterThanOrEqual(editedMs.from);
    expect(root?.startMs).toBeLessThanOrEqual(editedMs.to);
    const [admission] = named('admission');
    expect((admission?.endMs ?? 0) - (admission?.startMs ?? 0)).toBeLessThan(REACTION_MS);
  });

  it('tells of each drain whose it was, and how many clients', () => {
    const drains = named('drain').sort((one, other) => one.startMs - other.startMs);
    // Of the first, nobody may have led when it ended.
    expect(drains.map(({ attributes }) => attributes['sluice.step.outcome'])).toEqual([
      expect.stringMatching(/^(drained|ended)$/),
      'drained',
    ]);
    for (const { attributes } of drains) {
      expect(attributes['sluice.drain.clients']).toBeGreaterThan(0);
      expect(attributes).toMatchObject({
        'k8s.namespace.name': NAMESPACE,
        'k8s.statefulset.name': record.from,
        'k8s.pod.name': expect.stringContaining(`${record.from}-`),
      });
    }
  });

  it("has EMQX's own states in the drain that nothing disturbed", () => {
    const last = named('evacuation')
      .sort((one, other) => one.startMs - other.startMs)
      .at(-1);
    expect(last?.scope).toBe('sluice.dev/sidecar');
    expect(last?.parentSpanId).toBe(
      named('drain')
        .sort((one, other) => one.startMs - other.startMs)
        .at(-1)?.spanId,
    );
    const states = last?.events.map(({ name }) => name) ?? [];
    expect(states[0]).toBe('evicting_conns');
    expect(states.at(-1)).toBe('prohibiting');
    expect(last?.attributes['sluice.evacuation.clients']).toBeGreaterThan(0);
  });
});
