/** A span that has ended, as plain data: what it says was decided elsewhere, ids and times included. */
export interface SpanData {
  /** 32 and 16 lower-case hex digits. */
  traceId: string;
  spanId: string;
  /** Absent of the root of a trace. */
  parentSpanId?: string;
  name: string;
  /** `server`: begun by somebody's request. */
  kind: 'internal' | 'server';
  /** Whose observation it is: the instrumentation scope. */
  scope: string;
  /** Milliseconds since the epoch. */
  startMs: number;
  endMs: number;
  attributes: Attributes;
  events: { name: string; atMs: number; attributes: Attributes }[];
  /** What went wrong, in words: the span's status is then Error, else it is unset. */
  error?: string;
}

export type Attributes = Record<string, string | number | boolean>;
