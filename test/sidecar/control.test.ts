import { afterAll, beforeAll, expect, it } from '@jest/globals';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { X509Certificate } from 'node:crypto';
import { pino } from 'pino';
import { issue, makeCa } from '../../certs/issue.js';
import type { DrainSettings } from '../../lib/control.js';
import { EmqxApiError } from '../../lib/emqx/errors.js';
import { makeServingIdentity } from '../../sidecar/certificate.js';
import { makeControlHandler, type Controls } from '../../sidecar/control.js';
import { NodeRuns, OwnNode } from '../../sidecar/nodes.js';
import { makeControlServer } from '../../sidecar/server.js';

const NODE = 'emqx@blue-0.emqx-headless.mq.svc.cluster.local';
const settings: DrainSettings = {
  connEvictRate: 1,
  sessEvictRate: 1,
  waitTakeover: 0,
  waitHealthCheck: 0,
  noRecipientSeconds: 40,
  withoutEvacuation: 'Refuse',
  recipients: [],
};

/** What was done, in order, as words; and what the next leave or evacuation comes to. */
const done: string[] = [];
let refusal: Error | undefined;
let evacuation: 'started' | 'running' = 'running';
const controls: Controls = {
  report: () => Promise.reject(new Error('no report here')),
  changeSettings: ({ connEvictRate }) => void done.push(`settings ${connEvictRate}`),
  leave: (node) => {
    done.push(`leave ${node}`);
    return refusal ? Promise.reject(refusal) : Promise.resolve();
  },
  evacuate: (node) => {
    done.push(`evacuate ${node}`);
    return refusal ? Promise.reject(refusal) : Promise.resolve(evacuation);
  },
  stopEvacuation: (node) => Promise.resolve(void done.push(`stop ${node}`)),
};

interface Identity {
  key?: string;
  cert?: string;
}

let server: https.Server;
let controller: Identity;
let stranger: Identity;
let asServer: Identity;

beforeAll(async () => {
  const life = { nowMs: Date.now(), days: 1 };
  const [ca, other] = await Promise.all([makeCa('control', life), makeCa('other', life)]);
  controller = await issue(ca, { kind: 'client', name: 'controller' }, life);
  stranger = await issue(other, { kind: 'client', name: 'controller' }, life);
  asServer = await issue(ca, { kind: 'server', dnsNames: ['controller'] }, life);
  server = makeControlServer(ca.cert, 'emqx-0', makeControlHandler(controls, pino({ level: 'silent' })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

function ask(
  identity: Identity,
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    const options = {
      host: '127.0.0.1',
      port,
      method,
      path,
      agent: false,
      rejectUnauthorized: false,
      ...identity,
    };
    const request = https.request(options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

it('gives nobody an answer without a client certificate of the control CA', async () => {
  const before = done.length;
  for (const identity of [{}, stranger, asServer, makeServingIdentity('controller')]) {
    await expect(ask(identity, 'DELETE', `/v1/nodes/${NODE}`)).rejects.toThrow();
  }
  expect(done).toHaveLength(before);
});

it.each<[string, string, unknown, string]>([
  ['PUT', '/v1/drain-settings', { ...settings, connEvictRate: 9 }, 'settings 9'],
  ['DELETE', `/v1/nodes/${NODE}`, undefined, `leave ${NODE}`],
  ['DELETE', `/v1/nodes/${encodeURIComponent(NODE)}`, undefined, `leave ${NODE}`],
  ['POST', `/v1/nodes/${NODE}/evacuation`, settings, `evacuate ${NODE}`],
  ['DELETE', `/v1/nodes/${NODE}/evacuation`, undefined, `stop ${NODE}`],
])('does what the controller asks: %s %s', async (method, path, body, deed) => {
  const answer = await ask(controller, method, path, body === undefined ? undefined : JSON.stringify(body));
  expect(answer).toEqual({ status: 204, body: '' });
  expect(done.at(-1)).toBe(deed);
});

it('tells an evacuation that begins from one that ran already', async () => {
  const statuses: number[] = [];
  for (evacuation of ['started', 'running'] as const) {
    const answer = await ask(controller, 'POST', `/v1/nodes/${NODE}/evacuation`, JSON.stringify(settings));
    statuses.push(answer.status);
  }
  expect(statuses).toEqual([201, 204]);
});

it.each<{ of: string; method: string; path: string; body?: string; status: number; says: string }>([
  { of: 'another path', method: 'GET', path: '/v1/secrets', status: 404, says: 'no GET /v1/secrets here' },
  { of: 'a node without a host', method: 'DELETE', path: '/v1/nodes/emqx', status: 400, says: 'name@host' },
  {
    of: 'a path that climbs',
    method: 'DELETE',
    path: '/v1/nodes/..%2Fx%40y',
    status: 400,
    says: 'name@host',
  },
  { of: 'broken escapes', method: 'DELETE', path: '/v1/nodes/%zz', status: 400, says: 'name@host' },
  { of: 'no JSON', method: 'PUT', path: '/v1/drain-settings', body: '{', status: 400, says: 'must be JSON' },
  {
    of: 'a rate of 0',
    method: 'PUT',
    path: '/v1/drain-settings',
    body: '{"connEvictRate":0}',
    status: 400,
    says: 'connEvictRate',
  },
  {
    of: 'a body that is too long',
    method: 'PUT',
    path: '/v1/drain-settings',
    body: 'x'.repeat(70_000),
    status: 413,
    says: 'at most 65536 bytes',
  },
  { of: 'a failure of ours', method: 'GET', path: '/v1/report', status: 500, says: 'no report here' },
])('refuses $of with $status', async ({ method, path, body, status, says }) => {
  const answer = await ask(controller, method, path, body);
  expect(answer.status).toBe(status);
  expect((JSON.parse(answer.body) as { message: string }).message).toContain(says);
});

it.each([
  ['leave', 'DELETE', '', new NodeRuns(`${NODE} is running`), 409],
  ['leave', 'DELETE', '', new EmqxApiError('refused', 400), 502],
  ['be evacuated', 'POST', '/evacuation', new OwnNode(`${NODE} has a sidecar`), 409],
  ['be evacuated', 'POST', '/evacuation', new EmqxApiError('refused', 400), 502],
])('tells why a node cannot %s: %s %s %s', async (_what, method, part, error, status) => {
  refusal = error;
  const body = method === 'POST' ? JSON.stringify(settings) : undefined;
  const answer = await ask(controller, method, `/v1/nodes/${NODE}${part}`, body);
  refusal = undefined;
  expect(answer.status).toBe(status);
  expect(answer.body).toBe(JSON.stringify({ message: error.message }));
});

it('makes a serving certificate that others can read', () => {
  const { cert } = makeServingIdentity('emqx-0');
  const read = new X509Certificate(cert);
  expect(read.subject).toBe('CN=emqx-0');
  expect(read.verify(read.publicKey)).toBe(true);
  expect(new Date(read.validTo).getFullYear()).toBe(9999);
});
