import { applyPatch, type Operation } from 'rfc6902';
import { isObject, sameJson, type Json, type JsonObject } from '../../../lib/json.js';

/** A small API server's memory: objects by collection, versions, conflicts, watches. It knows nothing of any kind. */
export interface Store {
  /** @param collection `/apis/apps/v1|statefulsets` */
  list(collection: string, namespace: string, labelSelector?: string): JsonObject[];
  get(collection: string, namespace: string, name: string): JsonObject | undefined;
  /** @param writer who is noted as owner of all of it; a user of the tests when absent. @throws Refusal */
  create(collection: string, namespace: string, object: JsonObject, writer?: string): JsonObject;
  /** Writes what `edit` makes of the present object. @throws Refusal */
  edit(place: Place, edit: (object: JsonObject) => JsonObject, writer?: string): JsonObject;
  remove(collection: string, namespace: string, name: string): void;
  version(): string;
  /** Calls `tell` after each change, and first for those since a version, until the returned function is called. */
  watch(collection: string, tell: Tell, since?: string): () => void;
  /** Each accepted write, for tests that count: `patch statefulsets/emqx`. */
  writes: string[];
}

type Tell = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: JsonObject) => void;

export interface Place {
  collection: string;
  namespace: string;
  name: string;
  subresource?: string | undefined;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

export const metaOf = (object: JsonObject): JsonObject => object['metadata'] as JsonObject;
export const nameOf = (object: JsonObject): string => metaOf(object)['name'] as string;

export function makeStore(): Store {
  const objects = new Map<string, JsonObject>();
  const watchers = new Set<{ collection: string; tell: Tell }>();
  const history: { collection: string; change: Parameters<Tell>; version: number }[] = [];
  const writes: string[] = [];
  let version = 100;
  let uid = 0;
  const keyOf = (collection: string, namespace: string, name: string): string =>
    `${collection}/${namespace}/${name}`;
  const emit = (collection: string, ...change: Parameters<Tell>): void => {
    history.push({ collection, change, version });
    for (const watcher of watchers) if (watcher.collection === collection) watcher.tell(...change);
  };
  const plural = (collection: string): string => collection.split('|')[1] ?? '';

  const store: Store = {
    writes,
    version: () => String(version),
    list: (collection, namespace, labelSelector = '') =>
      [...objects]
        .filter(([key]) => key.startsWith(namespace ? `${collection}/${namespace}/` : `${collection}/`))
        .map(([, object]) => structuredClone(object))
        .filter((object) => selects(labelSelector, (metaOf(object)['labels'] ?? {}) as JsonObject)),
    get: (collection, namespace, name) => structuredClone(objects.get(keyOf(collection, namespace, name))),
    create(collection, namespace, object, writer = 'user') {
      const key = keyOf(collection, namespace, nameOf(object));
      if (objects.has(key)) throw new Refusal(409, 'AlreadyExists', `${key} already exists`);
      const made = structuredClone(object);
      Object.assign(metaOf(made), {
        namespace,
        uid: `uid-${(uid += 1)}`,
        resourceVersion: String((version += 1)),
        generation: 1,
        creationTimestamp: new Date().toISOString(),
      });
      own(metaOf(made), writer, {
        'f:metadata': {},
        'f:spec': namesOf(isObject(made['spec']) ? made['spec'] : {}),
      });
      objects.set(key, made);
      writes.push(`create ${plural(collection)}/${nameOf(made)}`);
      emit(collection, 'ADDED', structuredClone(made));
      return structuredClone(made);
    },
    edit({ collection, namespace, name, subresource }, edit, writer) {
      const key = keyOf(collection, namespace, name);
      const before = objects.get(key);
      if (!before) throw new Refusal(404, 'NotFound', `${key} not found`);
      const given = edit(structuredClone(before));
      const after =
        subresource === 'status' ? { ...structuredClone(before), status: given['status'] } : given;
      if (subresource !== 'status' && before['status'] !== undefined && writer !== undefined) {
        after['status'] = before['status'];
      }
      if (metaOf(given)['resourceVersion'] !== metaOf(before)['resourceVersion']) {
        throw new Refusal(409, 'Conflict', `${key} has changed`);
      }
      if (sameJson(before, after)) return structuredClone(before);
      const metadata = metaOf(after);
      if (!sameJson(before['spec'], after['spec'])) {
        metadata['generation'] = (metadata['generation'] as number) + 1;
        if (writer !== undefined) own(metadata, writer, { 'f:spec': changedIn(before, after) });
      }
      // the API server takes an empty list for an oversight
      if (Array.isArray(metadata['managedFields']) && metadata['managedFields'].length === 0) {
        metadata['managedFields'] = metaOf(before)['managedFields'] ?? [];
      }
      metadata['resourceVersion'] = String((version += 1));
      objects.set(key, after);
      writes.push(`write ${plural(collection)}/${name}${subresource === undefined ? '' : `/${subresource}`}`);
      emit(collection, 'MODIFIED', structuredClone(after));
      return structuredClone(after);
    },
    remove(collection, namespace, name) {
      const key = keyOf(collection, namespace, name);
      const gone = objects.get(key);
      if (!gone) return;
      objects.delete(key);
      metaOf(gone)['resourceVersion'] = String((version += 1));
      writes.push(`delete ${plural(collection)}/${name}`);
      emit(collection, 'DELETED', structuredClone(gone));
      // the garbage collector
      for (const [other, object] of objects) {
        const owners = metaOf(object)['ownerReferences'];
        const uids = Array.isArray(owners) ? owners.filter(isObject).map((owner) => owner['uid']) : [];
        const isOwned = [...objects.values()].some((one) => uids.includes(metaOf(one)['uid']));
        if (!uids.includes(metaOf(gone)['uid']) || isOwned) continue;
        const [collectionOf = '', namespaceOf = '', nameThere = ''] = splitKey(other);
        if (!collectionOf.endsWith('|pods')) store.remove(collectionOf, namespaceOf, nameThere);
      }
    },
    watch(collection, tell, since) {
      const missed = history.filter(
        (one) => one.collection === collection && one.version > Number(since ?? version),
      );
      for (const { change } of missed) tell(...change);
      const watcher = { collection, tell };
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
  return store;
}

function splitKey(key: string): string[] {
  const parts = key.split('/');
  return [parts.slice(0, -2).join('/'), parts.at(-2) ?? '', parts.at(-1) ?? ''];
}

/** Notes the writer of a spec as the API server does, coarsely: by the names of its fields. */
function own(metadata: JsonObject, manager: string, fieldsV1: JsonObject): void {
  const entries = (metadata['managedFields'] ?? []) as JsonObject[];
  const mine = entries.find((entry) => entry['manager'] === manager) ?? { manager, operation: 'Update' };
  mine['fieldsV1'] = merged(mine['fieldsV1'], fieldsV1);
  metadata['managedFields'] = [...entries.filter((entry) => entry !== mine), mine];
}

function namesOf(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.keys(fields).map((name) => [`f:${name}`, {}]));
}

function changedIn(before: JsonObject, after: JsonObject): JsonObject {
  const [old, now] = [before['spec'] ?? {}, after['spec'] ?? {}] as [JsonObject, JsonObject];
  return namesOf(
    Object.fromEntries(Object.entries(now).filter(([key, value]) => !sameJson(old[key], value))),
  );
}

export function merged(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === undefined) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

export function jsonPatched(target: JsonObject, operations: Json): JsonObject {
  const problems = applyPatch(target, operations as unknown as Operation[]);
  const problem = problems.find((one) => one !== null);
  if (problem) throw new Refusal(422, 'Invalid', problem.message);
  return target;
}

/** `a=b`, `a`, `!a`, `a in (b,c)`, joined by commas. */
export function selects(selector: string, labels: JsonObject): boolean {
  const terms = selector.match(/[^,(]+(\([^)]*\))?/g) ?? [];
  return terms.every((term) => {
    const within = /^(\S+) in \((.*)\)$/.exec(term);
    if (within) return (within[2] ?? '').split(',').includes(labels[within[1] ?? ''] as string);
    if (term.startsWith('!')) return labels[term.slice(1)] === undefined;
    const [key = '', value] = term.split('=');
    return value === undefined ? labels[key] !== undefined : labels[key] === value;
  });
}
