import type { Tracing, TracingOptions } from './types.js';

export type { Tracing };

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
