import { afterEach, describe, expect, it } from '@jest/globals';
import type { EmqxClient } from '../../../lib/emqx/client.js';
import { EmqxApiError } from '../../../lib/emqx/errors.js';
import { makeV5Client } from '../../../lib/emqx/v5.js';
import {
  evacuating,
  noFeature,
  ok,
  refusal,
  running,
  serve,
  type Answer,
  type ScriptedEmqx,
} from '../../sidecar/scripted-emqx.js';

const SELF = 'emqx@blue-0.emqx-headless.mq.svc.cluster.local';
const { signal } = new AbortController();
const body = { conn_evict_rate: 1, sess_evict_rate: 1, wait_takeover: 0 };

let emqx: ScriptedEmqx | undefined;
afterEach(async () => {
  await emqx?.close();
  emqx = undefined;
});

async function client(answer: Answer, timeoutMs = 5_000): Promise<EmqxClient> {
  emqx = await serve({ self: SELF, nodes: [], status: [], start: [], others: () => answer });
  return makeV5Client({
    host: '127.0.0.1',
    port: emqx.port,
    credentials: () => ({ key: 'key', secret: 'sécret:=' }),
    timeoutMs,
  });
}

async function refused(call: Promise<unknown>): Promise<EmqxApiError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof EmqxApiError) return error;
  throw new Error(`no EmqxApiError: ${String(error)}`);
}

it('asks with the API key, and sends the body as JSON', async () => {
  const v5 = await client(ok({}));
  expect(await v5.startEvacuation(SELF, body, signal)).toBe('started');
  expect(emqx?.asked).toEqual([
    {
      method: 'POST',
      path: `/load_rebalance/${SELF}/evacuation/start`,
      body,
      authorization: `Basic ${Buffer.from('key:sécret:=').toString('base64')}`,
    },
  ]);
});

it('reads nodes, running and stopped', async () => {
  const v5 = await client(ok([running(SELF), { node: 'emqx@gone', node_status: 'stopped', role: 'core' }]));
  expect(await v5.nodes(signal)).toEqual([
    {
      node: SELF,
      node_status: 'running',
      role: 'core',
      version: '5.8.9',
      connections: 4,
      live_connections: 2,
    },
    { node: 'emqx@gone', node_status: 'stopped', role: 'core' },
  ]);
});

it('reads the status of a node', async () => {
  const v5 = await client(evacuating('waiting_takeover'));
  expect(await v5.status(signal)).toMatchObject({
    kind: 'evacuating',
    evacuation: { state: 'waiting_takeover', stats: { initial_sessions: 4 } },
  });
});

describe('what is no failure', () => {
  it.each<{ of: string; answer: Answer; ask: (v5: EmqxClient) => Promise<string>; says: string }>([
    {
      of: 'a start while one runs',
      answer: refusal(400, 'BAD_REQUEST', `error on node '${SELF}': already_started`),
      ask: (v5) => v5.startEvacuation(SELF, body, signal),
      says: 'running',
    },
    {
      of: 'a stop while none runs',
      answer: refusal(400, 'BAD_REQUEST', `error on node '${SELF}': not_started`),
      ask: (v5) => v5.stopEvacuation(SELF, signal),
      says: 'notRunning',
    },
    {
      of: 'a leave with an empty answer',
      answer: { status: 204 },
      ask: (v5) => v5.forceLeave(SELF, signal),
      says: 'left',
    },
    {
      of: 'a leave of a node that is no member',
      answer: refusal(400, 'BAD_REQUEST', 'node_not_in_cluster'),
      ask: (v5) => v5.forceLeave(SELF, signal),
      says: 'noMember',
    },
  ])('$of', async ({ answer, ask, says }) => {
    expect(await ask(await client(answer))).toBe(says);
  });
});

describe('whether the licence allows a cluster', () => {
  it.each<{ of: string; answer: Answer; says: boolean | undefined }>([
    { of: 'the built-in one', answer: ok({ type: 'community', customer_type: 11 }), says: false },
    { of: 'a trial', answer: ok({ type: 'trial', customer_type: 10 }), says: true },
    { of: 'one that was bought', answer: ok({ type: 'official' }), says: true },
    { of: 'a build without licences', answer: noFeature, says: undefined },
    { of: 'a key that may not see it', answer: refusal(403, 'UNAUTHORIZED_ROLE', ''), says: undefined },
  ])('$of: $says', async ({ answer, says }) => {
    expect(await (await client(answer)).allowsCluster(signal)).toBe(says);
  });
});

describe('what is one', () => {
  it.each<{ of: string; answer: Answer; as: Partial<EmqxApiError> }>([
    {
      of: 'a feature that the build does not have',
      answer: noFeature,
      as: { status: 404, isFeatureAbsent: true, retryable: false },
    },
    {
      of: 'a node that is not known',
      answer: refusal(404, 'NOT_FOUND', `Node not found: ${SELF}`),
      as: { status: 404, isFeatureAbsent: false, retryable: false },
    },
    {
      of: 'a page of HTML',
      answer: { status: 404, text: '<html></html>', html: true },
      as: { status: 404, isFeatureAbsent: true },
    },
    {
      of: 'a key that is refused',
      answer: refusal(401, 'BAD_API_KEY_OR_SECRET', 'Check api_key/api_secret'),
      as: { status: 401, isUnauthorized: true, code: 'BAD_API_KEY_OR_SECRET', retryable: false },
    },
    {
      of: 'an undeclared code',
      answer: { status: 500, text: "Unsupported code 'RPC_ERROR'", html: true },
      as: { status: 500, retryable: true },
    },
    { of: 'an answer that is cut', answer: 'cut', as: { status: 0, retryable: true } },
    { of: 'an answer that never comes', answer: 'hang', as: { status: 0, retryable: true } },
    {
      of: 'a status that no release documents',
      answer: ok({ status: 'maybe' }),
      as: { status: 0, retryable: true },
    },
  ])('$of', async ({ answer, as }) => {
    const v5 = await client(answer, 300);
    expect(await refused(v5.status(signal))).toMatchObject(as);
  });

  it('a call that is no longer wanted', async () => {
    const v5 = await client('hang');
    const stop = new AbortController();
    const call = refused(v5.status(stop.signal));
    stop.abort();
    expect((await call).retryable).toBe(true);
  });

  it('an answer without end', async () => {
    const v5 = await client({ status: 200, text: 'x'.repeat(5 * 1024 * 1024) });
    expect((await refused(v5.status(signal))).message).toContain('exceeds');
  });
});
