import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually, RawClient, type ConnectOptions } from '../rawClient.js';
import { basic, Target, type Node, type Status } from '../target.js';

jest.setTimeout(60_000);

let target: Target;
let a: Node;
let b: Node;
let open: RawClient[] = [];
beforeAll(async () => {
  target = await Target.open(4);
  ({ a, b } = target);
}, 60_000);
afterEach(async () => {
  await target.tidy();
  await Promise.all(open.map((client) => client.drop()));
  open = [];
});
afterAll(() => target?.close());

const unknownNode = 'emqx@nobody.invalid';
const persistent = { version: 5, clean: false, expiry: 600 } as const;

async function connect(node: Node, options: ConnectOptions): Promise<RawClient> {
  const { client, connack } = await RawClient.open(node, options);
  open.push(client);
  expect(connack.returnCode ?? connack.reasonCode).toBe(0);
  return client;
}

function untilState(node: Node, state: string): Promise<Status> {
  return eventually(
    `${node.name} is ${state}`,
    async () => {
      const status = await target.status(node);
      return status.state === state && status;
    },
    20_000,
    20,
  );
}

/** Success of a call that does something. */
const done = { status: 200, body: { data: [], code: 0 } };

/** A refusal, inside of a 200. What is no text in EMQX comes printed as Erlang does: the word is what counts. */
function refusal(message: string | RegExp): object {
  return { status: 200, body: { code: 400, message: expect.stringMatching(message) } };
}

async function version(): Promise<readonly number[]> {
  const { data } = (await target.api(a, '/nodes')).body as {
    readonly data: readonly { readonly version: string }[];
  };
  return (data[0]?.version ?? '').split('.').map(Number);
}

describe('credentials and paths', () => {
  it.each<[string, string | null]>([
    ['a wrong secret', basic('admin', 'wrong')],
    ['an unknown application', basic('nobody', 'public')],
    ['no header', null],
    ['a token', 'Bearer x'],
  ])('%s is 401, in plain words', async (_what, authorization) => {
    const { status, headers, text } = await target.api(a, '/nodes', { authorization });
    expect({ status, realm: headers.get('www-authenticate'), text }).toEqual({
      status: 401,
      realm: 'Basic Realm="minirest-server"',
      text: 'UNAUTHORIZED',
    });
  });

  it('asks for credentials before it says that a path is none', async () => {
    expect((await target.api(a, '/nothing', { authorization: null })).status).toBe(401);
    const { status, text } = await target.api(a, '/nothing');
    expect({ status, text }).toEqual({ status: 404, text: 'Not found.' });
  });

  it.each([
    ['GET', '/cluster'],
    ['DELETE', `/cluster/${unknownNode}/force_leave`],
    ['DELETE', '/load_rebalance/status'],
    ['GET', `/load_rebalance/${unknownNode}/evacuation/start`],
  ])('%s %s is no path', async (method, path) => {
    const { status, text } = await target.api(a, path, { method });
    expect({ status, text }).toEqual({ status: 404, text: 'Not found.' });
  });

  it('shows its counts to Prometheus, as text for who asks for that type', async () => {
    const { status, headers, text } = await target.api(a, '/emqx_prometheus?type=prometheus');
    expect({ status, type: headers.get('content-type') }).toEqual({
      status: 200,
      type: expect.stringMatching(/^text\/plain/),
    });
    expect(text).toMatch(/^# TYPE emqx_connections_count gauge$/m);
    expect(text).toMatch(/^emqx_connections_count \d+$/m);
    expect((await target.api(a, '/emqx_prometheus')).body).toMatchObject({
      stats: { emqx_connections_count: expect.any(Number) },
    });
  });

  it('has no API of version 5', async () => {
    expect((await target.plain(a, '/api/v5/nodes')).status).toBe(404);
  });

  it('answers broken JSON with 400', async () => {
    const path = `/load_rebalance/${a.name}/evacuation/start`;
    const { status } = await target.api(a, path, { method: 'POST', raw: '{"conn_evict_rate":' });
    expect(status).toBe(400);
    expect((await target.status(a)).status).toBe('disabled');
  });

  it('takes no body, and any content type', async () => {
    const path = `/load_rebalance/${a.name}/evacuation/start`;
    const raw = { method: 'POST', raw: '{}', headers: { 'content-type': 'text/plain' } };
    expect(await target.api(a, path, raw)).toMatchObject(done);
    await target.stop(a);
    expect(await target.api(a, path, { method: 'POST' })).toMatchObject(done);
  });
});

describe('start and stop', () => {
  it('any node starts and stops the evacuation of any node', async () => {
    const started = await target.start(a, { wait_takeover: 30 }, b);
    expect({ status: started.status, body: started.body }).toEqual(done);
    expect((await target.status(a)).status).toBe('enabled');
    const stopped = await target.stop(a, b);
    expect({ status: stopped.status, body: stopped.body }).toEqual(done);
    expect((await target.status(a)).status).toBe('disabled');
  });

  it('a second start is already_started, and keeps the first parameters', async () => {
    await target.start(a, { conn_evict_rate: 3 });
    expect(await target.start(a, { conn_evict_rate: 4 }, b)).toMatchObject(refusal(/already_started\W*$/));
    expect((await target.status(a)).connection_eviction_rate).toBe(3);
  });

  it('a second stop is not_started', async () => {
    expect(await target.stop(a, b)).toMatchObject(refusal(/not_started\W*$/));
  });

  it.each(['start', 'stop'])('%s of an unknown node is refused', async (verb) => {
    const path = `/load_rebalance/${unknownNode}/evacuation/${verb}`;
    expect(await target.api(a, path, { method: 'POST', json: {} })).toMatchObject(
      refusal(`invalid node: ${unknownNode}`),
    );
  });

  it.each<[object, string]>([
    [{ conn_evict_rate: 0 }, 'invalid conn_evict_rate value'],
    [{ conn_evict_rate: '5' }, 'invalid conn_evict_rate value'],
    [{ sess_evict_rate: 1.5 }, 'invalid sess_evict_rate value'],
    [{ wait_takeover: 0 }, 'invalid wait_takeover value'],
    [{ wait_takeover: '1s' }, 'invalid wait_takeover value'],
    [{ redirect_to: 1 }, 'invalid string in '],
    [{ migrate_to: 'emqx@x' }, 'invalid node list in migrate_to'],
    [{ migrate_to: [] }, 'no available nodes list in migrate_to'],
    [{ migrate_to: [unknownNode] }, `invalid node: ${unknownNode}`],
    [{ connEvictRate: 1 }, 'Unknown evacuation param: '],
  ])('refuses %j', async (json, message) => {
    expect(await target.start(a, json)).toMatchObject(refusal(message));
    expect((await target.status(a)).status).toBe('disabled');
  });

  it('refuses migrate_to with an evacuating node', async () => {
    await target.start(b);
    expect(await target.start(a, { migrate_to: [b.name] })).toMatchObject(
      refusal(/^no available nodes list in /),
    );
    expect(await target.start(a, { migrate_to: [a.name, b.name] })).toMatchObject(
      refusal('unavailable nodes in migrate_to: '),
    );
  });
});

describe('what is told', () => {
  it('status is bare, and of the node asked only', async () => {
    expect((await target.api(a, '/load_rebalance/status')).body).toEqual({ status: 'disabled' });
    await connect(a, { clientId: 'conformance-v4', ...persistent });
    await target.start(a, { wait_takeover: 30, conn_evict_rate: 7 });
    expect(await target.status(a)).toEqual({
      status: 'enabled',
      process: 'evacuation',
      state: expect.stringMatching(/^(evicting_conns|waiting_takeover)$/),
      connection_eviction_rate: 7,
      session_eviction_rate: 500,
      connection_goal: 0,
      session_goal: 0,
      session_recipients: [b.name],
      stats: {
        initial_connected: 1,
        current_connected: expect.any(Number),
        initial_sessions: 1,
        current_sessions: 1,
      },
    });
    expect(await target.status(b)).toEqual({ status: 'disabled' });
  });

  it('global_status has a list of evacuations, each with its node', async () => {
    expect((await target.api(a, '/load_rebalance/global_status')).body).toEqual({
      evacuations: [],
      rebalances: [],
    });
    await target.start(a, { wait_takeover: 30 });
    await untilState(a, 'waiting_takeover');
    expect((await target.api(b, '/load_rebalance/global_status')).body).toMatchObject({
      evacuations: [{ node: a.name, state: 'waiting_takeover' }],
      rebalances: [],
    });
  });

  it('availability_check is 503 with an empty object from the start on', async () => {
    expect(await target.api(a, '/load_rebalance/availability_check')).toMatchObject({
      status: 200,
      body: {},
    });
    await target.start(a, { wait_takeover: 30 });
    const { status, body } = await target.api(a, '/load_rebalance/availability_check');
    expect({ status, body }).toEqual({ status: 503, body: {} });
    expect((await target.api(b, '/load_rebalance/availability_check')).status).toBe(200);
  });

  it('availability_check needs credentials before 4.4.24', async () => {
    const [, , patch = 0] = await version();
    const { status } = await target.api(a, '/load_rebalance/availability_check', { authorization: null });
    expect(status).toBe(patch >= 24 ? 200 : 401);
  });

  it('lists the nodes in an envelope, with sessions as connections', async () => {
    await (await connect(b, { clientId: 'conformance-offline', ...persistent })).leave();
    const { code, data } = (await target.api(a, '/nodes')).body as {
      readonly code: number;
      readonly data: readonly Readonly<Record<string, unknown>>[];
    };
    expect(code).toBe(0);
    expect(data.find(({ node }) => node === b.name)).toMatchObject({
      node_status: 'Running',
      version: expect.stringMatching(/^4\.4\./),
      connections: 1,
      uptime: expect.stringMatching(/second/),
      load1: expect.any(String),
    });
  });

  it('/status names the node, to anybody', async () => {
    const { status, text } = await target.plain(a, '/status', { authorization: null });
    expect({ status, text: text.trim() }).toEqual({
      status: 200,
      text: `Node ${a.name} is started\nemqx is running`,
    });
  });

  it('a kick ends the session: code 0, and 112 for nobody', async () => {
    const client = await connect(a, { clientId: 'conformance-kick', ...persistent });
    expect(await target.api(b, '/clients/conformance-kick', { method: 'DELETE' })).toMatchObject({
      status: 200,
      body: { code: 0 },
    });
    await client.closed;
    expect(await target.api(b, '/clients/conformance-kick', { method: 'DELETE' })).toMatchObject({
      status: 200,
      body: { code: 112 },
    });
  });
});

describe('an evacuation', () => {
  it('goes from the start call through its four states, and no wait before the first', async () => {
    for (const at of [1, 2, 3, 4]) await connect(a, { clientId: `conformance-paced-${at}`, ...persistent });
    await target.start(a, { conn_evict_rate: 2, sess_evict_rate: 2, wait_takeover: 1 });
    const states: string[] = [];
    await eventually(
      'prohibiting',
      async () => {
        const { state = '' } = await target.status(a);
        if (states.at(-1) !== state) states.push(state);
        return state === 'prohibiting';
      },
      30_000,
      20,
    );
    expect(states).toEqual(['evicting_conns', 'waiting_takeover', 'evicting_sessions', 'prohibiting']);
    expect((await target.status(a)).stats).toEqual({
      initial_connected: 4,
      current_connected: 0,
      initial_sessions: 4,
      current_sessions: 0,
    });
  });

  it('refuses new clients from the start call on, and takes them again after stop', async () => {
    for (const at of [1, 2, 3, 4, 5]) await connect(a, { clientId: `conformance-refuse-${at}` });
    await target.start(a, { conn_evict_rate: 1 });
    const five = await RawClient.open(a, { clientId: 'conformance-new5', version: 5 });
    expect(five.connack).toMatchObject({ reasonCode: 0x9c });
    const three = await RawClient.open(a, { clientId: 'conformance-new4', version: 4 });
    expect(three.connack).toMatchObject({ returnCode: 3 });
    await Promise.all([five.client.closed, three.client.closed]);
    await target.stop(a);
    await connect(a, { clientId: 'conformance-after', version: 5 });
  });

  it('tells MQTT 5 clients where to go: redirect_to works', async () => {
    const client = await connect(a, { clientId: 'conformance-redirected', version: 5 });
    await target.start(a, { redirect_to: 'elsewhere:1883' });
    const { reasonCode, properties } = await client.next('disconnect');
    expect({ reasonCode, to: properties?.serverReference }).toEqual({
      reasonCode: 0x9c,
      to: 'elsewhere:1883',
    });
    await client.closed;
  });

  it('moves sessions, with their queues, to the nodes of migrate_to', async () => {
    const client = await connect(a, { clientId: 'conformance-left', ...persistent });
    await client.subscribe('conformance/left');
    await client.leave();
    const publisher = await connect(b, { clientId: 'conformance-publisher' });
    await publisher.publish('conformance/left', 'before');
    await target.start(a, { wait_takeover: 1, migrate_to: [b.name] });
    await untilState(a, 'prohibiting');
    const { data } = (await target.api(a, '/clients?_like_clientid=conformance-left')).body as {
      readonly data: readonly unknown[];
    };
    expect(data).toMatchObject([{ clientid: 'conformance-left', node: b.name, connected: false }]);
    const { client: again, connack } = await RawClient.open(b, {
      clientId: 'conformance-left',
      ...persistent,
    });
    open.push(again);
    expect(connack.sessionPresent).toBe(true);
    await again.next('publish');
    expect(again.texts()).toEqual(['before']);
  });

  it('is refused as eviction_agent_busy at the donor of a rebalance', async () => {
    for (let at = 0; at < 10; at += 1) await connect(a, { clientId: `conformance-balance-${at}` });
    const json = { wait_health_check: 30, abs_conn_threshold: 1, abs_sess_threshold: 1 };
    expect(await target.api(b, `/load_rebalance/${b.name}/start`, { method: 'POST', json })).toMatchObject(
      done,
    );
    expect(await target.status(a)).toMatchObject({
      status: 'enabled',
      process: 'rebalance',
      coordinator_node: b.name,
    });
    expect(await target.start(a)).toMatchObject(refusal(/eviction_agent_busy\W*$/));
    expect((await target.api(a, '/load_rebalance/global_status')).body).toMatchObject({
      evacuations: [],
      rebalances: [{ node: b.name, donors: [a.name] }],
    });
  });
});
