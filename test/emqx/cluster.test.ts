import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import type { MqttClient } from 'mqtt';
import { persistent, useNodes } from './harness.js';
import { ownAddress } from './loopback.js';
import { testKey, until, untilJoined, type TestNode } from './testNode.js';

jest.setTimeout(60_000);

const { start, client } = useNodes();

function closeOf(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once('close', resolve));
}

async function running(node: TestNode): Promise<readonly string[]> {
  return ((await node.api('GET', '/cluster')).body as { readonly nodes: readonly string[] }).nodes;
}

async function statusOf(node: TestNode, other: TestNode): Promise<string | undefined> {
  const items = (await node.api('GET', '/nodes')).body as readonly {
    readonly node: string;
    readonly node_status: string;
  }[];
  return items.find((item) => item.node === other.name)?.node_status;
}

describe('forming a cluster', () => {
  it('six nodes that start at the same time find each other, and every one lists all', async () => {
    const nodes = [1, 2, 3, 4, 5, 6].map((last) => start(last));
    await untilJoined(nodes);
    const items = (await nodes[5]!.api('GET', '/nodes')).body as readonly { readonly node_status: string }[];
    expect(items.map(({ node_status }) => node_status)).toEqual(Array(6).fill('running'));
  });

  it('is Ready by /status before it has joined, and the join drops whoever is connected', async () => {
    const first = start(1);
    await until('first is up', async () => (await first.api('GET', '/status')).status === 200);
    const second = start(2, { STANDIN_ISOLATED: 'true' });
    await until('second is Ready', async () => (await second.api('GET', '/status')).status === 200);
    expect(await running(second)).toEqual([second.name]);
    const early = await client(second, 'early', persistent);
    const dropped = closeOf(early);
    await second.stats('PUT', '/switches', { isIsolated: false });
    await dropped;
    await untilJoined([first, second]);
    // Its session went with the old database.
    expect((await second.api('GET', '/clients')).body).toMatchObject({ meta: { count: 0 } });
  });

  it('stays up without MQTT and API when the node that it joins is killed in mid-join', async () => {
    const first = start(1);
    await until('first is up', async () => (await first.api('GET', '/status')).status === 200);
    const second = start(2, { STANDIN_JOIN_MS: '3000' });
    await until('second joins', () => second.log().includes('node_joining'));
    await first.end('SIGKILL');
    await until('the join fails', () => second.log().includes('join_failed'));
    expect(second.process.exitCode).toBeNull();
    await expect(second.api('GET', '/status')).rejects.toThrow();
    await expect(client(second, 'c', { connectTimeout: 500 })).rejects.toThrow();
    // And it does not try again.
    const third = start(3, { STANDIN_STAY_ALONE: 'true' });
    await until('third is up', async () => (await third.api('GET', '/status')).status === 200);
    expect(second.log().match(/node_joining/g)).toHaveLength(1);
  });

  it('fails in the same way when the partner has begun to stop', async () => {
    const first = start(1, { STANDIN_STOP_MS: '4000' });
    await until('first is up', async () => (await first.api('GET', '/status')).status === 200);
    const second = start(2, { STANDIN_JOIN_MS: '2000' });
    await until('second joins', () => second.log().includes('node_joining'));
    first.process.kill('SIGTERM');
    await until('the join fails', () => second.log().includes('join_failed'));
    await expect(second.api('GET', '/status')).rejects.toThrow();
  });

  it('stays alone for ever, with nothing logged, when that is switched on', async () => {
    const first = start(1, { EMQX_CLUSTER__DISCOVERY_STRATEGY: 'manual' });
    await until('first is up', async () => (await first.api('GET', '/status')).status === 200);
    const second = start(2, { STANDIN_STAY_ALONE: 'true', STANDIN_DISCOVERY_RETRY_MS: '20' });
    await until('second is up', async () => (await second.api('GET', '/status')).status === 200);
    // One that started later has found the first.
    const third = start(3);
    await untilJoined([first, third]);
    expect(await running(second)).toEqual([second.name]);
    expect(second.log().trim().split('\n')).toHaveLength(1);
  });

  it.each<[string, Record<string, string>]>([
    ['another cookie', { EMQX_NODE__COOKIE: 'other' }],
    ['another part before the @', { EMQX_NODE_NAME: `other@${ownAddress(2)}` }],
  ])('does not join with %s', async (_what, env) => {
    const first = start(1);
    await until('first is up', async () => (await first.api('GET', '/status')).status === 200);
    const second = start(2, {
      ...env,
      STANDIN_DISCOVERY_RETRY_MS: '50',
      EMQX_CLUSTER__STATIC__SEEDS: `${env.EMQX_NODE_NAME ? 'other' : 'emqx'}@${ownAddress(1)}`,
    });
    await until('second is up', async () => (await second.api('GET', '/status')).status === 200);
    // One that started later has found the first.
    const third = start(3);
    await untilJoined([first, third]);
    expect(await running(second)).toEqual([second.name]);
  });

  it('refuses joins with a licence for a single node', async () => {
    const first = start(1, { STANDIN_SINGLE_NODE_LICENCE: 'true' });
    await until('first is up', async () => (await first.api('GET', '/status')).status === 200);
    const second = start(2);
    await until('refusal', () => second.log().includes('has a single node license'));
    expect(await running(second)).toEqual([second.name]);
  });

  it('shares API keys: one made on a node works on all', async () => {
    const first = start(1);
    await until('first is up', async () => (await first.api('GET', '/status')).status === 200);
    const second = start(2);
    await untilJoined([first, second]);
    const key = (await fetchToken(second)) as { readonly api_key: string; readonly api_secret: string };
    const authorization = `Basic ${Buffer.from(`${key.api_key}:${key.api_secret}`).toString('base64')}`;
    await until(
      'the key made on one works on the other',
      async () =>
        (await fetch(`http://${first.host}:18083/api/v5/nodes`, { headers: { authorization } })).status ===
        200,
    );
  });
});

it("a joiner's bootstrap file overwrites the cluster's keys", async () => {
  const first = start(1);
  await until('first is up', async () => (await first.api('GET', '/status')).status === 200);
  const other = join(first.dataDir, 'other');
  writeFileSync(other, `${testKey.key}:another-secret`);
  start(2, { EMQX_API_KEY__BOOTSTRAP_FILE: other });
  await until('the first has lost its secret', async () => (await first.api('GET', '/nodes')).status === 401);
});

async function fetchToken(node: TestNode): Promise<unknown> {
  const base = `http://${node.host}:18083/api/v5`;
  const json = { 'content-type': 'application/json' };
  const login = await fetch(`${base}/login`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ username: 'admin', password: 'public' }),
  });
  const { token } = (await login.json()) as { readonly token: string };
  const made = await fetch(`${base}/api_key`, {
    method: 'POST',
    headers: { ...json, authorization: `Bearer ${token}` },
    body: JSON.stringify({ name: 'x' }),
  });
  return made.json();
}

describe('a node that goes', () => {
  it('killed: is stopped for the others, and its sessions are lost', async () => {
    const [first, second] = [start(1), start(2)];
    await untilJoined([first, second]);
    const kept = await client(second, 'c', persistent);
    await kept.subscribeAsync('t', { qos: 1 });
    await second.end('SIGKILL');
    await until('stopped', async () => (await statusOf(first, second)) === 'stopped');
    expect(await running(first)).toEqual([first.name]);
    const again = await client(first, 'c', persistent);
    expect((await first.api('GET', '/clients/c')).body).toMatchObject({
      node: first.name,
      subscriptions_cnt: 0,
    });
    again.end(true);
    for (const verb of ['start', 'stop']) {
      expect(await first.api('POST', `/load_rebalance/${second.name}/evacuation/${verb}`)).toMatchObject({
        status: 404,
        body: { code: 'NOT_FOUND', message: `Node not found: ${second.name}` },
      });
    }
    expect(
      await first.api('POST', `/load_rebalance/${first.name}/evacuation/start`, {
        migrate_to: [second.name],
      }),
    ).toMatchObject({
      status: 400,
      body: { code: 'NOT_FOUND', message: `Nodes unavailable: ['${second.name}']` },
    });
    expect(await first.api('GET', `/nodes/${second.name}`)).toMatchObject({ status: 404 });
  });

  it('recreated on an empty disk is refused as already_in_cluster until it is made to leave', async () => {
    const [first, second] = [start(1), start(2)];
    await untilJoined([first, second]);
    await second.end('SIGKILL');
    await until('stopped', async () => (await statusOf(first, second)) === 'stopped');
    const fresh = start(2);
    await until('refusal', () => fresh.log().includes('already_in_cluster'));
    expect((await fresh.api('GET', '/status')).status).toBe(200);
    expect(await running(fresh)).toEqual([fresh.name]);
    expect(await statusOf(first, fresh)).toBe('stopped');
    expect((await first.api('DELETE', `/cluster/${fresh.name}/force_leave`)).status).toBe(204);
    await untilJoined([first, fresh]);
  });

  it('recreated on an empty disk may join at once where lingering names are admitted', async () => {
    const env = { STANDIN_LINGERING_NAME: 'admit' };
    const [first, second] = [start(1, env), start(2, env)];
    await untilJoined([first, second]);
    await second.end('SIGKILL');
    await untilJoined([first, start(2, env)]);
  });

  it('restarted on its own disk comes back without a join', async () => {
    const [first, second] = [start(1), start(2)];
    await untilJoined([first, second]);
    await second.end('SIGTERM');
    await until('stopped', async () => (await statusOf(first, second)) === 'stopped');
    const back = start(2, {}, second.dataDir);
    await untilJoined([first, back]);
    expect(back.log()).not.toContain('node_joining');
  });

  it('is forgotten on every node by force_leave, and by autoclean', async () => {
    const env = { EMQX_CLUSTER__AUTOCLEAN: '1s' };
    const [first, second, third] = [start(1), start(2), start(3, env)];
    await untilJoined([first, second, third]);
    await second.end('SIGKILL');
    await until('autoclean at the third', async () => (await statusOf(third, second)) === undefined);
    await until('stopped', async () => (await statusOf(first, second)) === 'stopped');
    expect((await first.api('DELETE', `/cluster/${second.name}/force_leave`)).status).toBe(204);
    expect(await statusOf(first, second)).toBeUndefined();
    expect(await first.api('DELETE', `/cluster/${second.name}/force_leave`)).toMatchObject({
      status: 400,
      body: { message: 'node_not_in_cluster' },
    });
  });

  it('a running one that is made to leave loses its clients and is alone', async () => {
    const [first, second] = [start(1), start(2)];
    await untilJoined([first, second]);
    const lost = closeOf(await client(second, 'c'));
    expect((await first.api('DELETE', `/cluster/${second.name}/force_leave`)).status).toBe(204);
    await lost;
    await until('alone', async () => (await running(second)).length === 1);
    expect(await running(first)).toEqual([first.name]);
  });

  it('takes 4 s to stop on SIGTERM, while its clients and its API go at once', async () => {
    const node = start(1, { STANDIN_STOP_MS: '4000' });
    await until('up', async () => (await node.api('GET', '/status')).status === 200);
    const closed = closeOf(await client(node, 'c')).then(() => Date.now());
    const asked = Date.now();
    await node.end('SIGTERM');
    expect(Date.now() - asked).toBeGreaterThan(3_900);
    expect(Date.now() - asked).toBeLessThan(6_000);
    expect((await closed) - asked).toBeLessThan(1_000);
    expect(node.process.exitCode).toBe(0);
  });
});

interface Counts {
  readonly cluster_sessions: number;
}

describe('between nodes', () => {
  it('moves a session with its queue to where the client returns', async () => {
    const [first, second] = [start(1), start(2)];
    await untilJoined([first, second]);
    const before = await client(first, 'c', persistent);
    await before.subscribeAsync('t/+', { qos: 1 });
    await before.endAsync();
    const sender = await client(second, 'sender');
    for (let at = 0; at < 5; at += 1) await sender.publishAsync('t/c', `${at}`, { qos: 1 });
    // Messages go from node to node without an answer.
    const seen = async () => (await first.api('GET', '/clients/c')).body as { readonly mqueue_len: number };
    await until('five wait', async () => (await seen()).mqueue_len === 5);
    expect(await seen()).toMatchObject({ node: first.name, connected: false });
    await client(second, 'c', persistent);
    expect((await first.api('GET', '/clients/c')).body).toMatchObject({
      node: second.name,
      connected: true,
      subscriptions_cnt: 1,
    });
    await until('all delivered', async () => (await seen()).mqueue_len === 0);
  });

  it('counts the sessions of all nodes', async () => {
    const [first, second] = [start(1), start(2)];
    await untilJoined([first, second]);
    await client(first, 'x', persistent);
    await client(second, 'y', persistent);
    const ofFirst = async () => (await first.api('GET', `/nodes/${first.name}`)).body as Counts;
    // The second node's clients are told to the first without an answer.
    await until('both are known to the first', async () => (await ofFirst()).cluster_sessions === 2);
    expect(await ofFirst()).toMatchObject({ connections: 1, live_connections: 1, cluster_sessions: 2 });
    expect((await first.api('GET', '/stats?aggregate=true')).body).toMatchObject({
      'live_connections.count': 2,
    });
  });

  it('sees a node that is cut off as stopped, and it comes back', async () => {
    const [first, second] = [start(1), start(2)];
    await untilJoined([first, second]);
    await second.stats('PUT', '/switches', { isIsolated: true });
    await until('stopped', async () => (await statusOf(first, second)) === 'stopped');
    expect(await running(second)).toEqual([second.name]);
    expect((await second.api('GET', '/status')).status).toBe(200);
    await second.stats('PUT', '/switches', { isIsolated: false });
    await untilJoined([first, second]);
  });
});
