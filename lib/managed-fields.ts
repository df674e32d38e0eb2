import { isObject, type Json, type JsonObject } from './json.js';

/** One RFC 6902 operation that takes something out. */
export interface Removal {
  op: 'remove';
  path: string;
}

/**
 * Operations that take the ownership of fields of `spec` from everybody in `metadata.managedFields`. What Sluice
 * holds has another value than users apply; a server-side apply by one manager of a field that another one owns with
 * another value is a conflict, computed before admission, and even the change from client-side to server-side apply
 * is a change of manager. A field without an owner is free for all.
 * @param fields names in `spec`, such as `replicas`; what lies below them goes with them
 * @returns none when nobody owns any; later entries come first, so that the paths hold one after the other
 */
export function disownSpec(object: JsonObject, fields: readonly string[]): Removal[] {
  const metadata = object['metadata'];
  const entries = isObject(metadata) ? metadata['managedFields'] : undefined;
  if (!Array.isArray(entries)) return [];
  return entries
    .map((entry, index) => disownEntry(entry, `/metadata/managedFields/${index}`, fields))
    .reverse()
    .flat();
}

function disownEntry(entry: Json, path: string, fields: readonly string[]): Removal[] {
  const owned = isObject(entry) ? entry['fieldsV1'] : undefined;
  const spec = isObject(owned) ? owned['f:spec'] : undefined;
  if (!isObject(owned) || !isObject(spec)) return [];
  const keys = Object.keys(spec);
  const taken = keys.filter((key) => fields.includes(key.slice('f:'.length)));
  if (taken.length === 0) return [];
  if (taken.length < keys.length) {
    return taken.map((key) => ({ op: 'remove', path: `${path}/fieldsV1/f:spec/${key}` }));
  }
  const isAll = Object.keys(owned).length === 1;
  return [{ op: 'remove', path: isAll ? path : `${path}/fieldsV1/f:spec` }];
}
