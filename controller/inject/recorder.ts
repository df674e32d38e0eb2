import type { Operation } from 'rfc6902';
import { isObject, type Json, type JsonObject } from '../../lib/json.js';

type Path = readonly (string | number)[];

/** Edits a copy of a JSON object and writes down how each edit is undone. */
export interface Recorder {
  /** The copy, as edited so far. */
  readonly result: JsonObject;
  /** Sets the field at `path`; objects that are missing on the way are made (and go as a whole when undone). */
  put(path: Path, value: Json): void;
  /** Inserts into the list at `path`, which is made if it is missing. */
  insert(path: Path, where: 'first' | 'last', value: Json): void;
  /** The RFC 6902 patch that takes every edit out again, the last one first. */
  undo(): Operation[];
}

/** A recorder over a copy of `original`. */
export function record(original: JsonObject): Recorder {
  const result = structuredClone(original);
  const undo: Operation[] = [];

  function put(path: Path, value: Json): void {
    let parent: JsonObject | Json[] = result;
    for (const [depth, key] of path.slice(0, -1).entries()) {
      const child: Json | undefined = childOf(parent, key);
      if (!isObject(child) && !Array.isArray(child)) {
        return put(path.slice(0, depth + 1), wrap(path.slice(depth + 1), value));
      }
      parent = child;
    }
    const key = path.at(-1) ?? '';
    const before = childOf(parent, key);
    undo.unshift(
      before === undefined
        ? { op: 'remove', path: pointer(path) }
        : { op: 'replace', path: pointer(path), value: structuredClone(before) },
    );
    if (Array.isArray(parent)) parent[Number(key)] = value;
    else parent[key] = value;
  }

  function insert(path: Path, where: 'first' | 'last', value: Json): void {
    const list = path.reduce<Json | undefined>(childOf, result);
    if (!Array.isArray(list)) return put(path, [value]);
    const index = where === 'first' ? 0 : list.length;
    list.splice(index, 0, value);
    const at = pointer([...path, index]);
    undo.unshift({ op: 'remove', path: at });
    // whoever else inserted something in front of ours must not cost the user one of his own
    if (isObject(value) && value['name'] !== undefined) {
      undo.unshift({ op: 'test', path: `${at}/name`, value: value['name'] });
    }
  }

  return { result, put, insert, undo: () => structuredClone(undo) };
}

function childOf(parent: Json | undefined, key: string | number): Json | undefined {
  if (Array.isArray(parent)) return parent[Number(key)];
  return isObject(parent) ? parent[key] : undefined;
}

function wrap(path: Path, value: Json): Json {
  return path.reduceRight<Json>((inner, key) => ({ [key]: inner }), value);
}

function pointer(path: Path): string {
  return path.map((key) => `/${String(key).replace(/~/g, '~0').replace(/\//g, '~1')}`).join('');
}
