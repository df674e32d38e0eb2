import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import supertest from 'supertest';
import type { JsonObject } from '../../lib/json.js';
import { ANNOTATION } from '../../lib/names.js';
import { makeApp, type AppOptions } from '../../webhook/app.js';
import { makeWebhookMetrics } from '../../webhook/metrics.js';
import type { BlueGreens } from '../../webhook/scale.js';
import {
  edited,
  labelledSet,
  noBlueGreens,
  OWN_USER,
  patched,
  plainSet,
  request,
  storedDeclaration,
  template,
} from './reviews.js';

const TOKEN = 'a1'.repeat(32);
const PARENT = `00-${'e'.repeat(32)}-${'f'.repeat(16)}-01`;

function client(parts: Partial<AppOptions> = {}): ReturnType<typeof supertest> {
  const options: AppOptions = {
    ownUsers: new Set([OWN_USER]),
    blueGreens: noBlueGreens,
    isReady: () => true,
    isLeaving: () => false,
    scaleTokens: () => [TOKEN],
    metrics: makeWebhookMetrics(() => ({ isReady: true, certificate: undefined })),
    log: pino({ level: 'silent' }),
    ...parts,
  };
  return supertest(makeApp(options));
}

function review(parts: Partial<JsonObject>): JsonObject {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5',
      kind: { group: 'apps', version: 'v1', kind: 'StatefulSet' },
      resource: { group: 'apps', version: 'v1', resource: 'statefulsets' },
      namespace: 'mqtt',
      name: 'emqx',
      operation: 'CREATE',
      userInfo: { username: 'bob', groups: ['system:authenticated'] },
      object: labelledSet(),
      oldObject: null,
      dryRun: false,
      ...parts,
    },
  };
}

interface Response {
  uid: string;
  allowed: boolean;
  patch?: string;
  patchType?: string;
  warnings?: string[];
  status?: { code: number; message: string };
}
const responseOf = ({ body }: { body: unknown }): Response => (body as { response: Response }).response;
const opsOf = ({ patch = '' }: Response): [] => JSON.parse(Buffer.from(patch, 'base64').toString()) as [];

describe('POST /mutate', () => {
  it('answers a review with a patch, to the request with that uid', async () => {
    const answer = await client().post('/mutate?timeout=10s').send(review({})).expect(200);
    expect(answer.body).toMatchObject({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' });
    const response = responseOf(answer);
    expect(response).toMatchObject({ uid: '705ab4f5', allowed: true, patchType: 'JSONPatch' });
    const asked = request({ object: labelledSet() });
    const object = patched(asked, { kind: 'admit', ops: opsOf(response), warnings: [] });
    expect((object['spec'] as JsonObject)['replicas']).toBe(0);
  });

  it('continues the trace of the API server', async () => {
    const answer = await client().post('/mutate').set('traceparent', PARENT).send(review({})).expect(200);
    const text = JSON.stringify(opsOf(responseOf(answer)));
    expect(text).toMatch(new RegExp(`"${ANNOTATION.traceparent}":"00-e{32}-[0-9a-f]{16}-01"`));
    expect(text).toContain(`"${ANNOTATION.parentSpan}":"${'f'.repeat(16)}"`);
  });

  it('starts a new trace for each review, and none for a dry run', async () => {
    const trace = async (dryRun: boolean): Promise<string | undefined> => {
      const answer = await client().post('/mutate').send(review({ dryRun })).expect(200);
      return /00-[0-9a-f]{32}-[0-9a-f]{16}-01/.exec(JSON.stringify(opsOf(responseOf(answer))))?.[0];
    };
    const first = await trace(false);
    expect(first).toBeDefined();
    expect(await trace(false)).not.toBe(first);
    expect(await trace(true)).toBeUndefined();
  });

  it('passes warnings on', async () => {
    const oldObject = storedDeclaration();
    const object = edited(oldObject, { spec: { template: template('emqx:6') } });
    const answer = await client()
      .post('/mutate')
      .send(review({ operation: 'UPDATE', object, oldObject }));
    expect(responseOf(answer).warnings).toEqual([
      expect.stringContaining('redirected to green StatefulSet emqx-'),
    ]);
  });

  it('refuses with a message', async () => {
    const oldObject = plainSet({
      name: 'emqx-abc',
      labels: { 'sluice.dev/declaration': 'emqx' },
      metadata: { ownerReferences: [{ kind: 'StatefulSet', name: 'emqx', uid: 'u', controller: true }] },
      spec: { selector: { matchLabels: { 'sluice.dev/revision': 'abc' } } },
    });
    const object = edited(oldObject, { spec: { replicas: 1 } });
    const answer = await client()
      .post('/mutate')
      .send(review({ name: 'emqx-abc', operation: 'UPDATE', object, oldObject }))
      .expect(200);
    expect(responseOf(answer)).toEqual({
      uid: '705ab4f5',
      allowed: false,
      status: {
        code: 403,
        reason: 'Forbidden',
        message: 'statefulset/emqx-abc belongs to statefulset/emqx; change that one',
      },
    });
  });

  it('leaves patch and patchType out when nothing changes', async () => {
    const answer = await client()
      .post('/mutate')
      .send(review({ object: plainSet() }))
      .expect(200);
    expect(responseOf(answer)).toEqual({ uid: '705ab4f5', allowed: true });
  });

  it.each([
    { body: 'no json' },
    { body: '{}' },
    { body: '{"request":{}}' },
    { body: 'null' },
    { body: '[]' },
  ])('says what is wrong with $body', async ({ body }) => {
    const answer = await client()
      .post('/mutate')
      .set('content-type', 'application/json')
      .send(body)
      .expect(400);
    expect((answer.body as { message: string }).message).toMatch(/not JSON|no request\.uid/);
  });

  it('admits with a warning what it fails on', async () => {
    const blueGreens = { scale: () => Promise.reject(new Error('no route to host')) };
    const scale = { kind: 'Scale', spec: { replicas: 4 } };
    const answer = await client({ blueGreens })
      .post(`/scale/${TOKEN}`)
      .send(review({ operation: 'UPDATE', subResource: 'scale', object: scale, oldObject: scale }))
      .expect(200);
    expect(responseOf(answer)).toEqual({
      uid: '705ab4f5',
      allowed: true,
      warnings: ['sluice: the webhook failed on this request and admitted it unchanged; see its log'],
    });
  });

  it.each([
    { bytes: 6_900_000, status: 200 },
    { bytes: 7_400_000, status: 413 },
  ])('answers $status to a review of $bytes bytes', async ({ bytes, status }) => {
    const object = plainSet({ annotations: { blob: 'x'.repeat(bytes) } });
    await client().post('/mutate').send(review({ object })).expect(status);
  });
});

describe('a review of a Scale', () => {
  const scaleOf = (replicas: number): JsonObject => ({ kind: 'Scale', spec: { replicas } });
  async function ask(path: string, tokens: string[]): Promise<{ sizes: number[]; answer: Response }> {
    const sizes: number[] = [];
    const blueGreens: BlueGreens = {
      scale: ({ replicas }) => {
        sizes.push(replicas);
        return Promise.resolve('recorded');
      },
    };
    const answer = await client({ blueGreens, scaleTokens: () => tokens })
      .post(path)
      .send(review({ operation: 'UPDATE', subResource: 'scale', object: scaleOf(1), oldObject: scaleOf(3) }))
      .expect(200);
    return { sizes, answer: responseOf(answer) };
  }

  it.each([`/scale/${TOKEN}`, `/scale/${TOKEN}?timeout=10s`])('is recorded at %s', async (path) => {
    for (const tokens of [[TOKEN], ['b2'.repeat(32), TOKEN]]) {
      const { sizes, answer } = await ask(path, tokens);
      expect(sizes).toEqual([1]);
      expect(answer.patch).toBeDefined();
    }
  });

  it.each<{ what: string; path: string; tokens: string[] }>([
    { what: 'the path of the other reviews', path: '/mutate', tokens: [TOKEN] },
    { what: 'the root', path: '/', tokens: [TOKEN] },
    { what: 'no token', path: '/scale/', tokens: [TOKEN] },
    { what: 'another token', path: `/scale/${'b2'.repeat(32)}`, tokens: [TOKEN] },
    { what: 'more than the token', path: `/scale/${TOKEN}0`, tokens: [TOKEN] },
    { what: 'any path before there is a token', path: '/scale/undefined', tokens: [] },
    { what: 'an empty path while the token is empty', path: '/scale/', tokens: [''] },
  ])('is answered untouched, and reaches no BlueGreen, at $what', async ({ path, tokens }) => {
    expect(await ask(path, tokens)).toEqual({ sizes: [], answer: { uid: '705ab4f5', allowed: true } });
  });
});

describe('everything else', () => {
  it('is healthy', async () => {
    await client().get('/healthz').expect(200);
  });

  it.each([
    { ready: true, status: 200 },
    { ready: false, status: 503 },
  ])('is ready: $ready, $status', async ({ ready, status }) => {
    await client({ isReady: () => ready })
      .get('/readyz')
      .expect(status);
  });

  it('does not exist', async () => {
    await client().get('/mutate').expect(404);
    await client().post('/mutates').send({}).expect(404);
  });

  it('asks clients to go elsewhere before it ends', async () => {
    const answer = await client({ isLeaving: () => true })
      .post('/mutate')
      .send(review({}));
    expect(answer.headers['connection']).toBe('close');
  });
});
