import { isObject, sameJson, type Json, type JsonObject } from '../lib/json.js';

/** One field that differs. */
export interface Change {
  /** `spec.containers[emqx].image` */
  path: string;
  /** Absent: it is new, or it goes. */
  from?: Json;
  to?: Json;
}

/** The fields in which two objects differ, items of lists matched by their `name` where they have one. Pure. */
export function differences(from: Json | undefined, to: Json | undefined, path = ''): Change[] {
  if (sameJson(from, to)) return [];
  if (isObject(from) && isObject(to)) return objectChanges(from, to, path);
  const [before, after] = [named(from), named(to)];
  if (before && after) return objectChanges(before, after, path, (key) => `${path}[${key}]`);
  return [{ path, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }];
}

function objectChanges(
  from: JsonObject,
  to: JsonObject,
  path: string,
  below: (key: string) => string = (key) => (path === '' ? key : `${path}.${key}`),
): Change[] {
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return keys.flatMap((key) => differences(from[key], to[key], below(key)));
}

/** A list of named objects as an object; undefined for any other. */
function named(value: Json | undefined): JsonObject | undefined {
  if (!Array.isArray(value)) return undefined;
  const pairs = value.flatMap((item) =>
    isObject(item) && typeof item['name'] === 'string' ? [[item['name'], item] as const] : [],
  );
  const names = new Set(pairs.map(([name]) => name));
  return names.size === value.length && value.length > 0 ? Object.fromEntries(pairs) : undefined;
}

/** A value in a few words. */
export function brief(value: Json | undefined): string {
  if (value === undefined) return '(none)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
