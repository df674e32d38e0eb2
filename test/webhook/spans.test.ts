import { describe, expect, it } from '@jest/globals';
import { ANNOTATION } from '../../lib/names.js';
import type { SpanData } from '../../lib/telemetry/types.js';
import { decide } from '../../webhook/decide.js';
import { makeReviewSpans, reviewSpan, type Reviewed } from '../../webhook/spans.js';
import { ASKED_AT, edited, options, request, storedDeclaration, template, TRACE } from './reviews.js';

const startMs = Date.parse(ASKED_AT);

async function reviewed(change: Parameters<typeof request>[0] = {}): Promise<Reviewed> {
  const oldObject = storedDeclaration();
  const object = edited(oldObject, { spec: { template: template('emqx:9') } });
  const asked = request({ object, oldObject, ...change });
  const { fresh } = options();
  return { request: asked, answer: await decide(asked, options()), fresh, startMs, endMs: startMs + 3 };
}

describe('the span of a review', () => {
  it('lies in the upgrade that it begins', async () => {
    const [, traceId, parentSpanId] = TRACE.split('-');
    expect(reviewSpan(await reviewed())).toMatchObject({
      ...{ traceId, parentSpanId, spanId: expect.stringMatching(/^[0-9a-f]{16}$/) },
      ...{ name: 'admission review', kind: 'server', startMs, endMs: startMs + 3 },
      attributes: { 'k8s.namespace.name': 'mqtt', 'k8s.statefulset.name': 'emqx', 'user.name': 'bob' },
    });
  });

  it('lies in the trace that the edit itself names', async () => {
    const annotations = { [ANNOTATION.traceparent]: `00-${'9'.repeat(32)}-${'8'.repeat(16)}-01` };
    const object = edited(storedDeclaration(), { annotations, spec: { template: template('emqx:9') } });
    const [, , parentSpanId] = TRACE.split('-');
    expect(reviewSpan(await reviewed({ object }))).toMatchObject({ traceId: '9'.repeat(32), parentSpanId });
  });

  it('has an id of its own for each review', async () => {
    const one = reviewSpan(await reviewed());
    expect(reviewSpan(await reviewed({ uid: 'another' }))?.spanId).not.toBe(one?.spanId);
  });

  it.each([
    { when: 'it is a dry run', change: { dryRun: true } },
    { when: 'nothing changes', change: { object: storedDeclaration() } },
  ])('is not sent when $when', async ({ change }) => {
    expect(reviewSpan(await reviewed(change))).toBeUndefined();
  });
});

describe('spans of reviews', () => {
  it('are sent one request after the other, and bounded while the receiver hangs', async () => {
    const asked: SpanData[][] = [];
    let release = (): void => undefined;
    const send = (spans: SpanData[]): Promise<void> => {
      asked.push(spans);
      return new Promise((resolve) => (release = resolve));
    };
    const spans = makeReviewSpans({ send });
    const one = await reviewed();
    for (let i = 0; i < 1000; i += 1) spans.note(one);
    expect(asked).toHaveLength(1);
    release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked.map(({ length }) => length)).toEqual([1, 256]);
  });

  it('go on after a failure', async () => {
    let requests = 0;
    const spans = makeReviewSpans({
      send: () => (requests++ === 0 ? Promise.reject(new Error('down')) : Promise.resolve()),
    });
    const one = await reviewed();
    spans.note(one);
    await new Promise((resolve) => setImmediate(resolve));
    spans.note(one);
    expect(requests).toBe(2);
  });
});
