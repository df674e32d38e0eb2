import type { JsonObject } from '../../lib/json.js';
import { isRevision, setNameOf, setPartOf } from '../../lib/revision.js';
import {
  at,
  controllerOf,
  controllerUidOf,
  labelOf,
  nameOf,
  numberAt,
  objectAt,
  textAt,
} from '../../lib/fields.js';

/** The StatefulSets whose pods are looked at: the declaration, and the revision sets that it owns. */
export interface Owners {
  declaration: JsonObject;
  sets: JsonObject[];
}

/**
 * Name of the set that a pod is of, undefined when it is none of ours: the set that controls it; else, when its StatefulSet is gone or
 * has let it go, the one that its own name tells. No other pod can have such a name beside that set.
 */
export function setNameOfPod(pod: JsonObject, { declaration, sets }: Owners): string | undefined {
  const owner = controllerOf(pod);
  const known = [declaration, ...sets];
  const holder = known.find((set) => textAt(set, 'metadata', 'uid') === textAt(owner, 'uid'));
  if (owner && holder) return nameOf(holder);
  const name = nameOf(pod);
  const cut = name.lastIndexOf('-');
  const part = setPartOf(name);
  if (!/^\d+$/.test(name.slice(cut + 1))) return undefined;
  if (owner && (textAt(owner, 'kind') !== 'StatefulSet' || textAt(owner, 'name') !== part)) return undefined;
  // Of an earlier StatefulSet of the declaration's name: it will be gone before this one could use the name.
  if (part === nameOf(declaration)) return owner ? undefined : part;
  if (sets.some((set) => nameOf(set) === part)) return part;
  return revisionIn(part, nameOf(declaration)) === undefined ? undefined : part;
}

/** The revision that a revision set's name tells; undefined when it is none of this declaration's. */
export function revisionIn(setName: string, declaration: string): string | undefined {
  const revision = setName.slice(setName.lastIndexOf('-') + 1);
  return isRevision(revision) && setNameOf(declaration, revision) === setName ? revision : undefined;
}

/** Labels of its set's selector that a pod lacks, which nobody controls and which goes on running; undefined when there are none. */
export function lostLabels(pod: JsonObject, set: JsonObject): Record<string, string> | undefined {
  if (controllerUidOf(pod) !== '' || at(pod, 'metadata', 'deletionTimestamp') !== undefined) return undefined;
  const lost = Object.entries(objectAt(set, 'spec', 'selector', 'matchLabels')).flatMap(([key, value]) =>
    typeof value === 'string' && labelOf(pod, key) !== value ? [[key, value] as const] : [],
  );
  return lost.length > 0 ? Object.fromEntries(lost) : undefined;
}

/**
 * A pod of an earlier StatefulSet of that name, deleted with its pods: it is in the way of the set's own pod until it has ended, and is
 * never one that serves. One that was left behind is controlled by nobody.
 */
export function isOfNamesake(pod: JsonObject, set: JsonObject): boolean {
  const owner = controllerUidOf(pod);
  return owner !== '' && owner !== textAt(set, 'metadata', 'uid');
}

/** Number of a StatefulSet's first pod. */
export function firstOrdinal(set: JsonObject): number {
  return numberAt(set, ['spec', 'ordinals', 'start']);
}

/** Pods that the sets should have: those of their sizes, and those that are named beside. */
export interface ExpectedPods {
  owners: Owners;
  /** Such as EMQX lists; other names than the sets' are passed over. */
  alsoNamed: string[];
}

/**
 * Names of pods that the sets should have and that were not found by their labels: somebody may have taken those away. One after the
 * other, for a size that got past the webhook may be any number.
 */
export function* missingNames({ owners, alsoNamed }: ExpectedPods, pods: JsonObject[]): Generator<string> {
  const found = new Set(pods.map(nameOf));
  for (const set of setsOf(owners)) {
    const end = firstOrdinal(set) + sizeIn(set);
    for (let ordinal = firstOrdinal(set); ordinal < end; ordinal += 1) {
      const name = `${nameOf(set)}-${ordinal}`;
      if (!found.has(name)) yield name;
    }
  }
  for (const name of new Set(alsoNamed))
    if (!found.has(name) && isOfSet(name, owners.sets) && !isCounted(name, owners)) yield name;
}

/** Whether the sets should have a pod of this name. */
export function isExpected(name: string, { owners, alsoNamed }: ExpectedPods): boolean {
  return isCounted(name, owners) || (alsoNamed.includes(name) && isOfSet(name, owners.sets));
}

/** Whether it is one of a set's size. */
function isCounted(name: string, owners: Owners): boolean {
  const cut = name.lastIndexOf('-');
  const ordinal = /^\d+$/.test(name.slice(cut + 1)) ? Number(name.slice(cut + 1)) : NaN;
  const set = setsOf(owners).find((each) => nameOf(each) === name.slice(0, cut));
  if (!set) return false;
  return ordinal >= firstOrdinal(set) && ordinal < firstOrdinal(set) + sizeIn(set);
}

function setsOf({ declaration, sets }: Owners): JsonObject[] {
  return [declaration, ...sets];
}

function sizeIn(set: JsonObject): number {
  return numberAt(set, ['spec', 'replicas'], 1);
}

function isOfSet(podName: string, sets: JsonObject[]): boolean {
  return sets.some((set) => podName.startsWith(`${nameOf(set)}-`));
}
