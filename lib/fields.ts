import { MOST_NODES } from './bounds.js';
import { isObject, type Json, type JsonObject } from './json.js';
import { isOwnKey } from './names.js';

/** Ways into raw objects that never fail: what is missing or of another type is empty. */
export function at(raw: Json | undefined, ...path: string[]): Json | undefined {
  return path.reduce<Json | undefined>((value, key) => (isObject(value) ? value[key] : undefined), raw);
}

export function objectAt(raw: Json | undefined, ...path: string[]): JsonObject {
  const value = at(raw, ...path);
  return isObject(value) ? value : {};
}

export function objectsAt(raw: Json | undefined, ...path: string[]): JsonObject[] {
  const value = at(raw, ...path);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function textAt(raw: Json | undefined, ...path: string[]): string {
  const value = at(raw, ...path);
  return typeof value === 'string' ? value : '';
}

/** @returns `otherwise` (0) where there is no number */
export function numberAt(raw: Json | undefined, path: string[], otherwise = 0): number {
  const value = at(raw, ...path);
  return typeof value === 'number' ? value : otherwise;
}

export function labelOf(raw: JsonObject, key: string): string | undefined {
  const value = at(raw, 'metadata', 'labels', key);
  return typeof value === 'string' ? value : undefined;
}

export function annotationOf(raw: JsonObject, key: string): string | undefined {
  const value = at(raw, 'metadata', 'annotations', key);
  return typeof value === 'string' ? value : undefined;
}

/** Keys of the object's annotations that are Sluice's. */
export function ownAnnotations(raw: Json | undefined): string[] {
  return Object.keys(objectAt(raw, 'metadata', 'annotations')).filter(isOwnKey);
}

export function nameOf(raw: JsonObject): string {
  return textAt(raw, 'metadata', 'name');
}

/** The reference to the object's controller. */
export function controllerOf(raw: JsonObject): JsonObject | undefined {
  return objectsAt(raw, 'metadata', 'ownerReferences').find(({ controller }) => controller === true);
}

/** uid of the object's controller; empty without one. */
export function controllerUidOf(raw: JsonObject): string {
  return textAt(controllerOf(raw), 'uid');
}

/** Whether the object with this uid is one of its owners. */
export function isOwnedBy(raw: Json | undefined, uid: string): boolean {
  return objectsAt(raw, 'metadata', 'ownerReferences').some((owner) => owner['uid'] === uid);
}

/** Milliseconds since the epoch; NaN without a time. */
export function timeAt(raw: Json | undefined, ...path: string[]): number {
  return Date.parse(textAt(raw, ...path));
}

/** A size in an annotation, whatever a StatefulSet may have: a whole number, at least 0. */
export function sizeOf(text: string | undefined): number | undefined {
  return text !== undefined && /^(0|[1-9]\d{0,9})$/.test(text) ? Number(text) : undefined;
}

/** A size in an annotation that may be wished for: at most {@link MOST_NODES}. */
export function wishOf(text: string | undefined): number | undefined {
  const size = sizeOf(text);
  return size !== undefined && size <= MOST_NODES ? size : undefined;
}

/**
 * A pod template in the form in which it is compared: without nulls, which say nothing and which servers of different
 * ages write or leave out (`creationTimestamp`).
 */
export function plainTemplate(raw: Json | undefined): JsonObject {
  const plain = withoutNulls(raw);
  return isObject(plain) ? plain : {};
}

function withoutNulls(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item) ?? null);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined);
  return Object.fromEntries(kept.map(([key, entry]) => [key, withoutNulls(entry)]));
}
