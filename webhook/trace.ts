import { parseTraceparent } from '../lib/telemetry/traceparent.js';

/** What a request begins, as W3C trace context. */
export interface Begun {
  traceparent: string;
  /** Span id of who asked, where that span is recorded by somebody. */
  parentSpan?: string;
}

/**
 * The trace context of what a request begins: in the trace of `parent` when that is a valid one, else in a new trace. It is sampled in any
 * case: an upgrade is rare, and the API server samples few of its requests; its own span is the parent only if it is recorded.
 * @param random 24 random bytes in lower-case hex (48 digits): trace id, then span id
 */
export function begunBy(parent: string | undefined, random: string): Begun {
  const asked = parseTraceparent(parent);
  const traceId = asked?.traceId ?? random.slice(0, 32);
  return {
    traceparent: `00-${traceId}-${random.slice(32, 48)}-01`,
    ...(asked?.isSampled && { parentSpan: asked.spanId }),
  };
}

/** The same, in the trace of `own`, which the request itself names; `begun` where that is none. */
export function continuing(own: string | undefined, begun: Begun): Begun {
  const spanId = parseTraceparent(begun.traceparent)?.spanId;
  return own === undefined || spanId === undefined ? begun : begunBy(own, `${''.padEnd(32)}${spanId}`);
}
