import type { Logger } from '../log.js';
import type { Attributes, SpanData } from './span.js';

/** Sends spans to whatever `OTEL_EXPORTER_OTLP_ENDPOINT` names. */
export interface Tracing {
  /**
   * Resolves when the receiver has acknowledged them all, or they are not sampled.
   * @throws Error when it has not within its time (`OTEL_EXPORTER_OTLP_TIMEOUT`, 10 s); sending the same again is harmless
   */
  send(spans: SpanData[]): Promise<void>;
  /** Waits for what is under way, but no longer than a few seconds. Never fails. */
  close(): Promise<void>;
}

export interface TracingOptions {
  /** `service.name`, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` says otherwise. */
  service: string;
  /** Further attributes of the resource. */
  attributes: Attributes;
  log: Logger;
  /** The longest that {@link Tracing.close} waits; 3 s. */
  closeMs?: number;
}

/**
 * Switches tracing on where the environment names a receiver, by OpenTelemetry's own variables; undefined where it is off. Only then is
 * the SDK loaded: it takes tens of megabytes.
 */
export async function openTracing(
  environment: NodeJS.ProcessEnv,
  options: TracingOptions,
): Promise<Tracing | undefined> {
  const why = whyOff(environment);
  if (why !== undefined) {
    options.log.info({ because: why }, 'no traces are sent');
    return undefined;
  }
  const { makeTracing } = await import('./sdk.js');
  return makeTracing(environment, options);
}

/**
 * Why no traces are sent, in words.
 * @see OpenTelemetry: Environment Variable Specification; OTLP Exporter Configuration
 */
export function whyOff(environment: NodeJS.ProcessEnv): string | undefined {
  const value = (name: string): string => environment[name]?.trim() ?? '';
  if (value('OTEL_SDK_DISABLED').toLowerCase() === 'true') return 'OTEL_SDK_DISABLED is true';
  const exporters = value('OTEL_TRACES_EXPORTER');
  if (exporters !== '' && exporters !== 'otlp') return `OTEL_TRACES_EXPORTER is ${exporters}`;
  const names = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
  const named = names.find((name) => value(name) !== '');
  if (named === undefined) return `no endpoint is set (${names.join(', ')})`;
  return URL.canParse(value(named)) ? undefined : `${named} is not a URL`;
}
