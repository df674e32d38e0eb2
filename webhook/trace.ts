/** W3C trace context, level 1: version, trace id, parent id, flags. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
const SAMPLED = '01';

/** Whether `value` is a `traceparent` that others may continue. */
export function isTraceparent(value: unknown): value is string {
  return partsOf(value) !== undefined;
}

/**
 * The `traceparent` of a new span: a child of `parent` when that is a valid one, else the root of a new trace.
 * @param random 24 random bytes in lower-case hex (48 digits): trace id, then span id
 */
export function childTraceparent(parent: string | undefined, random: string): string {
  const span = random.slice(32, 48);
  const inherited = partsOf(parent);
  if (inherited) return `00-${inherited.trace}-${span}-${inherited.flags}`;
  return `00-${random.slice(0, 32)}-${span}-${SAMPLED}`;
}

function partsOf(value: unknown): { trace: string; flags: string } | undefined {
  if (typeof value !== 'string') return undefined;
  const [, trace, span, flags] = TRACEPARENT.exec(value) ?? [];
  if (!trace || !flags || trace === NO_TRACE || span === NO_SPAN) return undefined;
  return { trace, flags };
}
