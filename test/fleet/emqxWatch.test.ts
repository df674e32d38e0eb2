import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { bundleStandIn } from '../emqx/bundle.js';
import { ownAddress } from '../emqx/loopback.js';
import { dispose, startNode, until } from '../emqx/testNode.js';
import type { TestNode } from '../emqx/testNode.js';
import { metricsSource, standInSource } from './brokerSource.js';
import { mqttDial } from './dial.js';
import { EmqxApi } from './emqxApi.js';
import { EmqxWatch } from './emqxWatch.js';
import { runFleet } from './fleet.js';
import type { Observation } from './observations.js';
import type { FleetRecord, ResultRecord } from './records.js';
import { parseFleetSettings } from './settings.js';
import type { FleetSettings } from './settings.js';

jest.setTimeout(60_000);

const HOST = ownAddress(1);
/** A pod is the first label of its node's host, which here is an address. */
const POD = '127';

let node: TestNode;
beforeAll(async () => {
  node = startNode({ program: await bundleStandIn(), host: HOST });
  await until('the node answers', async () => (await node.api('GET', '/status')).status === 200);
});
afterAll(() => dispose([node]));

function connectsIn(seen: readonly Observation[]): number {
  return seen.reduce((sum, is) => sum + (is.kind === 'broker-connects' ? is.count : 0), 0);
}

/** Runs a small fleet and an observer on the node; evicts everybody once; stops when all are back. */
async function observe(): Promise<{ seen: Observation[]; fleet: FleetRecord[]; result: ResultRecord }> {
  const seen: Observation[] = [];
  const fleet: FleetRecord[] = [];
  const stop = new AbortController();
  const watch = new EmqxWatch({
    login: { kind: 'user', username: 'admin', password: 'public' },
    apiPort: 18_083,
    write: (observation) => seen.push(observation),
  });
  watch.follow([{ name: POD, address: HOST }]);
  const watching = watch.run(stop.signal);
  const settings = parseFleetSettings(
    // prettier-ignore
    ['--host', HOST, '--clients', '12', '--messages', '20', '--back-off-min', '0.5', '--back-off-max', '1',
      '--duration', '60', '--settle', '5', '--run', 'w'],
    0,
  ) as FleetSettings;
  const running = runFleet(settings, {
    dial: mqttDial(settings),
    write: (record) => fleet.push(record),
    signal: stop.signal,
  });
  try {
    const states = () =>
      seen.flatMap((is) => (is.kind === 'nodes' ? is.nodes.map(({ state }) => state) : []));
    await until('the fleet is complete', () => fleet.some(({ kind }) => kind === 'ready'));
    const evacuation = { conn_evict_rate: 12, wait_health_check: 0, wait_takeover: 60 };
    const start = await node.api('POST', `/load_rebalance/${node.name}/evacuation/start`, evacuation);
    expect(start.status).toBe(200);
    await until('the observer sees the wait', () => states().includes('waiting_takeover'));
    await node.api('POST', `/load_rebalance/${node.name}/evacuation/stop`);
    await until('all are back', () => {
      const last = fleet.findLast((record) => record.kind === 'second');
      const returned = fleet.flatMap((record) => (record.kind === 'second' ? record.connects : []));
      return last?.connected === 12 && returned.length === 24;
    });
    await until('the observer sees them', () => {
      const last = seen.findLast((is) => is.kind === 'nodes');
      return last?.nodes[0]?.clients === 12 && connectsIn(seen) === 24;
    });
  } finally {
    stop.abort();
  }
  const result = await running;
  await watching;
  return { seen, fleet, result };
}

describe('the observer of EMQX, with a fleet on one stand-in', () => {
  it('sees what the fleet went through', async () => {
    const { seen, fleet, result } = await observe();
    const evicted = seen.flatMap((is) => (is.kind === 'broker-disconnect' ? [is] : []));
    const disconnects = fleet.flatMap((record) => (record.kind === 'second' ? record.disconnects : []));
    expect(disconnects).toHaveLength(12);
    expect(evicted.map(({ clientId }) => clientId).sort()).toEqual(
      disconnects.map(([, client]) => `fleet-w-${client}`).sort(),
    );
    expect(connectsIn(seen)).toBe(24);
    expect(result).toMatchObject({ connected: 12, sessionsLost: 0 });
    expect(result.disconnectsPerClient.max).toBe(1);
    expect(result.messages).toMatchObject({ lost: 0, duplicated: 0 });
    const evacuating = seen
      .flatMap((is) => (is.kind === 'nodes' ? is.nodes : []))
      .filter(({ state }) => state !== 'none');
    expect(evacuating[0]).toMatchObject({ node: node.name, isRunning: true, initialClients: 12 });
  });

  it('counts the same connects by EMQX’s own counter, a poll at a time', async () => {
    const api = new EmqxApi(`http://${HOST}:18083`, { kind: 'key', key: 'key', secret: 'secret' }, 3000);
    let nowMs = 1000;
    const metrics = metricsSource(POD, api, () => nowMs);
    const events = standInSource(POD, HOST, 3000);
    expect(await metrics()).toEqual([]);
    const before = (await events()).length;
    nowMs = 2000;
    const settings = parseFleetSettings(
      ['--host', HOST, '--clients', '5', '--messages', '0', '--duration', '1', '--settle', '0', '--run', 'm'],
      0,
    ) as FleetSettings;
    await runFleet(settings, {
      dial: mqttDial(settings),
      write: () => undefined,
      signal: new AbortController().signal,
    });
    expect(await metrics()).toEqual([
      { kind: 'broker-connects', fromMs: 1000, atMs: 2000, pod: POD, count: 5 },
    ]);
    expect(before).toBeGreaterThan(0);
    expect(await events()).toHaveLength(5);
  });

  it('says which answer it could not use', async () => {
    const api = new EmqxApi(`http://${HOST}:18083`, { kind: 'key', key: 'key', secret: 'wrong' }, 3000);
    await expect(api.get('/nodes')).rejects.toThrow(`GET /nodes of http://${HOST}:18083: 401`);
  });
});
