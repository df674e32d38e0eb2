import type { Operation } from 'rfc6902';
import { objectAt } from '../lib/fields.js';
import { isObject, type Json, type JsonObject } from '../lib/json.js';

/**
 * Operations that give labels or annotations of `object` the values wanted (undefined: none at all); nothing for
 * those that it has already.
 */
export function editMetadata(
  object: JsonObject,
  map: 'labels' | 'annotations',
  wanted: Record<string, string | undefined>,
): Operation[] {
  return editMap(objectAt(object, 'metadata'), `/metadata/${map}`, map, wanted);
}

/** The same for any map of strings: `parent[key]`, at the JSON pointer `path`. */
export function editMap(
  parent: JsonObject,
  path: string,
  key: string,
  wanted: Record<string, string | undefined>,
): Operation[] {
  const present = parent[key];
  const entries = Object.entries(wanted);
  if (!isObject(present)) {
    const values = entries.filter(([, value]) => value !== undefined);
    return values.length === 0 ? [] : [{ op: 'add', path, value: Object.fromEntries(values) }];
  }
  return entries.flatMap(([name, value]): Operation[] => {
    const at = `${path}/${pointerToken(name)}`;
    if (present[name] === value) return [];
    return [value === undefined ? { op: 'remove', path: at } : setField(present, name, at, value)];
  });
}

/** One operation that sets the field `name` of `parent`, which is at `path`. */
export function setField(parent: JsonObject, name: string, path: string, value: Json): Operation {
  return { op: parent[name] === undefined ? 'add' : 'replace', path, value };
}

/** RFC 6901: `~` and `/` inside a key. */
function pointerToken(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
