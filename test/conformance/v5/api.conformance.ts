import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually, RawClient } from '../rawClient.js';
import { basic, Target, type Node } from '../target.js';

jest.setTimeout(60_000);

let target: Target;
let a: Node;
let b: Node;
beforeAll(async () => {
  target = await Target.open(5);
  ({ a, b } = target);
}, 60_000);
afterEach(() => target.tidy());
afterAll(() => target?.close());

const unknownNode = 'emqx@nobody.invalid';

describe('transport and envelope', () => {
  it('answers an error with code and message', async () => {
    const { status, body } = await target.api(a, '/load_rebalance/status', { authorization: null });
    expect(status).toBe(401);
    expect(Object.keys(body as object).sort()).toEqual(['code', 'message']);
  });

  it('answers an unknown method on a known path with 405, allow and no body', async () => {
    const { status, headers, text } = await target.api(a, '/load_rebalance/status', { method: 'DELETE' });
    expect({ status, allow: headers.get('allow'), text }).toEqual({
      status: 405,
      allow: expect.stringContaining('GET'),
      text: '',
    });
  });

  it('wants JSON: 415 for another content type', async () => {
    const reply = await target.api(a, `/load_rebalance/${a.name}/evacuation/start`, {
      method: 'POST',
      raw: '{}',
      headers: { 'content-type': 'text/plain' },
    });
    expect({ status: reply.status, body: reply.body }).toMatchObject({
      status: 415,
      body: { code: 'UNSUPPORTED_MEDIA_TYPE' },
    });
  });

  it('answers broken JSON with 400', async () => {
    const reply = await target.api(a, `/load_rebalance/${a.name}/evacuation/start`, {
      method: 'POST',
      raw: '{"conn_evict_rate":',
      headers: { 'content-type': 'application/json' },
    });
    expect({ status: reply.status, body: reply.body }).toEqual({
      status: 400,
      body: { code: 'BAD_REQUEST', message: 'Invalid json message received' },
    });
  });

  it('takes no body at all as an empty one', async () => {
    expect((await target.start(a)).status).toBe(200);
  });

  it('knows a path that does not exist before it asks for credentials, in JSON when that is accepted', async () => {
    const reply = await target.api(a, '/load_rebalance/nothing', { authorization: null });
    expect({ status: reply.status, body: reply.body }).toEqual({
      status: 404,
      body: { code: 'NOT_FOUND', message: 'Request Path Not Found' },
    });
  });

  it('answers a path that does not exist as a page by default', async () => {
    const reply = await target.api(a, '/load_rebalance/nothing', { accept: null });
    expect(reply.status).toBe(404);
    expect(reply.body).toBeUndefined();
  });
});

describe('endpoints', () => {
  it('availability_check needs no credentials', async () => {
    const reply = await target.api(a, '/load_rebalance/availability_check', { authorization: null });
    expect({ status: reply.status, body: reply.body }).toEqual({ status: 200, body: {} });
  });

  it('availability_check ignores wrong credentials', async () => {
    expect(
      (await target.api(a, '/load_rebalance/availability_check', { authorization: basic('no', 'no') }))
        .status,
    ).toBe(200);
  });

  it('availability_check is 503 NODE_EVACUATING from the start on, of the node asked only', async () => {
    await target.start(a, { wait_health_check: 30 });
    const reply = await target.api(a, '/load_rebalance/availability_check');
    expect({ status: reply.status, body: reply.body }).toEqual({
      status: 503,
      body: { code: 'NODE_EVACUATING', message: 'Node Evacuating' },
    });
    expect((await target.api(b, '/load_rebalance/availability_check')).status).toBe(200);
  });

  it.each([
    '/load_rebalance/status',
    '/load_rebalance/global_status',
    '/node_eviction/status',
    '/nodes',
    '/cluster',
    '/clients',
  ])('%s needs credentials', async (path) =>
    expect((await target.api(a, path, { authorization: null })).status).toBe(401),
  );

  it.each(['start', 'stop'])('evacuation/%s needs credentials', async (verb) => {
    const reply = await target.api(a, `/load_rebalance/${a.name}/evacuation/${verb}`, {
      method: 'POST',
      authorization: null,
    });
    expect(reply.status).toBe(401);
  });

  it.each(['start', 'stop'])('purge/%s is no path', async (verb) => {
    const reply = await target.api(a, `/load_rebalance/${a.name}/purge/${verb}`, { method: 'POST' });
    expect({ status: reply.status, body: reply.body }).toMatchObject({
      status: 404,
      body: { message: 'Request Path Not Found' },
    });
  });

  it('node_eviction/status counts live connections and sessions', async () => {
    expect((await target.api(a, '/node_eviction/status')).body).toEqual({ status: 'disabled' });
    const { client } = await RawClient.open(a, { clientId: 'conformance-live', version: 5, expiry: 60 });
    await target.start(a, { wait_health_check: 30 });
    expect((await target.api(a, '/node_eviction/status')).body).toEqual({
      status: 'enabled',
      stats: { connections: 1, sessions: 1 },
    });
    await client.leave();
    expect((await target.api(a, '/node_eviction/status')).body).toEqual({
      status: 'enabled',
      stats: { connections: 0, sessions: 1 },
    });
  });
});

describe('body of evacuation/start', () => {
  it.each<[string, object]>([
    [
      'every field',
      {
        wait_health_check: 30,
        conn_evict_rate: 1,
        sess_evict_rate: 1,
        wait_takeover: 1,
        redirect_to: 'x:1883',
      },
    ],
    ['a wait as "30s"', { wait_health_check: '30s' }],
    ['a wait as "1m"', { wait_health_check: '1m' }],
    ['a wait as "30"', { wait_health_check: '30' }],
    ['a rate as a string', { wait_health_check: 30, conn_evict_rate: '5' }],
    ['waits of 0', { wait_health_check: 0, wait_takeover: 0 }],
    ['the longest wait', { wait_health_check: 4_294_967 }],
  ])('takes %s', async (_what, json) => {
    const reply = await target.start(a, json);
    expect({ status: reply.status, body: reply.body }).toEqual({ status: 200, body: {} });
  });

  it.each<[string, object]>([
    ['an unknown key', { wait_healthcheck: 1 }],
    ['conn_evict_rate 0', { conn_evict_rate: 0 }],
    ['sess_evict_rate 0', { sess_evict_rate: 0 }],
    ['a negative wait', { wait_takeover: -1 }],
    ['a wait beyond the longest', { wait_takeover: 4_294_968 }],
    ['a wait that is no duration', { wait_health_check: 'soon' }],
    ['an empty migrate_to', { migrate_to: [] }],
    ['a migrate_to that is no list', { migrate_to: 'emqx@x' }],
  ])('refuses %s with 400 BAD_REQUEST', async (_what, json) => {
    const reply = await target.start(a, json);
    expect({ status: reply.status, body: reply.body }).toMatchObject({
      status: 400,
      body: { code: 'BAD_REQUEST' },
    });
    expect((await target.status(a)).status).toBe('disabled');
  });

  it('takes migrate_to itself, which gives no recipient', async () => {
    expect((await target.start(a, { wait_health_check: 30, migrate_to: [a.name] })).status).toBe(200);
    expect((await target.status(a)).session_recipients).toEqual([]);
  });
});

describe('results of start and stop', () => {
  it('any node starts and stops the evacuation of any node', async () => {
    const started = await target.start(a, { wait_health_check: 30 }, b);
    expect({ status: started.status, body: started.body }).toEqual({ status: 200, body: {} });
    expect((await target.status(a)).status).toBe('enabled');
    const stopped = await target.stop(a, b);
    expect({ status: stopped.status, body: stopped.body }).toEqual({ status: 200, body: {} });
    expect((await target.status(a)).status).toBe('disabled');
  });

  it('a second start is 400 already_started, and keeps the first parameters', async () => {
    await target.start(a, { wait_health_check: 30, conn_evict_rate: 3 });
    const { status, body } = await target.start(a, { wait_health_check: 30, conn_evict_rate: 4 }, b);
    expect({ status, body }).toEqual({
      status: 400,
      body: { code: 'BAD_REQUEST', message: `error on node '${a.name}': already_started` },
    });
    expect((await target.status(a)).connection_eviction_rate).toBe(3);
  });

  it('start is already_started in prohibiting too', async () => {
    await target.start(a, { wait_health_check: 0, wait_takeover: 0 });
    await untilState(a, 'prohibiting');
    expect((await target.start(a)).body).toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringMatching(/already_started$/),
    });
  });

  it('a second stop is 400 not_started', async () => {
    const { status, body } = await target.stop(a, b);
    expect({ status, body }).toEqual({
      status: 400,
      body: { code: 'BAD_REQUEST', message: `error on node '${a.name}': not_started` },
    });
  });

  it.each(['start', 'stop'])('%s of an unknown node is 404', async (verb) => {
    const { status, body } = await target.api(a, `/load_rebalance/${unknownNode}/evacuation/${verb}`, {
      method: 'POST',
    });
    expect({ status, body }).toEqual({
      status: 404,
      body: { code: 'NOT_FOUND', message: `Node not found: ${unknownNode}` },
    });
  });

  it('migrate_to with an unknown node is 400 BAD_REQUEST', async () => {
    const { status, body } = await target.start(a, { migrate_to: [unknownNode] });
    expect({ status, body }).toEqual({
      status: 400,
      body: { code: 'BAD_REQUEST', message: `Invalid nodes: [<<"${unknownNode}">>]` },
    });
  });

  it('migrate_to with an evacuating node is 400 NOT_FOUND', async () => {
    await target.start(b, { wait_health_check: 30 });
    const { status, body } = await target.start(a, { migrate_to: [b.name] });
    expect({ status, body }).toEqual({
      status: 400,
      body: { code: 'NOT_FOUND', message: `Nodes unavailable: ['${b.name}']` },
    });
  });
});

describe('status', () => {
  it('is disabled at rest', async () => {
    expect((await target.api(a, '/load_rebalance/status')).body).toEqual({ status: 'disabled' });
  });

  it('has every field of an evacuation, and is of the node asked only', async () => {
    await target.start(a, { wait_health_check: 30, conn_evict_rate: 7, sess_evict_rate: 8 });
    expect(await target.status(a)).toEqual({
      status: 'enabled',
      process: 'evacuation',
      state: 'waiting_health_check',
      connection_eviction_rate: 7,
      session_eviction_rate: 8,
      connection_goal: 0,
      session_goal: 0,
      session_recipients: expect.arrayContaining([b.name]),
      stats: { initial_connected: 0, current_connected: 0, initial_sessions: 0, current_sessions: 0 },
    });
    expect(await target.status(b)).toEqual({ status: 'disabled' });
  });

  it('leaves nodes out of session_recipients as soon as they evacuate', async () => {
    await target.start(a, { wait_health_check: 30 });
    await target.start(b, { wait_health_check: 30 });
    expect((await target.status(a)).session_recipients).not.toContain(b.name);
    await target.stop(b);
    expect((await target.status(a)).session_recipients).toContain(b.name);
  });

  it('keeps recipients to migrate_to', async () => {
    await target.start(a, { wait_health_check: 30, migrate_to: [b.name] });
    expect((await target.status(a)).session_recipients).toEqual([b.name]);
  });
});

describe('global status', () => {
  it('is three empty lists at rest', async () => {
    expect((await target.api(a, '/load_rebalance/global_status')).body).toEqual({
      evacuations: [],
      rebalances: [],
      purges: [],
    });
  });

  it('shows an evacuation of another node, with its name and without status and process', async () => {
    await target.start(a, { wait_health_check: 30 });
    const own = Object.entries(await target.status(a)).filter(
      ([key]) => key !== 'status' && key !== 'process',
    );
    const { evacuations } = (await target.api(b, '/load_rebalance/global_status')).body as {
      readonly evacuations: unknown[];
    };
    expect(evacuations).toEqual([{ node: a.name, ...Object.fromEntries(own) }]);
  });
});

describe('rebalance', () => {
  it('has nothing to balance when nobody is there', async () => {
    const { status, body } = await target.api(a, `/load_rebalance/${a.name}/start`, {
      method: 'POST',
      json: {},
    });
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { code: 'BAD_REQUEST', message: expect.stringContaining('nothing_to_balance') },
    });
  });

  it('stop without one is 400 not_started', async () => {
    const { status, body } = await target.api(a, `/load_rebalance/${a.name}/stop`, { method: 'POST' });
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { code: 'BAD_REQUEST', message: expect.stringContaining('not_started') },
    });
  });

  it('refuses a relative threshold of 1', async () => {
    const { status } = await target.api(a, `/load_rebalance/${a.name}/start`, {
      method: 'POST',
      json: { rel_conn_threshold: 1.0 },
    });
    expect(status).toBe(400);
  });

  it('a donor answers 503, reports rebalance, and refuses an evacuation as busy', async () => {
    const clients = await Promise.all(
      Array.from({ length: 10 }, (_item, at) => RawClient.open(a, { clientId: `conformance-balance-${at}` })),
    );
    const started = await target.api(b, `/load_rebalance/${b.name}/start`, {
      method: 'POST',
      json: { wait_health_check: 30, abs_conn_threshold: 1, abs_sess_threshold: 1 },
    });
    expect(started.status).toBe(200);
    expect((await target.api(a, '/load_rebalance/availability_check')).status).toBe(503);
    expect(await target.status(a)).toMatchObject({
      status: 'enabled',
      process: 'rebalance',
      state: 'wait_health_check',
      coordinator_node: b.name,
    });
    expect((await target.start(a)).body).toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringMatching(/eviction_agent_busy$/),
    });
    await target.api(b, `/load_rebalance/${b.name}/stop`, { method: 'POST' });
    expect((await target.api(a, '/load_rebalance/availability_check')).status).toBe(200);
    for (const { client } of clients) await client.leave();
  });
});

describe('credentials', () => {
  it.each<[string, string | null, string, boolean]>([
    ['a wrong secret', basic('no-such-key', 'x'), 'BAD_API_KEY_OR_SECRET', true],
    ['no header', null, 'AUTHORIZATION_HEADER_ERROR', true],
    ['an odd header', 'Digest x', 'AUTHORIZATION_HEADER_ERROR', true],
    ['a wrong token', 'Bearer x', 'BAD_TOKEN', false],
  ])('%s is 401 %s', async (_what, authorization, code, isBasic) => {
    const { status, body, headers } = await target.api(a, '/nodes', { authorization });
    expect({ status, body }).toMatchObject({ status: 401, body: { code } });
    if (isBasic) expect(headers.get('www-authenticate')).toBe('Basic Realm="emqx-dashboard"');
  });

  it.each(['/users', '/api_key'])('an API key may not use %s', async (path) => {
    const { status, body } = await target.api(
      a,
      path,
      path === '/api_key' ? { method: 'POST', json: { name: 'conformance' } } : {},
    );
    expect({ status, body }).toMatchObject({ status: 401, body: { code: 'API_KEY_NOT_ALLOW' } });
  });

  it('a key works on every node', async () => {
    for (const node of target.nodes) expect((await target.api(node, '/nodes')).status).toBe(200);
  });

  it('a wrong log-in is 401 BAD_USERNAME_OR_PWD', async () => {
    const { status, body } = await target.api(a, '/login', {
      method: 'POST',
      authorization: null,
      json: { username: 'conformance-nobody', password: 'x' },
    });
    expect({ status, body }).toMatchObject({ status: 401, body: { code: 'BAD_USERNAME_OR_PWD' } });
  });
});

describe('nodes, cluster and clients', () => {
  it('lists running nodes with version, edition and counts', async () => {
    const items = (await target.api(a, '/nodes')).body as readonly Record<string, unknown>[];
    const mine = items.find(({ node }) => node === b.name);
    expect(mine).toMatchObject({
      node_status: 'running',
      role: expect.stringMatching(/^(core|replicant)$/),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      edition: expect.stringMatching(/^(Opensource|Enterprise)$/),
      uptime: expect.any(Number),
      connections: expect.any(Number),
      live_connections: expect.any(Number),
      cluster_sessions: expect.any(Number),
      otp_release: expect.any(String),
      memory_total: expect.stringMatching(/^[\d.]+[A-Z]?$/),
    });
  });

  it('counts sessions as connections, and clients as live_connections', async () => {
    const { client } = await RawClient.open(a, { clientId: 'conformance-offline', version: 5, expiry: 60 });
    await client.leave();
    const { client: other } = await RawClient.open(a, { clientId: 'conformance-online' });
    const { body } = await target.api(b, `/nodes/${a.name}`);
    expect(body).toMatchObject({ node: a.name, connections: 2, live_connections: 1 });
    await other.leave();
  });

  it.each(['/nodes/X', '/nodes/X/stats', '/nodes/X/metrics'])(
    '%s of an unknown node is 404',
    async (path) => {
      const { status, body } = await target.api(a, path.replace('X', unknownNode));
      expect({ status, body }).toEqual({
        status: 404,
        body: { code: 'NOT_FOUND', message: `Node not found: ${unknownNode}` },
      });
    },
  );

  it('shows its own counts to Prometheus, as text with the type before the help', async () => {
    const { client } = await RawClient.open(a, { clientId: 'conformance-scraped' });
    const { status, headers, text } = await target.api(a, '/prometheus/stats', { accept: 'text/plain' });
    expect({ status, type: headers.get('content-type') }).toEqual({
      status: 200,
      type: expect.stringMatching(/^text\/plain/),
    });
    expect(text).toMatch(
      /^# TYPE emqx_connections_count gauge\n# HELP emqx_connections_count *\nemqx_connections_count \d+$/m,
    );
    expect(text).toMatch(/^emqx_live_connections_count 1$/m);
    expect(text).toMatch(/^emqx_client_connected [1-9]\d*$/m);
    await client.leave();
  });

  it('shows the same as JSON to who accepts that alone, and of every node when asked to', async () => {
    const json = await target.api(a, '/prometheus/stats', { accept: 'application/json' });
    expect(json.body).toMatchObject({ stats: { emqx_connections_count: expect.any(Number) } });
    const { text } = await target.api(a, '/prometheus/stats?mode=all_nodes_unaggregated', {
      accept: 'text/plain',
    });
    for (const { name } of target.nodes) expect(text).toContain(`emqx_connections_count{node="${name}"} `);
    expect((await target.api(a, '/prometheus/stats?mode=some')).status).toBe(400);
  });

  it('every node names itself and lists all of them', async () => {
    for (const node of target.nodes) {
      const { body } = await target.api(node, '/cluster');
      expect(body).toMatchObject({ name: expect.any(String), self: node.name });
      expect([...(body as { readonly nodes: string[] }).nodes].sort()).toEqual(
        expect.arrayContaining(target.nodes.map(({ name }) => name).sort()),
      );
    }
  });

  it('does not leave by its own hand', async () => {
    const { status, body } = await target.api(a, `/cluster/${a.name}/force_leave`, { method: 'DELETE' });
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("Can't leave self") },
    });
  });

  it('force_leave of a stranger is 400 node_not_in_cluster', async () => {
    const { status, body } = await target.api(a, `/cluster/${unknownNode}/force_leave`, { method: 'DELETE' });
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { code: 'BAD_REQUEST', message: expect.stringContaining('node_not_in_cluster') },
    });
  });

  it('force_leave of a name without @ is 400', async () => {
    expect((await target.api(a, '/cluster/nobody/force_leave', { method: 'DELETE' })).status).toBe(400);
  });

  it.each(['/status', '/api/v5/status'])('%s says that it runs, to anybody', async (path) => {
    const { status, text } = await target.plain(a, path, { authorization: null });
    expect({ status, lines: text.trim().split('\n') }).toEqual({
      status: 200,
      lines: [`Node ${a.name} is started`, 'emqx is running'],
    });
  });

  it('says so in JSON when asked', async () => {
    const { body } = await target.plain(a, '/status?format=json');
    expect(body).toMatchObject({ node_name: a.name, broker_status: 'started', app_status: 'running' });
  });

  it('/status says nothing about an evacuation', async () => {
    await target.start(a, { wait_health_check: 0, wait_takeover: 0 });
    await untilState(a, 'prohibiting');
    expect((await target.plain(a, '/status')).status).toBe(200);
  });

  it('lists clients by node and state, in pages', async () => {
    const opened = [];
    for (const id of ['1', '2', '3'])
      opened.push(await RawClient.open(a, { clientId: `conformance-list-${id}` }));
    const query = `/clients?node=${a.name}&conn_state=connected&limit=2&page=`;
    expect((await target.api(b, `${query}1`)).body).toMatchObject({
      meta: { count: 3, page: 1, limit: 2, hasnext: true },
    });
    const { data } = (await target.api(b, `${query}2`)).body as {
      readonly data: readonly { readonly clientid: string }[];
    };
    expect(data).toHaveLength(1);
    for (const { client } of opened) await client.leave();
  });

  it('a kick destroys the session, and MQTT 5 clients get DISCONNECT 0x98', async () => {
    const { client } = await RawClient.open(a, { clientId: 'conformance-kick', version: 5, expiry: 60 });
    expect((await target.api(b, '/clients/conformance-kick', { method: 'DELETE' })).status).toBe(204);
    expect((await client.next('disconnect')).reasonCode).toBe(0x98);
    await client.closed;
    const { client: again, connack } = await RawClient.open(a, {
      clientId: 'conformance-kick',
      version: 5,
      clean: false,
      expiry: 60,
    });
    expect(connack.sessionPresent).toBe(false);
    await again.leave();
  });

  it('a kick of nobody is 404 CLIENTID_NOT_FOUND', async () => {
    const { status, body } = await target.api(a, '/clients/conformance-nobody', { method: 'DELETE' });
    expect({ status, body }).toMatchObject({ status: 404, body: { code: 'CLIENTID_NOT_FOUND' } });
  });

  it('kicks several at once', async () => {
    const { client } = await RawClient.open(b, { clientId: 'conformance-bulk' });
    const { status } = await target.api(a, '/clients/kickout/bulk', {
      method: 'POST',
      json: ['conformance-bulk', 'conformance-nobody'],
    });
    expect(status).toBe(204);
    await client.closed;
  });
});

async function untilState(node: Node, state: string): Promise<void> {
  await eventually(`${node.name} is ${state}`, async () => (await target.status(node)).state === state);
}
