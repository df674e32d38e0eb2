import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { abilitiesOf, isAtLeast } from './abilities.js';
import { persistent, useNodes } from './harness.js';
import { ownAddress } from './loopback.js';
import { until, untilJoined, type TestNode } from './testNode.js';

jest.setTimeout(60_000);

const { start, client } = useNodes();
const v4 = { STANDIN_VERSION: '4.4.14', EMQX_CLUSTER__DISCOVERY: 'static' };

async function up(node: TestNode): Promise<TestNode> {
  await until(`${node.name} is up`, async () => (await node.api('GET', '/status')).status === 200);
  return node;
}

function evacuate(node: TestNode, body: object): ReturnType<TestNode['api']> {
  return node.api('POST', `/load_rebalance/${node.name}/evacuation/start`, body);
}

async function running(node: TestNode): Promise<readonly string[]> {
  return ((await node.stats('GET', '/')) as { readonly running: readonly string[] }).running;
}

describe('versions', () => {
  it.each([
    ['5.0.4', '5.0.4', true],
    ['5.0.3', '5.0.4', false],
    ['5.10.0', '5.9.0', true],
    ['6.0.0-beta.1', '5.9.0', true],
    ['4.4.24', '4.4.24', true],
    ['4.4.14', '4.4.24', false],
  ])('%s is at least %s: %s', (version, least, is) => expect(isAtLeast(version, least)).toBe(is));

  it.each([
    ['4.4.11', 'Enterprise', false],
    ['4.4.12', 'Enterprise', true],
    ['4.4.12', 'Opensource', false],
    ['5.0.3', 'Enterprise', false],
    ['5.0.4', 'Enterprise', true],
    ['5.8.8', 'Opensource', false],
    ['5.9.0', 'Opensource', true],
  ] as const)('%s %s has evacuation: %s', (version, edition, has) =>
    expect(abilitiesOf(version, edition).hasEvacuation).toBe(has),
  );
});

describe('metrics for Prometheus', () => {
  it.each([
    ['4.4.10', {}, 401],
    ['4.4.11', {}, 200],
    ['5.8.8', {}, 200],
    ['5.8.8', { EMQX_PROMETHEUS__ENABLE_BASIC_AUTH: 'true' }, 401],
  ] as const)('%s %j: without credentials %i', async (version, extra, status) => {
    const isV4 = version.startsWith('4');
    const node = await up(start(1, { ...(isV4 ? v4 : {}), ...extra, STANDIN_VERSION: version }));
    const path = isV4 ? ':8081/api/v4/emqx_prometheus' : ':18083/api/v5/prometheus/stats';
    expect((await fetch(`http://${node.host}${path}`)).status).toBe(status);
  });
});

describe('5.0', () => {
  it('refuses wait_health_check, durations and a wait of 0, and evicts from the start call on', async () => {
    const node = await up(start(1, { STANDIN_VERSION: '5.0.4' }));
    for (const body of [{ wait_health_check: 0 }, { wait_takeover: 0 }, { wait_takeover: '1s' }]) {
      expect(await evacuate(node, body)).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
    }
    expect((await evacuate(node, { wait_takeover: 30 })).status).toBe(200);
    expect((await node.api('GET', '/load_rebalance/status')).body).toMatchObject({
      state: 'waiting_takeover',
    });
  });

  it('wants credentials for availability_check, and has neither live_connections nor purges', async () => {
    const node = await up(start(1, { STANDIN_VERSION: '5.0.4' }));
    const path = `http://${node.host}:18083/api/v5/load_rebalance/availability_check`;
    expect((await fetch(path)).status).toBe(401);
    expect((await node.api('GET', '/load_rebalance/availability_check')).status).toBe(200);
    const [item] = (await node.api('GET', '/nodes')).body as readonly object[];
    expect(item).toHaveProperty('connections');
    expect(item).not.toHaveProperty('live_connections');
    expect((await node.api('GET', '/load_rebalance/global_status')).body).toEqual({
      evacuations: [],
      rebalances: [],
    });
  });

  it('without evacuation says API_NOT_EXIST', async () => {
    const node = await up(start(1, { STANDIN_VERSION: '5.0.4', STANDIN_EDITION: 'Opensource' }));
    expect(await node.api('GET', '/load_rebalance/status')).toMatchObject({
      status: 404,
      body: { code: 'API_NOT_EXIST' },
    });
  });

  it('leaves a clean-start session behind, and counts it not', async () => {
    const nodes = [start(1, { STANDIN_VERSION: '5.0.4' }), start(2, { STANDIN_VERSION: '5.0.4' })];
    await untilJoined(nodes);
    const [first, second] = nodes as [TestNode, TestNode];
    await (await client(first, 'clean', { ...persistent, clean: true })).endAsync();
    await (await client(first, 'kept', persistent)).endAsync();
    await evacuate(first, { wait_takeover: 1 });
    const status = async () =>
      (await first.api('GET', '/load_rebalance/status')).body as { state?: string; stats?: object };
    await until('prohibiting', async () => (await status()).state === 'prohibiting');
    expect((await status()).stats).toMatchObject({ initial_sessions: 1, current_sessions: 0 });
    expect((await second.api('GET', '/clients/kept')).body).toMatchObject({ node: second.name });
    expect((await second.api('GET', '/clients/clean')).body).toMatchObject({ node: first.name });
  });
});

describe('a leftover .evacuation', () => {
  it.each(['5.6.1', '5.7.0', '4.4.14'])('in %s', async (version) => {
    const node = start(1, { STANDIN_VERSION: version });
    await up(node);
    await node.end('SIGKILL');
    writeFileSync(join(node.dataDir, '.evacuation'), '{"conn_evict_rate":3}');
    const back = start(1, { STANDIN_VERSION: version }, node.dataDir);
    if (isAtLeast(version, '5.7.0') || version.startsWith('4.')) {
      await up(back);
      expect((await back.api('GET', '/load_rebalance/status')).body).toMatchObject({
        connection_eviction_rate: 3,
      });
      await expect(client(back, 'c')).rejects.toMatchObject({ code: 3 });
    } else {
      await until('it ends', () => back.process.exitCode !== null);
      expect(back.process.exitCode).toBe(1);
      expect(back.log()).toContain('cannot_start');
    }
  });
});

describe('the licence', () => {
  const isAlone = async (node: TestNode) => expect(await running(node)).toEqual([node.name]);
  const refused = (node: TestNode) =>
    until(`${node.name} is refused`, () => node.log().includes('has a single node license'));

  it('from 5.9 on is for one node without a key: peers refuse, and the node stays alone', async () => {
    const first = await up(start(1, { STANDIN_VERSION: '5.9.0' }));
    const second = start(2, { STANDIN_VERSION: '5.9.0', EMQX_LICENSE__KEY: 'evaluation' });
    await refused(second);
    expect(second.log()).toContain(`Node ${first.name} has a single node license`);
    await isAlone(first);
    await isAlone(await up(second));
    expect((await first.api('GET', '/license')).body).toMatchObject({ type: 'community' });
    expect((await second.api('GET', '/license')).body).toMatchObject({ type: 'official' });
  });

  it('keeps a newcomer without a key out of a cluster that has one', async () => {
    const first = await up(start(1, { STANDIN_VERSION: '5.8.9' }));
    const second = start(2, { STANDIN_VERSION: '5.9.0' });
    await refused(second);
    await isAlone(first);
    await isAlone(await up(second));
  });

  it('with a key on both lets them join, and without it a member does not start again', async () => {
    const env = { STANDIN_VERSION: '5.9.0', EMQX_LICENSE__KEY: 'key' };
    const [first, second] = [start(1, env), start(2, env)];
    await untilJoined([first, second]);
    await second.end('SIGTERM');
    const back = start(2, { STANDIN_VERSION: '5.9.0' }, second.dataDir);
    await until('it ends', () => back.process.exitCode !== null);
    expect(back.log()).toContain('SINGLE_NODE_LICENSE');
  });
});

describe("somebody else's process", () => {
  const rebalance = { abs_conn_threshold: 1, abs_sess_threshold: 1, wait_health_check: 3, wait_takeover: 1 };

  it('a rebalance is seen at its donor and in global_status, runs to its end, and then is gone', async () => {
    const nodes = [start(1), start(2)];
    await untilJoined(nodes);
    const [first, second] = nodes as [TestNode, TestNode];
    const clients = [];
    for (let at = 0; at < 6; at += 1) clients.push(await client(first, `c${at}`));
    expect((await second.api('POST', `/load_rebalance/${second.name}/start`, rebalance)).status).toBe(200);
    const status = async (node: TestNode) => (await node.api('GET', '/load_rebalance/status')).body;
    expect(await status(first)).toMatchObject({ process: 'rebalance', coordinator_node: second.name });
    expect(await status(second)).toEqual({ status: 'disabled' });
    const global = async () =>
      (await first.api('GET', '/load_rebalance/global_status')).body as { rebalances: readonly object[] };
    expect((await global()).rebalances).toMatchObject([
      { node: second.name, donors: [first.name], recipients: [second.name] },
    ]);
    expect((await evacuate(first, {})).body).toMatchObject({
      message: expect.stringMatching(/eviction_agent_busy$/),
    });
    await until('the rebalance is over', async () => (await global()).rebalances.length === 0);
    expect(clients.filter(({ connected }) => connected)).toHaveLength(3);
    expect(await status(first)).toEqual({ status: 'disabled' });
    expect((await evacuate(first, {})).status).toBe(200);
  });

  it('from 5.9 on a rebalance tells its time-outs, and takes them; before, they are unknown', async () => {
    const newer = { STANDIN_VERSION: '5.9.0', EMQX_LICENSE__KEY: 'key' };
    const nodes = [start(1, newer), start(2, newer)];
    await untilJoined(nodes);
    const [first] = nodes as [TestNode, TestNode];
    for (let at = 0; at < 4; at += 1) await client(first, `c${at}`);
    const body = { ...rebalance, wait_health_check: 60, conn_evict_rpc_timeout: '20s' };
    expect((await first.api('POST', `/load_rebalance/${first.name}/start`, body)).status).toBe(200);
    expect((await first.api('GET', '/load_rebalance/status')).body).toMatchObject({
      connection_eviction_rpc_timeout: 20_000,
      session_eviction_rpc_timeout: 15_000,
    });
    const older = await up(
      start(3, { STANDIN_VERSION: '5.8.9', EMQX_CLUSTER__DISCOVERY_STRATEGY: 'manual' }),
    );
    expect((await older.api('POST', `/load_rebalance/${older.name}/start`, body)).status).toBe(400);
  });

  it('in 5.1 to 5.3 a start beside a rebalance is accepted, and silently comes to nothing', async () => {
    const env = { STANDIN_VERSION: '5.3.2' };
    const nodes = [start(1, env), start(2, env)];
    await untilJoined(nodes);
    const [first, second] = nodes as [TestNode, TestNode];
    for (let at = 0; at < 4; at += 1) await client(first, `c${at}`);
    const body = { ...rebalance, wait_health_check: 60 };
    expect((await second.api('POST', `/load_rebalance/${second.name}/start`, body)).status).toBe(200);
    expect((await evacuate(first, { wait_health_check: 1 })).status).toBe(200);
    await until('it is dropped', async () => {
      const status = (await first.api('GET', '/load_rebalance/status')).body as { process?: string };
      return status.process === 'rebalance';
    });
  });

  it('a purge is its own process, and refuses an evacuation', async () => {
    const node = await up(start(1, { STANDIN_PURGING: 'true' }));
    expect((await node.api('GET', '/load_rebalance/status')).body).toMatchObject({
      status: 'enabled',
      process: 'purge',
    });
    expect((await node.api('GET', '/load_rebalance/global_status')).body).toMatchObject({
      evacuations: [],
      purges: [{ node: node.name }],
    });
    expect(await evacuate(node, {})).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/eviction_agent_busy$/) },
    });
    await node.stats('PUT', '/switches', { isPurging: false });
    expect((await evacuate(node, {})).status).toBe(200);
  });
});

describe('ports and names', () => {
  it('the API listens where the variable says, and nowhere else', async () => {
    const node = start(1, { EMQX_DASHBOARD__LISTENERS__HTTP__BIND: '28083' });
    const page = (port: number) => fetch(`http://${node.host}:${port}/status`);
    await until('it is up', async () => (await page(28_083)).status === 200);
    await expect(page(18_083)).rejects.toThrow();
  });

  it('another part before the @ is another cluster, although the hosts are found', async () => {
    const seeds = (name: string) => [1, 2].map((last) => `${name}@${ownAddress(last)}`).join(',');
    const old = await up(start(1, { EMQX_NODE_NAME: `release@${ownAddress(1)}` }));
    const fresh = await up(
      start(2, {
        EMQX_NODE_NAME: `release-emqx@${ownAddress(2)}`,
        EMQX_CLUSTER__STATIC__SEEDS: seeds('release-emqx'),
        STANDIN_DISCOVERY_RETRY_MS: '20',
      }),
    );
    // One of its own name part has found it.
    const third = start(3, {
      EMQX_NODE_NAME: `release-emqx@${ownAddress(3)}`,
      EMQX_CLUSTER__STATIC__SEEDS: seeds('release-emqx'),
    });
    await untilJoined([fresh, third]);
    expect(await running(old)).toEqual([old.name]);
  });
});

describe('EMQX 4', () => {
  it('has its API on 8081 and pages on 18083', async () => {
    const node = await up(start(1, v4));
    const authorization = `Basic ${Buffer.from('admin:public').toString('base64')}`;
    const get = async (url: string) =>
      (await fetch(`http://${node.host}:${url}`, { headers: { authorization } })).status;
    expect(await get('8081/api/v4/nodes')).toBe(200);
    expect(await get('8081/api/v5/nodes')).toBe(404);
    expect(await get('18083/')).toBe(200);
    expect(await get('18083/api/v5/nodes')).toBe(404);
    expect(await get('18083/api/v4/nodes')).toBe(401);
    expect(await get('18083/status')).toBe(404);
  });

  it('takes applications from its file and its variables', async () => {
    const node = await up(start(1, { ...v4, EMQX_MANAGEMENT__DEFAULT_APPLICATION__SECRET: 'other' }));
    expect((await node.api('GET', '/nodes')).status).toBe(200);
    const as = async (pair: string) => {
      const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
      return (await fetch(`http://${node.host}:8081/api/v4/nodes`, { headers: { authorization } })).status;
    };
    expect([await as('admin:other'), await as('admin:public')]).toEqual([200, 401]);
  });

  it('lists a stopped node by another key, and has no call to make it leave', async () => {
    const [first, second] = [start(1, v4), start(2, v4)];
    await untilJoined([first, second]);
    await second.end('SIGKILL');
    await until('it is stopped', async () => {
      const { data } = (await first.api('GET', '/nodes')).body as { readonly data: readonly object[] };
      return data.some(
        (item) => JSON.stringify(item) === `{"name":"${second.name}","node_status":"Stopped"}`,
      );
    });
    expect((await first.api('DELETE', `/cluster/${second.name}/force_leave`)).status).toBe(404);
    expect(
      (await first.api('POST', `/load_rebalance/${second.name}/evacuation/start`, {})).body,
    ).toMatchObject({ code: 400, message: `Error communicating with node '${second.name}'` });
  });

  it('keeps its rates and its redirect over a restart', async () => {
    const node = await up(start(1, v4));
    await evacuate(node, { conn_evict_rate: 3, wait_takeover: 60, redirect_to: 'x:1883' });
    await node.end('SIGKILL');
    const back = await up(start(1, v4, node.dataDir));
    expect((await back.api('GET', '/load_rebalance/status')).body).toMatchObject({
      state: 'waiting_takeover',
      connection_eviction_rate: 3,
    });
  });

  it.each([
    ['4.4.14', 401],
    ['4.4.24', 200],
  ])('%s answers availability_check without credentials with %i', async (version, status) => {
    const node = await up(start(1, { ...v4, STANDIN_VERSION: version }));
    const path = `http://${node.host}:8081/api/v4/load_rebalance/availability_check`;
    expect((await fetch(path)).status).toBe(status);
  });

  it('without its plugins knows no load_rebalance', async () => {
    const node = await up(start(1, { ...v4, STANDIN_EDITION: 'Opensource' }));
    expect(await node.api('GET', '/load_rebalance/status')).toMatchObject({
      status: 404,
      body: 'Not found.',
    });
  });

  it('shares no cluster with EMQX 5, whatever the cookie', async () => {
    const old = await up(start(1, v4));
    const fresh = await up(
      start(2, { EMQX_NODE__COOKIE: 'emqxsecretcookie', STANDIN_DISCOVERY_RETRY_MS: '20' }),
    );
    const third = start(3, { EMQX_NODE__COOKIE: 'emqxsecretcookie' });
    await untilJoined([fresh, third]);
    expect(await running(old)).toEqual([old.name]);
  });
});
