/** Imported on demand only: see tracing.ts. */
import {
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type HrTime,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { core, NodeSDK, resources, type tracing } from '@opentelemetry/sdk-node';
import { sleep } from '../sleep.js';
import type { SpanData, Tracing, TracingOptions } from './types.js';

/** How long an end of the program waits for what is under way. */
const CLOSE_MS = 3_000;
/** A request of OTLP; an upgrade of three nodes has some twenty spans. */
const MOST_AT_ONCE = 512;

const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER };

/** The SDK, with endpoint, headers, time-outs, compression, sampler, limits and resource as its own variables say. */
export function makeTracing(environment: NodeJS.ProcessEnv, options: TracingOptions): Tracing {
  const { service, attributes, log, closeMs = CLOSE_MS } = options;
  let next = { traceId: '', spanId: '' };
  let ended: tracing.ReadableSpan[] = [];
  const exporter = new OTLPTraceExporter();
  const protocol =
    environment['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? environment['OTEL_EXPORTER_OTLP_PROTOCOL'];
  if (protocol && protocol !== 'http/protobuf')
    log.warn({ protocol }, 'traces are sent as http/protobuf, whatever OTEL_EXPORTER_OTLP_PROTOCOL says');
  const isNamed = /(^|,)\s*service\.name\s*=/.test(environment['OTEL_RESOURCE_ATTRIBUTES'] ?? '');
  const sdk = new NodeSDK({
    ...(!environment['OTEL_SERVICE_NAME'] && !isNamed && { serviceName: service }),
    resource: resources.defaultResource().merge(resources.resourceFromAttributes(attributes)),
    resourceDetectors: [resources.envDetector],
    // Ids are decided before, so that whoever sends a span again sends the same one.
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    spanProcessors: [
      {
        onStart: () => undefined,
        onEnd: (span) => void ended.push(span),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
    textMapPropagator: null,
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  // The exporter tells nobody else of spans that the receiver will not have; they must not be sent again.
  const say = (message: string, ...detail: unknown[]): void =>
    log.warn({ detail: [message, ...detail].join(' ') }, 'the receiver of traces, or what sends them, warns');
  const quiet = (): void => undefined;
  diag.setLogger(
    { verbose: quiet, debug: quiet, info: quiet, warn: say, error: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  log.info({}, 'traces are sent');

  /** A trace is sent whole or not at all: the sampler is asked for its id alone, not for each span by its parent. */
  function isSampled(traceId: string): boolean {
    next = { traceId, spanId: '1'.repeat(16) };
    return trace.getTracer(service).startSpan('sampling', {}, ROOT_CONTEXT).isRecording();
  }

  /** Ended spans of the SDK; none of a trace that is not sampled. */
  function ofSdk(spans: SpanData[]): tracing.ReadableSpan[] {
    ended = [];
    for (const span of spans.filter(({ traceId }) => isSampled(traceId))) {
      next = span;
      const made = trace
        .getTracer(span.scope)
        .startSpan(
          span.name,
          { kind: KINDS[span.kind], startTime: timeOf(span.startMs), attributes: span.attributes },
          parentOf(span),
        );
      for (const event of span.events) made.addEvent(event.name, event.attributes, timeOf(event.atMs));
      if (span.error !== undefined) made.setStatus({ code: SpanStatusCode.ERROR, message: span.error });
      made.end(timeOf(span.endMs));
    }
    return ended;
  }

  let isReached = true;
  const underWay = new Set<Promise<void>>();
  async function deliver(spans: tracing.ReadableSpan[]): Promise<void> {
    for (let index = 0; index < spans.length; index += MOST_AT_ONCE) {
      await new Promise<void>((resolve, reject) => {
        exporter.export(spans.slice(index, index + MOST_AT_ONCE), ({ code, error }) => {
          if (code === core.ExportResultCode.SUCCESS) resolve();
          else reject(error ?? new Error('the receiver of traces refused them'));
        });
      });
    }
  }

  return {
    isSampled,
    async send(spans) {
      const delivery = deliver(ofSdk(spans));
      underWay.add(delivery);
      try {
        await delivery;
        if (!isReached) log.info({}, 'the receiver of traces answers again');
        isReached = true;
      } catch (error) {
        if (isReached) log.warn({ err: error }, 'traces cannot be sent; they are tried again');
        isReached = false;
        throw error;
      } finally {
        underWay.delete(delivery);
      }
    },
    async close() {
      const over = new AbortController();
      const done = Promise.allSettled([...underWay, exporter.shutdown(), sdk.shutdown()]);
      await Promise.race([done, sleep(closeMs, over.signal)]);
      over.abort();
      // The SDK registers itself for the whole process, and only once.
      trace.disable();
      diag.disable();
    },
  };
}

/** As seconds and nanoseconds: the SDK takes a number that is before the program's start for one on another clock. */
function timeOf(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.floor((ms % 1000) * 1e6)];
}

function parentOf({ traceId, parentSpanId }: SpanData): Context {
  if (parentSpanId === undefined) return ROOT_CONTEXT;
  const parent = { traceId, spanId: parentSpanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}
