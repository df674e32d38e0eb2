import { at, isOwnedBy, labelOf, nameOf, objectsAt, textAt, timeAt } from '../../lib/fields.js';
import type { JsonObject } from '../../lib/json.js';
import { LABEL } from '../../lib/names.js';
import { setNameOf } from '../../lib/revision.js';
import type { Claim } from '../model.js';

/**
 * The volume claims of a declaration's revision sets: those that carry a revision's label, and the name that a StatefulSet gives to the
 * claims of that revision's set, `<template>-<set>-<ordinal>`. One that is being deleted is none any more.
 */
export function parseClaims(all: JsonObject[], declaration: JsonObject): Claim[] {
  return all.flatMap((raw) => {
    const revision = labelOf(raw, LABEL.revision);
    if (revision === undefined || setOfClaim(raw, declaration) === undefined) return [];
    const createdAtMs = timeAt(raw, 'metadata', 'creationTimestamp') || 0;
    const owned = isOwnedBy(raw, textAt(declaration, 'metadata', 'uid'));
    return [{ name: nameOf(raw), uid: textAt(raw, 'metadata', 'uid'), revision, owned, createdAtMs }];
  });
}

/** Name of the revision set that a claim is of, by its label and name; undefined when it is none of the declaration's. */
export function setOfClaim(raw: JsonObject, declaration: JsonObject): string | undefined {
  const revision = labelOf(raw, LABEL.revision);
  const set = revision === undefined ? undefined : setNameOf(nameOf(declaration), revision);
  return set !== undefined && isClaimOf(raw, set, declaration) ? set : undefined;
}

/** Names of the claims that the declaration's own pods were given; such as those that it had before it was adopted. */
export function ownClaims(all: JsonObject[], declaration: JsonObject): string[] {
  return all
    .filter((raw) => labelOf(raw, LABEL.revision) === undefined)
    .filter((raw) => isClaimOf(raw, nameOf(declaration), declaration))
    .map(nameOf);
}

function isClaimOf(raw: JsonObject, set: string, declaration: JsonObject): boolean {
  const name = nameOf(raw);
  const cut = name.lastIndexOf('-');
  const templates = objectsAt(declaration, 'spec', 'volumeClaimTemplates').map(nameOf);
  return (
    at(raw, 'metadata', 'deletionTimestamp') === undefined &&
    /^\d+$/.test(name.slice(cut + 1)) &&
    templates.some((each) => name.slice(0, cut) === `${each}-${set}`)
  );
}
