import { afterEach, describe, expect, it } from '@jest/globals';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EmqxClient } from '../../../lib/emqx/client.js';
import { EmqxApiError } from '../../../lib/emqx/errors.js';
import { makeEmqxClient } from '../../../lib/emqx/find.js';

const SELF = 'emqx@10.0.0.1';
const PEER = 'emqx@10.0.0.2';
const { signal } = new AbortController();
const key = `Basic ${Buffer.from('app:secret').toString('base64')}`;

/** Answers by `METHOD path`; what is not there is unknown to the server. */
type Answers = Record<string, { status?: number; body: unknown }>;

interface Asked {
  what: string;
  authorization: string;
  body: string;
}

let server: http.Server | undefined;
let asked: Asked[];
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const V4: Answers = {
  'GET /status': { body: `Node ${SELF} is started\nemqx is running` },
  'GET /api/v4/nodes': {
    body: {
      code: 0,
      data: [
        {
          node: SELF,
          node_status: 'Running',
          version: '4.4.19',
          connections: 7,
          load1: '0.10',
          uptime: '1 hour',
        },
        { node: PEER, node_status: 'Running', version: '4.4.19', connections: 0 },
        { name: 'emqx@10.0.0.3', node_status: 'Stopped' },
      ],
    },
  },
};

/** A client of a server that is EMQX 4, or 5, by how it asks for a key. */
async function clientOf(answers: Answers, version: 4 | 5 = 4): Promise<EmqxClient> {
  asked = [];
  server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const what = `${request.method} ${request.url}`;
      const authorization = request.headers.authorization ?? '';
      asked.push({ what, authorization, body });
      const isOurs = what.includes(`/api/v${version}/`) || what === 'GET /status';
      const [status, challenge, answer] = !isOurs
        ? [404, '', version === 4 ? 'Not found.' : '{"code":"NOT_FOUND","message":"Request Path Not Found"}']
        : authorization !== key && what !== 'GET /status'
          ? version === 4
            ? [401, 'Basic Realm="minirest-server"', 'UNAUTHORIZED']
            : [401, 'Basic Realm="emqx-dashboard"', '{"code":"AUTHORIZATION_HEADER_ERROR","message":""}']
          : [answers[what]?.status ?? (answers[what] ? 200 : 404), '', answers[what]?.body ?? 'Not found.'];
      response.writeHead(status, challenge === '' ? {} : { 'www-authenticate': challenge });
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    });
  });
  const made = server;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  const { port } = made.address() as AddressInfo;
  return makeEmqxClient({
    host: '127.0.0.1',
    port,
    credentials: () => ({ key: 'app', secret: 'secret' }),
    timeoutMs: 2_000,
  });
}

describe('which API there is', () => {
  it('is found by asking without the key, once', async () => {
    const emqx = await clientOf(V4);
    expect(emqx.api()).toBeUndefined();
    await emqx.nodes(signal);
    await emqx.nodes(signal);
    expect(emqx.api()?.version).toBe('v4');
    expect(asked.map(({ what, authorization }) => [what, authorization])).toEqual([
      ['GET /api/v5/nodes', ''],
      ['GET /api/v4/nodes', ''],
      ['GET /api/v4/nodes', key],
      ['GET /api/v4/nodes', key],
    ]);
  });

  it('is v5 where EMQX 5 asks for the key', async () => {
    const emqx = await clientOf({ 'GET /api/v5/nodes': { body: [] } }, 5);
    expect(await emqx.nodes(signal)).toEqual([]);
    expect(emqx.api()?.version).toBe('v5');
  });

  it('is asked for again after a call without an answer, and known meanwhile', async () => {
    const emqx = await clientOf(V4);
    await emqx.nodes(signal);
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    await expect(emqx.nodes(signal)).rejects.toMatchObject({ status: 0 });
    await expect(emqx.nodes(signal)).rejects.toThrow('/api/v4/nodes got no answer');
    expect(emqx.api()?.version).toBe('v4');
  });

  it('is taken for v5 while nothing answers', async () => {
    const emqx = makeEmqxClient({ host: '127.0.0.1', port: 1, credentials: () => ({ key: '', secret: '' }) });
    await expect(emqx.cluster(signal)).rejects.toThrow(
      /^GET \/api\/v5\/cluster got no answer: .*ECONNREFUSED/,
    );
    expect(emqx.api()).toBeUndefined();
  });
});

it('knows its own name and the nodes that run', async () => {
  const emqx = await clientOf(V4);
  expect(await emqx.cluster(signal)).toEqual({ self: SELF, nodes: [SELF, PEER] });
  expect(await emqx.nodes(signal)).toEqual([
    { node: SELF, node_status: 'running', version: '4.4.19', connections: 7 },
    { node: PEER, node_status: 'running', version: '4.4.19', connections: 0 },
    { node: 'emqx@10.0.0.3', node_status: 'stopped' },
  ]);
});

it('reads a status that has no envelope', async () => {
  const emqx = await clientOf({
    'GET /api/v4/load_rebalance/status': { body: { status: 'disabled' } },
    'GET /api/v4/load_rebalance/global_status': {
      body: {
        evacuations: [{ node: PEER, state: 'prohibiting' }],
        rebalances: [{ node: SELF, state: 'wait_health_check', coordinator_node: SELF, donors: [PEER] }],
      },
    },
  });
  expect(await emqx.status(signal)).toEqual({ kind: 'idle' });
  expect(await emqx.globalStatus(signal)).toMatchObject({
    evacuations: [{ node: PEER, state: 'prohibiting', session_recipients: [] }],
    foreign: [{ process: 'rebalance', node: PEER, coordinator: SELF, state: 'wait_health_check' }],
  });
});

describe('an evacuation', () => {
  const start = `POST /api/v4/load_rebalance/${SELF}/evacuation/start`;
  const stop = `POST /api/v4/load_rebalance/${SELF}/evacuation/stop`;
  const body = { conn_evict_rate: 1, sess_evict_rate: 1, wait_takeover: 1 };

  it.each<[string, unknown, string]>([
    ['accepted', { code: 0, data: [] }, 'started'],
    ['already running', { code: 400, message: 'already_started' }, 'running'],
  ])('%s', async (_what, answer, says) => {
    const emqx = await clientOf({ [start]: { body: answer } });
    expect(await emqx.startEvacuation(SELF, body, signal)).toBe(says);
    expect(asked.at(-1)?.body).toBe(JSON.stringify(body));
  });

  it('stopped, and not running', async () => {
    const done = await clientOf({ [stop]: { body: { code: 0, data: [] } } });
    expect(await done.stopEvacuation(SELF, signal)).toBe('stopped');
    server?.close();
    const none = await clientOf({ [stop]: { body: { code: 400, message: 'not_started' } } });
    expect(await none.stopEvacuation(SELF, signal)).toBe('notRunning');
  });

  it('refused in a 200', async () => {
    const emqx = await clientOf({ [start]: { body: { code: 400, message: 'eviction_agent_busy' } } });
    const error: unknown = await emqx.startEvacuation(SELF, body, signal).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(EmqxApiError);
    expect(error).toMatchObject({ status: 400, refusal: 'eviction_agent_busy', isUnauthorized: false });
  });

  it('that the build does not have', async () => {
    const emqx = await clientOf({});
    await expect(emqx.status(signal)).rejects.toMatchObject({ isFeatureAbsent: true });
  });
});

it('asks for no leave: there is no call for it', async () => {
  const emqx = await clientOf(V4);
  await emqx.nodes(signal);
  const before = asked.length;
  expect(await emqx.forceLeave(PEER, signal)).toBe('byItself');
  expect(asked).toHaveLength(before);
});

it('says that a key is refused', async () => {
  const emqx = await clientOf(V4);
  const { port } = server?.address() as AddressInfo;
  const stranger = makeEmqxClient({
    host: '127.0.0.1',
    port,
    credentials: () => ({ key: 'app', secret: 'wrong' }),
  });
  await expect(stranger.nodes(signal)).rejects.toMatchObject({ isUnauthorized: true });
  expect(await emqx.nodes(signal)).toHaveLength(3);
});
