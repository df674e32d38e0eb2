import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually, RawClient, type ConnectOptions } from '../rawClient.js';
import { Target, type Node, type Status } from '../target.js';

jest.setTimeout(60_000);

let target: Target;
let a: Node;
let b: Node;
let open: RawClient[] = [];
beforeAll(async () => {
  target = await Target.open(5);
  ({ a, b } = target);
}, 60_000);
afterEach(async () => {
  await target.tidy();
  await Promise.all(open.map((client) => client.drop()));
  open = [];
});
afterAll(() => target?.close());

async function connect(node: Node, options: ConnectOptions): Promise<RawClient> {
  const { client, connack } = await RawClient.open(node, options);
  open.push(client);
  expect(connack.returnCode ?? connack.reasonCode).toBe(0);
  return client;
}

const persistent = { version: 5, clean: false, expiry: 600 } as const;

function untilState(node: Node, state: string, timeoutMs = 20_000): Promise<Status> {
  return eventually(
    `${node.name} is ${state}`,
    async () => {
      const status = await target.status(node);
      return status.state === state && status;
    },
    timeoutMs,
    20,
  );
}

/** A persistent session without its client. */
async function leaveSession(node: Node, clientId: string, topic?: string): Promise<void> {
  const client = await connect(node, { clientId, ...persistent });
  if (topic !== undefined) await client.subscribe(topic);
  await client.leave();
}

describe('states', () => {
  it('20 clients, rates 2, waits 2 and 3 s: each state lasts what the rates and waits say', async () => {
    const clients: RawClient[] = [];
    for (let at = 0; at < 20; at += 1) {
      clients.push(
        await connect(a, { clientId: `conformance-paced-${at}`, ...(at % 2 === 0 ? persistent : {}) }),
      );
    }
    const started = Date.now();
    await target.start(a, { wait_health_check: 2, conn_evict_rate: 2, sess_evict_rate: 2, wait_takeover: 3 });
    const entered: Record<string, number> = {};
    const seen: Status[] = [];
    await eventually(
      'prohibiting',
      async () => {
        const status = await target.status(a);
        seen.push(status);
        entered[status.state ?? ''] ??= (Date.now() - started) / 1_000;
        return status.state === 'prohibiting';
      },
      40_000,
      50,
    );
    expect(Object.keys(entered)).toEqual([
      'waiting_health_check',
      'evicting_conns',
      'waiting_takeover',
      'evicting_sessions',
      'prohibiting',
    ]);
    const lasts = (state: string, next: string) => (entered[next] ?? NaN) - (entered[state] ?? NaN);
    const about = (seconds: number, lateBy: number) => ({ least: seconds - 0.3, most: seconds + lateBy });
    const spans = [
      { span: lasts('waiting_health_check', 'evicting_conns'), ...about(2, 0.7) },
      { span: lasts('evicting_conns', 'waiting_takeover'), ...about(10, 1.5) },
      { span: lasts('waiting_takeover', 'evicting_sessions'), ...about(3, 0.7) },
      { span: lasts('evicting_sessions', 'prohibiting'), ...about(5, 1.5) },
    ];
    for (const { span, least, most } of spans) {
      expect(span).toBeGreaterThan(least);
      expect(span).toBeLessThan(most);
    }
    // Counters as emqx_node_rebalance_evacuation.erl keeps them.
    const inState = (state: string) =>
      seen.filter((status) => status.state === state).map(({ stats }) => stats ?? {});
    for (const stats of seen.map(({ stats }) => stats))
      expect(stats).toMatchObject({ initial_connected: 20, initial_sessions: 20 });
    expect(new Set(inState('evicting_conns').map(({ current_connected: n }) => n))).toEqual(
      new Set([20, 18, 16, 14, 12, 10, 8, 6, 4, 2]),
    );
    expect(
      new Set(
        inState('waiting_takeover').map((stats) => [stats.current_connected, stats.current_sessions].join()),
      ),
    ).toEqual(new Set(['0,20']));
    expect(new Set(inState('evicting_sessions').map(({ current_sessions: n }) => n))).toEqual(
      new Set([10, 8, 6, 4, 2]),
    );
    // Bursts: two at once each second, nobody before the wait is over.
    const closedAt = (await Promise.all(clients.map(({ closed }) => closed)))
      .map((at) => (at - started) / 1_000)
      .sort((x, y) => x - y);
    expect(closedAt[0]).toBeGreaterThan(1.9);
    for (let at = 0; at < 20; at += 2)
      expect((closedAt[at + 1] ?? 0) - (closedAt[at] ?? 0)).toBeLessThan(0.4);
    for (let at = 2; at < 20; at += 2)
      expect((closedAt[at] ?? 0) - (closedAt[at - 1] ?? 0)).toBeGreaterThan(0.5);
  }, 60_000);

  it('evicting_sessions is not seen when no session is left', async () => {
    const client = await connect(a, { clientId: 'conformance-only' });
    await target.start(a, { wait_health_check: 0, wait_takeover: 1 });
    const states = new Set<string>();
    await eventually(
      'prohibiting',
      async () => {
        const { state = '' } = await target.status(a);
        states.add(state);
        return state === 'prohibiting';
      },
      10_000,
      20,
    );
    expect([...states]).not.toContain('evicting_sessions');
    await client.closed;
  }, 20_000);

  it('waiting_takeover lasts its whole time even without a session', async () => {
    await target.start(a, { wait_health_check: 0, wait_takeover: 2 });
    const started = Date.now();
    await untilState(a, 'prohibiting');
    expect(Date.now() - started).toBeGreaterThan(1_800);
  }, 20_000);

  it('prohibiting does not end by itself', async () => {
    await target.start(a, { wait_health_check: 0, wait_takeover: 0 });
    await untilState(a, 'prohibiting');
    // Another node's whole evacuation passes meanwhile.
    await target.start(b, { wait_health_check: 1, wait_takeover: 2 });
    await untilState(b, 'prohibiting');
    expect((await target.status(a)).state).toBe('prohibiting');
    expect((await target.api(a, '/load_rebalance/availability_check')).status).toBe(503);
  }, 20_000);

  it.each<[string, object, boolean]>([
    ['waiting_health_check', { wait_health_check: 30 }, true],
    ['evicting_conns', { wait_health_check: 0, conn_evict_rate: 1 }, true],
    ['waiting_takeover', { wait_health_check: 0, wait_takeover: 30 }, false],
    ['prohibiting', { wait_health_check: 0, wait_takeover: 0 }, false],
  ])('stop works in %s, and opens the node at once', async (state, json, hasClients) => {
    if (hasClients)
      for (const id of ['1', '2', '3', '4', '5']) await connect(a, { clientId: `conformance-stop-${id}` });
    await target.start(a, json);
    await untilState(a, state);
    expect((await target.stop(a)).status).toBe(200);
    expect(await target.status(a)).toEqual({ status: 'disabled' });
    expect((await target.api(a, '/load_rebalance/availability_check')).status).toBe(200);
    await connect(a, { clientId: 'conformance-after', version: 5 });
  });

  it('with nowhere to go, waits in evicting_sessions, and stop still works', async () => {
    await leaveSession(a, 'conformance-stuck');
    for (const node of target.nodes.slice(1))
      await target.start(node, { wait_health_check: 3, wait_takeover: 2 });
    expect((await target.start(a, { wait_health_check: 0, wait_takeover: 0 })).status).toBe(200);
    await untilState(a, 'evicting_sessions');
    // The whole evacuation of another node, which has no session to move, passes meanwhile.
    await untilState(b, 'prohibiting');
    expect(await target.status(a)).toMatchObject({
      state: 'evicting_sessions',
      session_recipients: [],
      stats: { current_sessions: 1 },
    });
    expect((await target.stop(a)).status).toBe(200);
  }, 20_000);
});

describe('what clients see', () => {
  it('MQTT 5 gets DISCONNECT 0x9C without a server reference, then the close', async () => {
    const client = await connect(a, { clientId: 'conformance-evicted5', version: 5 });
    await target.start(a, { wait_health_check: 0, redirect_to: 'elsewhere:1883' });
    const { reasonCode, properties } = await client.next('disconnect');
    expect(reasonCode).toBe(0x9c);
    expect(properties?.serverReference).toBeUndefined();
    await client.closed;
  });

  it('MQTT 3.1.1 gets the close only', async () => {
    const client = await connect(a, { clientId: 'conformance-evicted4', version: 4 });
    await target.start(a, { wait_health_check: 0 });
    await client.closed;
    expect(client.packets.map(({ cmd }) => cmd)).toEqual(['connack']);
  });

  it('takes new clients in waiting_health_check, and evicts them later', async () => {
    await target.start(a, { wait_health_check: 2, wait_takeover: 0 });
    const client = await connect(a, { clientId: 'conformance-late', version: 5 });
    expect((await client.next('disconnect')).reasonCode).toBe(0x9c);
  }, 20_000);

  it.each<[string, object]>([
    ['evicting_conns', { wait_health_check: 0, conn_evict_rate: 1 }],
    ['waiting_takeover', { wait_health_check: 0, wait_takeover: 30 }],
    ['prohibiting', { wait_health_check: 0, wait_takeover: 0 }],
  ])('refuses new clients in %s: 0x9C to MQTT 5, 3 to 3.1.1', async (state, json) => {
    if (state === 'evicting_conns')
      for (let at = 0; at < 5; at += 1) await connect(a, { clientId: `conformance-refuse-${at}` });
    await target.start(a, json);
    await untilState(a, state);
    const five = await RawClient.open(a, { clientId: 'conformance-new5', version: 5 });
    expect(five.connack).toMatchObject({ reasonCode: 0x9c, sessionPresent: false });
    await five.client.closed;
    const three = await RawClient.open(a, { clientId: 'conformance-new4', version: 4 });
    expect(three.connack).toMatchObject({ returnCode: 3, sessionPresent: false });
    await three.client.closed;
  });

  it('publishes the will of an evicted client', async () => {
    const watcher = await connect(b, { clientId: 'conformance-watcher' });
    await watcher.subscribe('conformance/will');
    await connect(a, {
      clientId: 'conformance-willed',
      version: 5,
      will: { topic: 'conformance/will', payload: Buffer.from('gone'), qos: 1 },
    });
    await target.start(a, { wait_health_check: 0 });
    await watcher.next('publish');
    expect(watcher.texts()).toEqual(['gone']);
  });

  it('drops a delayed will when the client resumes in time', async () => {
    const watcher = await connect(b, { clientId: 'conformance-watcher' });
    await watcher.subscribe('conformance/will');
    const will = {
      topic: 'conformance/will',
      payload: Buffer.from('gone'),
      qos: 1 as const,
      properties: { willDelayInterval: 2 },
    };
    const client = await connect(a, { clientId: 'conformance-willed', ...persistent, will });
    const later = await connect(b, {
      clientId: 'conformance-willed-later',
      ...persistent,
      will: { ...will, payload: Buffer.from('later') },
    });
    await target.start(a, { wait_health_check: 0, wait_takeover: 30 });
    await client.closed;
    // One that stays away from a later moment on: its will is due after the first one's.
    await later.drop();
    await connect(b, { clientId: 'conformance-willed', ...persistent });
    await watcher.next('publish', 10_000);
    expect(watcher.texts()).toEqual(['later']);
  }, 20_000);
});

describe('sessions', () => {
  it('ends with its connection if it has no expiry, and stays if it has', async () => {
    await connect(a, { clientId: 'conformance-short', version: 5 });
    await connect(a, { clientId: 'conformance-short4', version: 4, clean: true });
    await connect(a, { clientId: 'conformance-long', ...persistent });
    await connect(a, { clientId: 'conformance-long4', version: 4, clean: false });
    await target.start(a, { wait_health_check: 0, wait_takeover: 30 });
    await untilState(a, 'waiting_takeover');
    expect((await target.api(a, '/node_eviction/status')).body).toEqual({
      status: 'enabled',
      stats: { connections: 0, sessions: 2 },
    });
  });

  it('comes along to the node where its client returns', async () => {
    const client = await connect(a, { clientId: 'conformance-moves', ...persistent });
    await client.subscribe('conformance/moves');
    await target.start(a, { wait_health_check: 0, wait_takeover: 30 });
    await client.closed;
    const publisher = await connect(b, { clientId: 'conformance-publisher' });
    await publisher.publish('conformance/moves', '1');
    const { client: again, connack } = await RawClient.open(b, {
      clientId: 'conformance-moves',
      ...persistent,
    });
    open.push(again);
    expect(connack.sessionPresent).toBe(true);
    await publisher.publish('conformance/moves', '2');
    await again.until('2 messages', () => (again.messages().length >= 2 ? true : undefined));
    expect(again.texts()).toEqual(['1', '2']);
    expect((await target.api(a, '/node_eviction/status')).body).toMatchObject({ stats: { sessions: 0 } });
  });

  it('is moved by evicting_sessions to a node of migrate_to, keeps its queue, and goes on queueing', async () => {
    await leaveSession(a, 'conformance-left', 'conformance/left');
    const publisher = await connect(b, { clientId: 'conformance-publisher' });
    await publisher.publish('conformance/left', 'before');
    await target.start(a, { wait_health_check: 0, wait_takeover: 0, migrate_to: [b.name] });
    await untilState(a, 'prohibiting');
    const { data } = (await target.api(a, `/clients?node=${b.name}&like_clientid=conformance-left`)).body as {
      readonly data: readonly unknown[];
    };
    expect(data).toMatchObject([{ clientid: 'conformance-left', node: b.name, connected: false }]);
    expect(await publisher.publish('conformance/left', 'after')).toBeFalsy();
    const { client, connack } = await RawClient.open(b, { clientId: 'conformance-left', ...persistent });
    open.push(client);
    expect(connack.sessionPresent).toBe(true);
    await client.until('2 messages', () => (client.messages().length >= 2 ? true : undefined));
    expect(client.texts()).toEqual(['before', 'after']);
  }, 20_000);

  it('moves sessions of MQTT 3.1.1, and those opened with clean start and an expiry', async () => {
    const old = await connect(a, { clientId: 'conformance-v4', version: 4, clean: false });
    await old.leave();
    const clean = await connect(a, { clientId: 'conformance-clean', version: 5, clean: true, expiry: 600 });
    await clean.leave();
    await target.start(a, { wait_health_check: 0, wait_takeover: 0 });
    await untilState(a, 'prohibiting');
    for (const options of [
      { clientId: 'conformance-v4', version: 4, clean: false },
      { clientId: 'conformance-clean', ...persistent },
    ] as const) {
      const { client, connack } = await RawClient.open(b, options);
      open.push(client);
      expect(connack.sessionPresent).toBe(true);
    }
  }, 20_000);

  it('keeps its expiry through a move', async () => {
    const client = await connect(a, { clientId: 'conformance-brief', version: 5, clean: true, expiry: 3 });
    await client.leave();
    await target.start(a, { wait_health_check: 0, wait_takeover: 0 });
    await untilState(a, 'prohibiting');
    await eventually(
      'the session ends',
      async () => {
        const { meta } = (await target.api(b, '/clients?like_clientid=conformance-brief')).body as {
          readonly meta: { readonly count?: number };
          readonly data: unknown[];
        };
        return meta.count === 0;
      },
      10_000,
      250,
    );
    const { client: again, connack } = await RawClient.open(b, {
      clientId: 'conformance-brief',
      version: 5,
      clean: false,
      expiry: 3,
    });
    open.push(again);
    expect(connack.sessionPresent).toBe(false);
  }, 20_000);

  it('loses and doubles no QoS 1 message while six subscribers move', async () => {
    const ids = [0, 1, 2, 3, 4, 5].map((at) => `conformance-sub-${at}`);
    const before: RawClient[] = [];
    for (const clientId of ids) {
      const client = await connect(a, { clientId, ...persistent });
      await client.subscribe(`conformance/flow/${clientId}`);
      before.push(client);
    }
    const publisher = await connect(b, { clientId: 'conformance-publisher' });
    let count = 0;
    let isOver = false;
    const publishing = (async () => {
      while (!isOver) {
        await Promise.all(
          ids.map((clientId) => publisher.publish(`conformance/flow/${clientId}`, `${count}`)),
        );
        count += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await target.start(a, { wait_health_check: 0, wait_takeover: 1, conn_evict_rate: 2, sess_evict_rate: 1 });
    // Three come back by themselves while others are still being evicted; three are moved.
    await Promise.all(before.slice(0, 3).map(({ closed }) => closed));
    const reopen = async (clientId: string) => {
      const { client, connack } = await RawClient.open(b, { clientId, ...persistent });
      open.push(client);
      expect(connack.sessionPresent).toBe(true);
      return client;
    };
    const after = await Promise.all(ids.slice(0, 3).map(reopen));
    await untilState(a, 'prohibiting', 30_000);
    after.push(...(await Promise.all(ids.slice(3).map(reopen))));
    const backAt = count;
    await eventually('messages flow on after all are back', () => count > backAt + 5);
    isOver = true;
    await publishing;
    for (const [at, client] of after.entries()) {
      const all = () => new Set([...(before[at]?.texts() ?? []), ...client.texts()]);
      await eventually(`${ids[at]} has all`, () => all().size >= count, 5_000);
    }
    expect(count).toBeGreaterThan(30);
    const wanted = Array.from({ length: count }, (_item, at) => `${at}`);
    for (const [at, client] of after.entries()) {
      const first = before[at]?.texts() ?? [];
      // What was sent just before the eviction and could not be acknowledged comes again, marked: that is QoS 1.
      const later = client
        .messages()
        .filter(({ dup, payload }) => !dup || !first.includes(payload.toString()));
      expect([...first, ...later.map(({ payload }) => payload.toString())]).toEqual(wanted);
    }
  }, 60_000);
});

describe('reconnecting clients', () => {
  it('60 clients at rate 10: all on the other node, the persistent ones with their sessions', async () => {
    const ids = Array.from({ length: 60 }, (_item, at) => `conformance-many-${at}`);
    const options = (at: number): Omit<ConnectOptions, 'clientId'> =>
      at % 2 === 0 ? persistent : { version: 4 };
    const clients: RawClient[] = [];
    for (const [at, clientId] of ids.entries()) clients.push(await connect(a, { clientId, ...options(at) }));
    await target.start(a, { wait_health_check: 0, conn_evict_rate: 10, wait_takeover: 3 });
    const present = await Promise.all(
      clients.map(async (client, at) => {
        await client.closed;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 500));
        const { client: again, connack } = await RawClient.open(b, {
          clientId: ids[at] ?? '',
          ...options(at),
        });
        open.push(again);
        return connack.sessionPresent;
      }),
    );
    expect(
      present.map((isPresent, at) => isPresent === (at % 2 === 0)).filter((isRight) => !isRight),
    ).toEqual([]);
    await untilState(a, 'prohibiting', 15_000);
    expect((await target.api(a, '/node_eviction/status')).body).toMatchObject({
      stats: { connections: 0, sessions: 0 },
    });
    expect(open.filter(({ isClosed }) => !isClosed)).toHaveLength(60);
  }, 40_000);
});
