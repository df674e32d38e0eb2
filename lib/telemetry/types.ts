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

/** Sends spans to whatever `OTEL_EXPORTER_OTLP_ENDPOINT` names. */
export interface Tracing {
  /**
   * Resolves when the receiver has acknowledged them all, or they are not sampled.
   * @throws Error when it has not within its time (`OTEL_EXPORTER_OTLP_TIMEOUT`, 10 s); sending the same again is harmless
   */
  send(spans: SpanData[]): Promise<void>;
  /** Whether spans of that trace are sent: the same for all of them (`OTEL_TRACES_SAMPLER`). */
  isSampled(traceId: string): boolean;
  /** Waits for what is under way, but no longer than a few seconds. Never fails. */
  close(): Promise<void>;
}

export interface TracingOptions {
  /** `service.name`, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` says otherwise. */
  service: string;
  /** Further attributes of the resource. */
  attributes: Attributes;
  log: Say;
  /** The longest that {@link Tracing.close} waits; 3 s. */
  closeMs?: number;
}

/** Of a logger, what is needed here; the sidecar has one of its own. */
interface Say {
  info(values: object, message: string): void;
  warn(values: object, message: string): void;
}
