import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import mqtt from 'mqtt';
import { persistent, useNodes } from './harness.js';
import { ownAddress } from './loopback.js';
import { until, untilJoined, type TestNode } from './testNode.js';

jest.setTimeout(60_000);

const { start, client } = useNodes();

interface Status {
  readonly state?: string;
  readonly session_recipients?: readonly string[];
  readonly stats?: Readonly<Record<string, number>>;
  readonly [key: string]: unknown;
}

async function status(node: TestNode): Promise<Status> {
  return (await node.api('GET', '/load_rebalance/status')).body as Status;
}

function evacuate(
  node: TestNode,
  body: object = {},
): Promise<{ readonly status: number; readonly body: unknown }> {
  return node.api('POST', `/load_rebalance/${node.name}/evacuation/start`, {
    wait_health_check: 0,
    wait_takeover: 0,
    ...body,
  });
}

function untilState(node: TestNode, state: string): Promise<true> {
  return until(`${node.name} is ${state}`, async () => (await status(node)).state === state);
}

/** When the node logged that it came to that state, Unix time in ms. */
function entered(node: TestNode, state: string): number {
  const line = node.log().match(new RegExp(`^(\\S+) .*node_evacuation_state, state: ${state}$`, 'm'));
  return Date.parse(line?.[1] ?? '');
}

async function up(node: TestNode): Promise<TestNode> {
  await until(`${node.name} is up`, async () => (await node.api('GET', '/status')).status === 200);
  return node;
}

async function sessions(node: TestNode, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await (await client(node, `s${at}`, persistent)).endAsync();
}

describe('.evacuation', () => {
  it('survives a restart: the first answer is 503, clients are refused, rates are kept', async () => {
    const node = await up(start(1));
    await evacuate(node, { conn_evict_rate: 3, sess_evict_rate: 4, wait_takeover: 0 });
    await untilState(node, 'prohibiting');
    expect(JSON.parse(readFileSync(join(node.dataDir, '.evacuation'), 'utf8'))).toEqual({
      conn_evict_rate: 3,
      sess_evict_rate: 4,
      wait_takeover: 0,
      server_reference: null,
    });
    await node.end('SIGTERM');
    const back = start(1, {}, node.dataDir);
    const first = await until('an answer', async () => back.api('GET', '/load_rebalance/availability_check'));
    expect(first.status).toBe(503);
    expect(await status(back)).toMatchObject({ connection_eviction_rate: 3, session_eviction_rate: 4 });
    await expect(client(back, 'c', { protocolVersion: 5 })).rejects.toMatchObject({ code: 0x9c });
    expect((await back.api('POST', `/load_rebalance/${back.name}/evacuation/stop`)).status).toBe(200);
    expect(existsSync(join(back.dataDir, '.evacuation'))).toBe(false);
    await client(back, 'c');
  });

  it('skips the health check wait after a restart, and counts as another evacuation', async () => {
    const node = await up(start(1));
    await evacuate(node, { wait_health_check: 60, wait_takeover: 60 });
    await node.end('SIGKILL');
    const back = await up(start(1, {}, node.dataDir));
    expect(await status(back)).toMatchObject({ state: 'waiting_takeover' });
    expect((await evacuate(back)).status).toBe(400);
  });

  it('may be unreadable: then the defaults hold', async () => {
    const node = await up(start(1));
    await node.end('SIGKILL');
    writeFileSync(join(node.dataDir, '.evacuation'), 'no json');
    const back = await up(start(1, {}, node.dataDir));
    expect(await status(back)).toMatchObject({ state: 'waiting_takeover', connection_eviction_rate: 500 });
  });
});

describe('evicting sessions', () => {
  it('kicks a client that returns to another node while its session is being moved', async () => {
    const nodes = [start(1, { STANDIN_SESSION_MOVE_MS: '1500' }), start(2), start(3)];
    await untilJoined(nodes);
    const [first, second, third] = nodes as [TestNode, TestNode, TestNode];
    await sessions(first, 3);
    await evacuate(first, { migrate_to: [second.name] });
    // Its status would answer only after the batch. That has begun with s0; s2 is in its list, but still here.
    await until('the batch begins', () => first.log().includes('evicting_sessions'));
    const returned = await client(third, 's2', persistent);
    const kicked = new Promise<number | undefined>((resolve) =>
      returned.once('disconnect', ({ reasonCode }) => resolve(reasonCode)),
    );
    expect(await kicked).toBe(0x8e);
    await until(
      's2 is where it was to go',
      async () => ((await first.api('GET', '/clients/s2')).body as { node?: string }).node === second.name,
    );
  });

  it('loses no session of clients that return elsewhere at the moment in which theirs are moved', async () => {
    const nodes = [start(1), start(2), start(3)];
    await untilJoined(nodes);
    const [first, second, third] = nodes as [TestNode, TestNode, TestNode];
    await sessions(first, 200);
    await evacuate(first, { sess_evict_rate: 200, migrate_to: [second.name] });
    await until('the batch begins', () => first.log().includes('evicting_sessions'));
    const returned = await Promise.all(Array.from({ length: 200 }, (_, at) => sessionOf(third, `s${at}`)));
    expect(returned.filter((isPresent) => !isPresent)).toEqual([]);
  });

  it('waits without an error when its only recipient is killed, and stop still works', async () => {
    const nodes = [start(1, { STANDIN_SESSION_MOVE_MS: '50' }), start(2)];
    await untilJoined(nodes);
    const [first, second] = nodes as [TestNode, TestNode];
    await sessions(first, 10);
    await evacuate(first, { sess_evict_rate: 2 });
    await until(
      'two have gone',
      async () =>
        ((await first.api('GET', '/node_eviction/status')).body as { stats: { sessions: number } }).stats
          .sessions <= 8,
    );
    await second.end('SIGKILL');
    await until(
      'nobody is left to take them',
      async () => (await status(first)).session_recipients?.length === 0,
    );
    expect((await status(first)).state).toBe('evicting_sessions');
    expect((await first.api('POST', `/load_rebalance/${first.name}/evacuation/stop`)).status).toBe(200);
  });

  it('looks for a recipient again only after 30 s', async () => {
    const nodes = [start(1, { STANDIN_NO_RECIPIENT_RETRY_MS: '3000' }), start(2)];
    await untilJoined(nodes);
    const [first, second] = nodes as [TestNode, TestNode];
    await sessions(first, 1);
    await evacuate(second, { wait_health_check: 60 });
    await evacuate(first);
    await untilState(first, 'evicting_sessions');
    await second.api('POST', `/load_rebalance/${second.name}/evacuation/stop`);
    await until('recipients are there', async () => (await status(first)).session_recipients?.length === 1);
    await untilState(first, 'prohibiting');
    expect(entered(first, 'prohibiting') - entered(first, 'evicting_sessions')).toBeGreaterThan(2_900);
  });

  it('never ends while a durable session is offline anywhere', async () => {
    const env = { STANDIN_DURABLE: 'true' };
    const nodes = [start(1, env), start(2, env)];
    await untilJoined(nodes);
    const [first, second] = nodes as [TestNode, TestNode];
    await sessions(second, 2);
    await until('the count is refreshed', async () => {
      await evacuate(first);
      const { stats } = await status(first);
      if (stats?.initial_sessions === 2) return true;
      await first.api('POST', `/load_rebalance/${first.name}/evacuation/stop`);
      return false;
    });
    await untilState(first, 'evicting_sessions');
    // A tick counts anew, and does not end it.
    await (await client(second, 'another', persistent)).endAsync();
    await until('a tick counts three', async () => (await status(first)).stats?.current_sessions === 3);
    expect(await status(first)).toMatchObject({ state: 'evicting_sessions' });
    expect((await first.api('GET', `/nodes/${first.name}`)).body).toMatchObject({
      connections: 0,
      live_connections: 0,
    });
  });
});

/** Connects, and tells whether the session was there. */
function sessionOf(node: TestNode, clientId: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const returned = mqtt.connect(`mqtt://${node.host}`, { clientId, reconnectPeriod: 0, ...persistent });
    returned.once('connect', ({ sessionPresent }) => {
      resolve(sessionPresent);
      returned.end(true);
    });
    returned.once('error', reject);
  });
}

describe('counting at the broker', () => {
  it('shows evictions by the second, and connects by outcome', async () => {
    const node = await up(start(1));
    for (let at = 0; at < 5; at += 1) await client(node, `c${at}`);
    await evacuate(node, { conn_evict_rate: 3, wait_takeover: 60 });
    await untilState(node, 'waiting_takeover');
    await expect(client(node, 'late', { protocolVersion: 4 })).rejects.toMatchObject({ code: 3 });
    const evictions = (await node.stats('GET', '/evictions')) as readonly {
      readonly second: number;
      readonly count: number;
    }[];
    expect(evictions.map(({ count }) => count)).toEqual([3, 2]);
    expect((evictions[1]?.second ?? 0) - (evictions[0]?.second ?? 0)).toBeGreaterThanOrEqual(1);
    const connects = (await node.stats('GET', '/connects')) as readonly {
      readonly accepted: number;
      readonly refused: Record<string, number>;
    }[];
    expect(connects.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(5);
    expect(connects.reduce((sum, { refused }) => sum + (refused['3'] ?? 0), 0)).toBe(1);
  });
});

describe('switches', () => {
  const page = `http://${ownAddress(1)}:18083/api/v5/load_rebalance/status`;

  it('an API that hangs, fails or is down', async () => {
    const node = await up(start(1, { STANDIN_API: 'error' }));
    expect((await node.api('GET', '/cluster')).status).toBe(500);
    await node.stats('PUT', '/switches', { api: 'hang' });
    await expect(fetch(page, { signal: AbortSignal.timeout(300) })).rejects.toThrow(/aborted|timeout/i);
    expect((await node.api('GET', '/status')).status).toBe(200);
    await node.stats('PUT', '/switches', { api: 'down' });
    await expect(fetch(page)).rejects.toThrow();
    await node.stats('PUT', '/switches', { api: 'up' });
    expect((await node.api('GET', '/cluster')).status).toBe(200);
  });

  it('a build without evacuation answers 404, before it asks for credentials', async () => {
    const node = await up(start(1, { STANDIN_EDITION: 'Opensource' }));
    const asked = await fetch(page, { headers: { accept: 'application/json' } });
    expect({ status: asked.status, body: await asked.json() }).toEqual({
      status: 404,
      body: { code: 'NOT_FOUND', message: 'Request Path Not Found' },
    });
    const shown = await fetch(page);
    expect({ status: shown.status, type: shown.headers.get('content-type') }).toEqual({
      status: 404,
      type: 'text/html',
    });
    expect((await node.api('GET', '/nodes')).body).toMatchObject([{ edition: 'Opensource' }]);
  });

  it('a slow status, and every key refused', async () => {
    const node = await up(start(1, { STANDIN_STATUS_DELAY_MS: '700' }));
    const asked = Date.now();
    expect(await status(node)).toEqual({ status: 'disabled' });
    expect(Date.now() - asked).toBeGreaterThan(650);
    await node.stats('PUT', '/switches', { refusesKeys: true });
    expect(await node.api('GET', '/nodes')).toMatchObject({
      status: 401,
      body: { code: 'BAD_API_KEY_OR_SECRET' },
    });
  });

  it('a node that is left out of global_status', async () => {
    const nodes = [start(1), start(2, { STANDIN_OMIT_FROM_GLOBAL_STATUS: 'true' })];
    await untilJoined(nodes);
    const [first, second] = nodes as [TestNode, TestNode];
    await evacuate(second, { wait_health_check: 60 });
    expect((await first.api('GET', '/load_rebalance/global_status')).body).toEqual({
      evacuations: [],
      rebalances: [],
      purges: [],
    });
    await second.stats('PUT', '/switches', { isOmittedFromGlobalStatus: false });
    expect((await first.api('GET', '/load_rebalance/global_status')).body).toMatchObject({
      evacuations: [{ node: second.name }],
    });
  });

  it('a viewer may look and not touch', async () => {
    const node = await up(start(1));
    const headers = { authorization: `Basic ${Buffer.from('viewer:secret').toString('base64')}` };
    expect((await fetch(page, { headers })).status).toBe(200);
    const touched = await fetch(
      `http://${node.host}:18083/api/v5/load_rebalance/${node.name}/evacuation/start`,
      { method: 'POST', headers },
    );
    expect({ status: touched.status, body: await touched.json() }).toMatchObject({
      status: 403,
      body: { code: 'UNAUTHORIZED_ROLE' },
    });
  });

  it('are named in --help, every one', async () => {
    const { help } = await import('./help.js');
    const settings = readFileSync('test/emqx/settings.ts', 'utf8');
    for (const [name] of settings.matchAll(/STANDIN_[A-Z_]+/g)) expect(help).toContain(name);
  });
});
