import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { persistent, useNodes } from '../emqx/harness.js';
import { ownAddress } from '../emqx/loopback.js';
import { testKey, until, untilJoined, type TestNode } from '../emqx/testNode.js';
import { conf, makeShare, type Share } from './gate-share.js';

jest.setTimeout(60_000);

const { start, client } = useNodes();
const CLIENTS = 6;

let share: Share | undefined;
afterEach(async () => {
  await share?.remove();
  share = undefined;
});

/** Nodes that have joined, with clients that keep sessions on the first, and the first one's share. */
async function stage(
  nodes: number,
  { clients = CLIENTS, ...settings }: Record<string, string | number> = {},
  env: Record<string, string> = {},
): Promise<{ own: TestNode; others: TestNode[]; gate: Share }> {
  const all = Array.from({ length: nodes }, (_, at) => start(at + 1, env));
  await untilJoined(all);
  const [own, ...others] = all;
  if (!own) throw new Error('no node');
  for (let at = 0; at < Number(clients); at += 1) await client(own, `client-${at}`, persistent);
  const gate = await shareOf(own, settings);
  return { own, others, gate };
}

/** A share as the sidecar of `node` leaves it. */
async function shareOf(node: TestNode, settings: Record<string, string | number>): Promise<Share> {
  const gate = await makeShare();
  share = gate;
  // the gate speaks to 127.0.0.1 alone; nodes on one machine have an address each
  const lib = await gate.read('bin/share.sh');
  expect(lib.split('conf_host=127.0.0.1 ')).toHaveLength(2);
  await gate.write('bin/share.sh', lib.replace('conf_host=127.0.0.1 ', `conf_host=${node.host} `));
  await gate.write(
    'drain.conf',
    conf(18083, {
      authorization: `Basic ${Buffer.from(`${testKey.key}:${testKey.secret}`).toString('base64')}`,
      connEvictRate: 3,
      sessEvictRate: 3,
      waitTakeover: 1,
      waitHealthCheck: 1,
      noRecipientSeconds: 3,
      ...settings,
    }),
  );
  return gate;
}

async function sessionsOn(node: TestNode): Promise<number> {
  return ((await node.stats('GET', '/')) as { sessions: number }).sessions;
}

async function stateOf(node: TestNode): Promise<string | undefined> {
  return ((await node.api('GET', '/load_rebalance/status')).body as { state?: string }).state;
}

it('hands every session over, at the rates told, to the node told', async () => {
  const { own, others, gate } = await stage(3, { recipients: `emqx@${ownAddress(2)} emqx@${ownAddress(9)}` });
  const run = await gate.run('gate.sh');
  expect(run.code).toBe(0);
  expect(run.seconds).toBeGreaterThan(1 + CLIENTS / 3 + 1);
  expect(await gate.read('gate')).toContain('state=drained');
  expect(await stateOf(own)).toBe('prohibiting');
  expect(await Promise.all([own, ...others].map(sessionsOn))).toEqual([0, CLIENTS, 0]);
});

it('holds on through an API that fails, forgets its keys and goes away', async () => {
  const { own, others, gate } = await stage(2);
  const run = gate.run('gate.sh', [], { limitMs: 50_000 });
  await until('the evacuation', async () => (await stateOf(own)) === 'evicting_conns');
  for (const [trouble, told] of [
    [{ api: 'error' }, /state=draining\ndetail=EMQX's API answers 5/],
    [{ api: 'up', refusesKeys: true }, /state=draining\ndetail=EMQX refuses the API key \(401\)/],
    [{ api: 'down', refusesKeys: false }, /state=draining\ndetail=EMQX's API gives no answer/],
  ] as const) {
    await own.stats('PUT', '/switches', trouble);
    await until(`the gate tells ${told}`, async () => told.test(await gate.read('gate')));
  }
  await own.stats('PUT', '/switches', { api: 'up' });
  expect((await run).code).toBe(0);
  expect(await Promise.all([own, ...others].map(sessionsOn))).toEqual([0, CLIENTS]);
});

it('gives up when the only node that could take sessions dies', async () => {
  const { own, others, gate } = await stage(2, { sessEvictRate: 1 });
  const run = gate.run('gate.sh', [], { limitMs: 50_000 });
  await until('sessions move', async () => (await stateOf(own)) === 'evicting_sessions');
  await others[0]?.end('SIGKILL');
  expect((await run).code).toBe(0);
  expect(await gate.read('gate')).toMatch(
    /state=gave-up\ndetail=no other node can take sessions\nsessionsLost=[1-6]\n/,
  );
});

it('ends although durable sessions elsewhere are counted', async () => {
  const { own, others, gate } = await stage(2, { clients: 0 });
  for (const node of [own, ...others]) await node.stats('PUT', '/switches', { isDurable: true });
  const [other] = others;
  if (!other) throw new Error('no other node');
  (await client(other, 'elsewhere', persistent)).end(true);
  const evacuation = `/load_rebalance/${own.name}/evacuation`;
  await until('the session elsewhere is counted here', async () => {
    await own.api('POST', `${evacuation}/start`, { wait_health_check: 0, wait_takeover: 0 });
    const { stats } = (await own.api('GET', '/load_rebalance/status')).body as {
      stats?: { initial_sessions: number };
    };
    if (stats?.initial_sessions === 1) return true;
    await own.api('POST', `${evacuation}/stop`);
    return false;
  });
  const run = await gate.run('gate.sh', [], { limitMs: 50_000 });
  expect(run.code).toBe(0);
  expect(await stateOf(own)).toBe('evicting_sessions');
  expect(await gate.read('gate')).toContain('state=drained');
});

it('on a build without evacuation ends as the policy says', async () => {
  const { own, gate } = await stage(1, { withoutEvacuation: 'None' });
  await own.stats('PUT', '/switches', { hasNoEvacuation: true });
  expect((await gate.run('gate.sh')).code).toBe(0);
  expect(await gate.read('gate')).toMatch(/state=gave-up\n.*\nsessionsLost=6\n/);
});

describe('EMQX 4', () => {
  const v4 = { STANDIN_VERSION: '4.4.19', EMQX_CLUSTER__DISCOVERY: 'static' };

  it('hands every session over, to the node told', async () => {
    const recipients = `emqx@${ownAddress(2)} emqx@${ownAddress(9)}`;
    const { own, others, gate } = await stage(3, { recipients }, v4);
    const run = await gate.run('gate.sh');
    expect(run.code).toBe(0);
    expect(run.seconds).toBeGreaterThan(CLIENTS / 3 + 1);
    expect(await gate.read('gate')).toContain(`state=drained`);
    expect(await gate.read('gate')).toContain(`node=${own.name}`);
    expect(await stateOf(own)).toBe('prohibiting');
    expect(await Promise.all([own, ...others].map(sessionsOn))).toEqual([0, CLIENTS, 0]);
  });

  it('without its plugins has its clients told to go, one by one', async () => {
    const { own, gate } = await stage(1, { withoutEvacuation: 'Paced', waitHealthCheck: 0 }, v4);
    await own.stats('PUT', '/switches', { hasNoEvacuation: true });
    const run = await gate.run('gate.sh');
    expect(run.code).toBe(0);
    expect(run.seconds).toBeGreaterThan(2 + CLIENTS / 3);
    expect(await gate.read('gate')).toMatch(/state=gave-up\n.*\nsessionsLost=6\n/);
    expect(await sessionsOn(own)).toBe(0);
  });
});

it.each(['5.0.4', '5.1.0'])('%s takes the start at once, with the waits that it knows', async (version) => {
  const { own, gate } = await stage(2, { clients: 0, waitTakeover: 0 }, { STANDIN_VERSION: version });
  const run = await gate.run('gate.sh');
  expect(run.code).toBe(0);
  // a start that it refuses would cost a look each time
  expect(run.seconds).toBeLessThan(6);
  expect(await stateOf(own)).toBe('prohibiting');
});

it('knows the node by whatever name it has, and its API by whatever port', async () => {
  const names = [1, 2].map((last) => `mq-broker@${ownAddress(last)}`);
  const bind = { EMQX_DASHBOARD__LISTENERS__HTTP__BIND: '28083', EMQX_NAME: 'mq-broker' };
  const all = names.map((name, at) =>
    start(at + 1, { ...bind, EMQX_NODE_NAME: name, EMQX_CLUSTER__STATIC__SEEDS: names.join(',') }),
  );
  await untilJoined(all);
  const [own, other] = all;
  if (!own || !other) throw new Error('no node');
  await client(own, 'one', persistent);
  const gate = await shareOf(own, { apiPort: 28083, recipients: other.name });
  expect((await gate.run('gate.sh')).code).toBe(0);
  expect(await gate.read('gate')).toMatch(new RegExp(`state=drained\\n(.*\\n)*node=${own.name}\\n`));
  expect(await Promise.all(all.map(sessionsOn))).toEqual([0, 1]);
});

it("follows somebody else's evacuation to its end, and says whose it is", async () => {
  const { own, others, gate } = await stage(2);
  await own.api('POST', `/load_rebalance/${own.name}/evacuation/start`, {
    conn_evict_rate: 2,
    sess_evict_rate: 2,
    wait_takeover: 1,
    wait_health_check: 2,
  });
  const run = gate.run('gate.sh');
  await until('it is told', async () => /somebody else began this evacuation/.test(await gate.read('gate')));
  expect((await run).code).toBe(0);
  expect(await Promise.all([own, ...others].map(sessionsOn))).toEqual([0, CLIENTS]);
});

describe('with an EMQX that does not start on a left-over evacuation (before 5.7.0)', () => {
  const old = { STANDIN_VERSION: '5.6.1' };
  const fileOf = ({ dataDir }: TestNode) => join(dataDir, '.evacuation');
  const envOf = ({ dataDir }: TestNode) => ({ EMQX_NODE__DATA_DIR: dataDir });

  /** Starts of EMQX's container over the same data, as the kubelet makes them, until one comes up. */
  async function startsUntilUp(gate: Share, last: TestNode, most: number): Promise<number> {
    for (let starts = 1; starts <= most; starts += 1) {
      await gate.run('started.sh', [], { env: envOf(last) });
      const node = start(1, old, last.dataDir);
      await until('it is up, or has ended', async () => {
        const answer = await node.api('GET', '/status').catch(() => undefined);
        return answer?.status === 200 || node.process.exitCode !== null;
      });
      if (node.process.exitCode === null) return starts;
    }
    return Infinity;
  }

  it('a drain that is over leaves nothing behind, and the next pod on the claim comes up', async () => {
    const { own, gate } = await stage(2, {}, old);
    const run = gate.run('gate.sh', [], { env: envOf(own) });
    await until('the evacuation', async () => (await stateOf(own)) === 'evicting_conns');
    // EMQX's own stop would fail without it.
    expect(existsSync(fileOf(own))).toBe(true);
    expect((await run).code).toBe(0);
    expect(await gate.read('gate')).toContain('state=drained');
    await own.end('SIGTERM');
    await gate.remove();
    const next = await shareOf(own, {});
    await next.write('boot', '');
    expect(await startsUntilUp(next, own, 1)).toBe(1);
  });

  it('a drain that was cut off by a restart in place does not keep EMQX from starting', async () => {
    const { own, gate } = await stage(2, {}, old);
    await gate.write('handled', 'boot-1\n');
    const cut = gate.run('gate.sh', [], { env: envOf(own), limitMs: 2_500 });
    await until('the evacuation', async () => (await stateOf(own)) !== undefined);
    expect((await cut).code).toBeNull();
    await own.end('SIGKILL');
    expect(existsSync(fileOf(own))).toBe(true);
    expect(await startsUntilUp(gate, own, 4)).toBe(2);
  });

  it('nor does what a pod that was killed has left on its claim', async () => {
    const { own, gate } = await stage(2, {}, old);
    const cut = gate.run('gate.sh', [], { env: envOf(own), limitMs: 2_500 });
    await until('the evacuation', async () => (await stateOf(own)) !== undefined);
    await cut;
    await own.end('SIGKILL');
    await gate.remove();
    const next = await shareOf(own, {});
    await next.write('boot', '');
    expect(await startsUntilUp(next, own, 4)).toBe(2);
  });

  it("somebody else's evacuation keeps its file", async () => {
    const { own, gate } = await stage(2, { clients: 0 }, old);
    await gate.write('handled', 'boot-1\n');
    await own.api('POST', `/load_rebalance/${own.name}/evacuation/start`, {
      wait_takeover: 1,
      wait_health_check: 0,
    });
    // as the sidecar marks it
    await gate.write('foreign', 'boot-1\n');
    expect((await gate.run('gate.sh', [], { env: envOf(own) })).code).toBe(0);
    expect(await gate.read('gate')).toContain('state=drained');
    await own.end('SIGTERM');
    expect(await startsUntilUp(gate, own, 3)).toBe(Infinity);
    expect(existsSync(fileOf(own))).toBe(true);
  });
});
