import type { Abilities } from '../abilities.js';
import { defaultOptions, type Options } from './state.js';

/** A body that EMQX's schema refuses: 400 `BAD_REQUEST`. */
export class SchemaError extends Error {}

const maxSeconds = 4_294_967;
const known = ['conn_evict_rate', 'sess_evict_rate', 'wait_takeover', 'redirect_to', 'migrate_to'];

/**
 * Reads the body of `evacuation/start`.
 * @throws SchemaError where EMQX answers 400: wrong type, below the minimum, unknown key
 */
export function parseStart(
  body: unknown,
  { hasHealthCheckWait, takesDurations }: Pick<Abilities, 'hasHealthCheckWait' | 'takesDurations'>,
): Options {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new SchemaError('not an object');
  const fields: Readonly<Record<string, unknown>> = { ...body };
  const isKnown = (key: string) => known.includes(key) || (hasHealthCheckWait && key === 'wait_health_check');
  const unknownKeys = Object.keys(fields).filter((key) => !isKnown(key));
  if (unknownKeys.length > 0)
    throw new SchemaError(dump('unknown_fields', unknownKeys.join(','), fields[unknownKeys[0] ?? '']));
  if (fields.redirect_to !== undefined && typeof fields.redirect_to !== 'string') {
    throw new SchemaError(dump('invalid_type', 'redirect_to', fields.redirect_to));
  }
  return {
    waitHealthCheck: hasHealthCheckWait
      ? (seconds(fields, 'wait_health_check') ?? defaultOptions.waitHealthCheck)
      : undefined,
    connEvictRate: rate(fields, 'conn_evict_rate') ?? defaultOptions.connEvictRate,
    sessEvictRate: rate(fields, 'sess_evict_rate') ?? defaultOptions.sessEvictRate,
    waitTakeover:
      (takesDurations ? seconds(fields, 'wait_takeover') : integer(fields, 'wait_takeover')) ??
      defaultOptions.waitTakeover,
    migrateTo: nodes(fields, 'migrate_to'),
    // Accepted, and without effect over HTTP.
    serverReference: undefined,
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** An integer of at least 1; EMQX also takes one written as a string (seen on 5.8.9). */
function rate(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1) {
    throw new SchemaError(dump('validation_error', key, value));
  }
  return number;
}

/** At least 1, and no text: what the first releases took for a wait. */
function integer(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  throw new SchemaError(dump('validation_error', key, value));
}

/** `10`, `"10"`, `"10s"`, `"1m"`, `"1m30s"`, `"500ms"` (rounded up) as seconds. */
function seconds(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  const number = typeof value === 'string' ? parseDuration(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > maxSeconds) {
    throw new SchemaError(dump('validation_error', key, value));
  }
  return number;
}

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Whole seconds of a duration as EMQX writes them, rounded up; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  if (!/^(\d+(ms|[dhms]))+$/i.test(text)) return undefined;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[dhms])/gi))
    ms += Number(count) * (unitMs[(unit ?? '').toLowerCase()] ?? 0);
  return Math.ceil(ms / 1_000);
}

function nodes(fields: Fields, key: string): readonly string[] | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length === 0)
    throw new SchemaError(dump('validation_error', key, value));
  return value.map((item: unknown) => {
    if (typeof item !== 'string') throw new SchemaError(dump('validation_error', key, item));
    return item;
  });
}

function dump(kind: string, path: string, value: unknown): string {
  return JSON.stringify({ path, kind, value, reason: 'schema_check_failed' });
}
