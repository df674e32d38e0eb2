import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { makeLogger } from '../../../lib/log.js';
import type { SpanData, TracingOptions } from '../../../lib/telemetry/types.js';
import { openTracing, whyOff, type Tracing } from '../../../lib/telemetry/tracing.js';
import { startReceiver, type Receiver } from '../../otlp/receiver.js';

const log = makeLogger('test', 'silent');
const TRACE = 'a'.repeat(32);

const span = (change: Partial<SpanData> = {}): SpanData => ({
  traceId: TRACE,
  spanId: 'b'.repeat(16),
  name: 'emqx blue-green upgrade',
  kind: 'server',
  scope: 'sluice.dev/test',
  // long before this program began: whoever leads now did not see it
  startMs: Date.parse('2026-01-02T03:04:05.678Z'),
  endMs: Date.parse('2026-01-02T03:05:06.789Z'),
  attributes: { text: 'x', count: 3, isTrue: true },
  events: [{ name: 'evicting_conns', atMs: Date.parse('2026-01-02T03:04:30.000Z'), attributes: { left: 7 } }],
  ...change,
});

const cleanUps: (() => void | Promise<void>)[] = [];
const before = { ...process.env };
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  process.env = { ...before };
});

async function received(): Promise<Receiver> {
  const receiver = await startReceiver();
  cleanUps.push(() => receiver.close());
  return receiver;
}

/** The SDK reads the environment of its process itself. */
async function opened(
  environment: Record<string, string>,
  more: Partial<Pick<TracingOptions, 'closeMs' | 'log'>> = {},
): Promise<Tracing> {
  Object.assign(process.env, environment);
  const options = { service: 'sluice-test', attributes: { 'k8s.pod.name': 'here' }, log, ...more };
  const tracing = await openTracing(process.env, options);
  if (!tracing) throw new Error('it is off');
  cleanUps.push(() => tracing.close());
  return tracing;
}

describe('tracing is off', () => {
  const on = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
  it.each<{ when: string; environment: Record<string, string>; why: RegExp | undefined }>([
    { when: 'no endpoint is set', environment: {}, why: /OTEL_EXPORTER_OTLP_ENDPOINT/ },
    { when: 'the endpoint is empty', environment: { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, why: /no endpoint/ },
    { when: 'it is no URL', environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }, why: /is not a URL/ },
    {
      when: 'the SDK is disabled',
      environment: { ...on, OTEL_SDK_DISABLED: 'TRUE' },
      why: /OTEL_SDK_DISABLED/,
    },
    { when: 'traces are', environment: { ...on, OTEL_TRACES_EXPORTER: 'none' }, why: /OTEL_TRACES_EXPORTER/ },
    { when: '(not) an endpoint is set', environment: on, why: undefined },
    {
      when: '(not) one of traces is set',
      environment: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' },
      why: undefined,
    },
  ])('when $when', ({ environment, why }) => {
    const said = whyOff(environment);
    if (why === undefined) expect(said).toBeUndefined();
    else expect(said).toMatch(why);
  });
});

describe('spans', () => {
  it('arrive as they were decided, ids and times included', async () => {
    const receiver = await received();
    const tracing = await opened({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    const child = span({
      spanId: 'c'.repeat(16),
      parentSpanId: 'b'.repeat(16),
      kind: 'internal',
      error: 'it was late',
    });
    await tracing.send([span(), child]);
    const [root, second] = receiver.spans();
    expect(root).toEqual({
      ...span(),
      parentSpanId: '',
      kind: 'SPAN_KIND_SERVER',
      status: 'STATUS_CODE_UNSET',
      message: '',
      resource: expect.objectContaining({ 'service.name': 'sluice-test', 'k8s.pod.name': 'here' }),
    });
    expect(second).toMatchObject({
      ...{ traceId: TRACE, spanId: 'c'.repeat(16), parentSpanId: 'b'.repeat(16), kind: 'SPAN_KIND_INTERNAL' },
      ...{ status: 'STATUS_CODE_ERROR', message: 'it was late' },
    });
  });

  it('are the same when they are sent again', async () => {
    const receiver = await received();
    const tracing = await opened({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    await tracing.send([span()]);
    await tracing.send([span()]);
    const [first, again] = receiver.spans();
    expect(again).toEqual(first);
  });

  it("go by OpenTelemetry's own variables", async () => {
    const receiver = await received();
    const tracing = await opened({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/v1/traces`,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_SERVICE_NAME: 'named',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod',
    });
    await tracing.send([span()]);
    expect(receiver.headers()).toMatchObject({ authorization: 'Bearer x', 'content-encoding': 'gzip' });
    expect(receiver.spans()[0]?.resource).toMatchObject({
      'service.name': 'named',
      'deployment.environment.name': 'prod',
    });
  });

  it('are called after the service that OTEL_RESOURCE_ATTRIBUTES names', async () => {
    const receiver = await received();
    const tracing = await opened({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_RESOURCE_ATTRIBUTES: 'a=b,service.name=other',
    });
    await tracing.send([span()]);
    expect(receiver.spans()[0]?.resource).toMatchObject({ 'service.name': 'other', a: 'b' });
  });

  it.each([
    { OTEL_TRACES_SAMPLER: 'always_off' },
    { OTEL_TRACES_SAMPLER: 'parentbased_always_off' },
    { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
  ])('of a trace that is not sampled are done with at once: $OTEL_TRACES_SAMPLER', async (sampler) => {
    const receiver = await received();
    const tracing = await opened({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...sampler });
    await tracing.send([span(), span({ spanId: 'c'.repeat(16), parentSpanId: 'b'.repeat(16) })]);
    expect(receiver.spans()).toEqual([]);
    expect(tracing.isSampled(TRACE)).toBe(false);
  });

  it('of one trace are all sampled, or none', async () => {
    const receiver = await received();
    const tracing = await opened({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
    });
    for (let i = 1; i <= 40; i += 1) {
      const traceId = createHash('md5').update(String(i)).digest('hex');
      await tracing.send([
        span({ traceId }),
        span({ traceId, spanId: 'c'.repeat(16), parentSpanId: 'b'.repeat(16) }),
      ]);
    }
    const counts = [...Map.groupBy(receiver.spans(), ({ traceId }) => traceId).values()].map(
      ({ length }) => length,
    );
    expect(counts.length).toBeGreaterThan(5);
    expect(counts.length).toBeLessThan(35);
    expect(new Set(counts)).toEqual(new Set([2]));
  });
});

describe('a receiver that', () => {
  const soon = { OTEL_EXPORTER_OTLP_TIMEOUT: '200' };

  it('is not there, is told of within the time-out', async () => {
    const tracing = await opened({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', ...soon });
    await expect(tracing.send([span()])).rejects.toThrow();
  });

  it.each(['nothing', 400, 500] as const)('answers %s has not acknowledged', async (status) => {
    const receiver = await received();
    receiver.answer(status);
    const tracing = await opened({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...soon });
    await expect(tracing.send([span()])).rejects.toThrow();
    receiver.answer(200);
    await tracing.send([span()]);
    expect(receiver.spans()).toHaveLength(1);
  });

  it('will not have some of the spans is told of in the log, and is not sent them again', async () => {
    let requests = 0;
    // ExportTraceServiceResponse { partial_success { rejected_spans: 1, error_message: "old" } }
    const answer = Buffer.from([0x0a, 7, 0x08, 1, 0x12, 3, ...Buffer.from('old')]);
    const server = createServer((request, response) => {
      requests += 1;
      request.resume().on('end', () => {
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(answer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const said: object[] = [];
    const tracing = await opened(
      { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
      { log: { info: () => undefined, warn: (values) => void said.push(values) } },
    );
    await tracing.send([span()]);
    expect(requests).toBe(1);
    expect(said).toEqual([{ detail: expect.stringMatching(/Partial Success.*"rejectedSpans".*"old"/) }]);
  });

  it('hangs does not keep the program from ending', async () => {
    const receiver = await received();
    receiver.answer('nothing');
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_TIMEOUT: '1000' };
    const tracing = await opened(environment, { closeMs: 50 });
    let isOver = false;
    const sending = tracing.send([span()]).catch(() => (isOver = true));
    await tracing.close();
    expect(isOver).toBe(false);
    await sending;
  });
});
