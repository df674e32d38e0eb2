import { createHash } from 'node:crypto';

/** W3C trace context, level 1: version, trace id, span id, flags. */
export interface TraceContext {
  /** 32 and 16 lower-case hex digits, not all zero. */
  traceId: string;
  spanId: string;
  /** Somebody records the span that it names. */
  isSampled: boolean;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const ALL_ZERO = /^0+$/;

/** Reads a `traceparent`; undefined where it is none that others may continue. */
export function parseTraceparent(value: unknown): TraceContext | undefined {
  if (typeof value !== 'string') return undefined;
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(value) ?? [];
  if (flags === '' || ALL_ZERO.test(traceId) || ALL_ZERO.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The `traceparent` of who continues that span, sampled. */
export function formatTraceparent({ traceId, spanId }: Pick<TraceContext, 'traceId' | 'spanId'>): string {
  return `00-${traceId}-${spanId}-01`;
}

/** The id of a span that everybody calls by the same one: it follows from what the span is about. 16 hex digits. */
export function spanIdOf(...about: string[]): string {
  return createHash('sha256').update(about.join('\n')).digest('hex').slice(0, 16);
}

/**
 * The id of the span of a pod's drain in an upgrade. The controller sends that span, and the pod's sidecar the one in it; neither has to
 * hear from the other for it.
 * @param upgrade the upgrade's own span
 */
export function drainSpanIdOf(upgrade: Pick<TraceContext, 'traceId' | 'spanId'>, podUid: string): string {
  return spanIdOf(upgrade.traceId, upgrade.spanId, 'drain', podUid);
}
