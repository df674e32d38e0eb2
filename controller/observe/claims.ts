import { at, labelOf, nameOf, objectsAt, textAt, timeAt } from '../../lib/fields.js';
import type { JsonObject } from '../../lib/json.js';
import { LABEL } from '../../lib/names.js';
import { setNameOf } from '../../lib/revision.js';
import type { Claim } from '../model.js';

/**
 * The volume claims of a declaration's revision sets: those that carry a revision's label, and the name that a StatefulSet gives to the
 * claims of that revision's set, `<template>-<set>-<ordinal>`. One that is being deleted is none any more.
 */
export function parseClaims(all: JsonObject[], declaration: JsonObject): Claim[] {
  const templates = objectsAt(declaration, 'spec', 'volumeClaimTemplates').map(nameOf);
  return all.flatMap((raw) => {
    const name = nameOf(raw);
    const revision = labelOf(raw, LABEL.revision);
    if (revision === undefined || at(raw, 'metadata', 'deletionTimestamp') !== undefined) return [];
    const set = setNameOf(nameOf(declaration), revision);
    const cut = name.lastIndexOf('-');
    const isOurs =
      /^\d+$/.test(name.slice(cut + 1)) && templates.some((each) => name.slice(0, cut) === `${each}-${set}`);
    if (!isOurs) return [];
    const createdAtMs = timeAt(raw, 'metadata', 'creationTimestamp') || 0;
    return [{ name, uid: textAt(raw, 'metadata', 'uid'), revision, createdAtMs }];
  });
}
