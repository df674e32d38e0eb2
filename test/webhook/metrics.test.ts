import { beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import supertest from 'supertest';
import { makeApp } from '../../webhook/app.js';
import { scalePathOf } from '../../lib/scale-path.js';
import { LABEL } from '../../lib/names.js';
import { makeWebhookMetrics, type WebhookMetrics } from '../../webhook/metrics.js';
import { labelledSet, noBlueGreens, plainSet } from './reviews.js';
import type { BlueGreens } from '../../webhook/scale.js';

const TOKEN = 'a1'.repeat(32);

let metrics: WebhookMetrics;
beforeEach(() => {
  metrics = makeWebhookMetrics(() => ({ isReady: true, certificate: undefined }));
});

/** The counters above 0, as they are scraped. */
async function counted(): Promise<string[]> {
  const { text } = await metrics.scrape();
  return text.split('\n').filter((line) => /^sluice_admission_reviews_total.* [1-9]/.test(line));
}

async function review(
  body: object | string,
  { path = '/mutate', blueGreens = noBlueGreens }: { path?: string; blueGreens?: BlueGreens } = {},
): Promise<void> {
  const app = makeApp({
    ownUsers: new Set(),
    blueGreens,
    isReady: () => true,
    isLeaving: () => false,
    scaleTokens: () => [TOKEN],
    metrics,
    log: pino({ level: 'silent' }),
  });
  await supertest(app).post(path).set('content-type', 'application/json').send(body);
}

const statefulSet = { group: 'apps', resource: 'statefulsets' };
const revisionSet = plainSet({
  name: 'emqx-7c9d5f8b6',
  labels: { [LABEL.declaration]: 'emqx', [LABEL.revision]: '7c9d5f8b6' },
  metadata: { ownerReferences: [{ kind: 'StatefulSet', name: 'emqx', uid: 'u', controller: true }] },
  spec: { selector: { matchLabels: { [LABEL.revision]: '7c9d5f8b6' } } },
});

describe('reviews', () => {
  it.each<{ what: string; request: object; then: string }>([
    {
      what: 'a declaration is patched',
      request: { operation: 'CREATE', resource: statefulSet, object: labelledSet() },
      then: 'resource="StatefulSet",answer="patch"',
    },
    {
      what: 'any other StatefulSet is allowed',
      request: { operation: 'CREATE', resource: statefulSet, object: plainSet() },
      then: 'resource="StatefulSet",answer="allow"',
    },
    {
      what: 'a revision set is denied',
      request: { operation: 'CREATE', resource: statefulSet, object: revisionSet },
      then: 'resource="StatefulSet",answer="deny"',
    },
    {
      what: 'a kind that is none of ours has no label of its own',
      request: { operation: 'CREATE', resource: { group: 'x', resource: 'made-up-by-somebody' } },
      then: 'resource="other",answer="allow"',
    },
  ])('are counted by answer: $what', async ({ request, then }) => {
    await review({ request: { uid: 'u', userInfo: { username: 'bob' }, ...request } });
    expect(await counted()).toEqual([`sluice_admission_reviews_total{${then}} 1`]);
  });

  it('that fail inside are counted as such, though they are admitted', async () => {
    const fails: BlueGreens = { scale: () => Promise.reject(new Error('the API server is away')) };
    await review(
      {
        request: {
          uid: 'u',
          operation: 'UPDATE',
          resource: statefulSet,
          subResource: 'scale',
          userInfo: { username: 'bob' },
          object: { spec: { replicas: 5 } },
          oldObject: { spec: { replicas: 0 } },
        },
      },
      { path: scalePathOf(TOKEN), blueGreens: fails },
    );
    expect(await counted()).toEqual(['sluice_admission_reviews_total{resource="Scale",answer="failed"} 1']);
  });

  it('that are none are counted too', async () => {
    await review('{"request":');
    expect(await counted()).toEqual([
      'sluice_admission_reviews_total{resource="other",answer="malformed"} 1',
    ]);
  });

  it('are timed, in seconds', async () => {
    await review({ request: { uid: 'u', operation: 'CREATE', resource: statefulSet, object: plainSet() } });
    const { text } = await metrics.scrape();
    expect(text).toContain('sluice_admission_review_duration_seconds_count{resource="StatefulSet"} 1\n');
    const sum = /duration_seconds_sum\{resource="StatefulSet"\} (\S+)/.exec(text)?.[1];
    expect(Number(sum)).toBeGreaterThan(0);
    expect(Number(sum)).toBeLessThan(5);
  });
});
