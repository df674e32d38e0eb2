import { applyPatch, createPatch, type Operation } from 'rfc6902';
import { annotationOf, at, plainTemplate } from './fields.js';
import { takeOut } from './injected.js';
import { sameJson, type JsonObject } from './json.js';
import { ANNOTATION } from './names.js';
import { isRevision, revisionOf } from './revision.js';

/** The declaration that a set is compared with. */
export interface Asked {
  name: string;
  /** Its live template, nulls left out. */
  template: JsonObject;
}

/**
 * The declaration's template that a revision set was made from. What a policy of the cluster changed when the set was created is taken back
 * as it was noted then, so that fields which a later API server fills in on both compare equal, and an edit of the set's own does not.
 * @returns undefined when it cannot be told: somebody has edited what was injected
 */
export function madeFrom(set: JsonObject, asked: Asked): JsonObject | undefined {
  const live = plainTemplate(at(set, 'spec', 'template'));
  const note = annotationOf(set, ANNOTATION.madeFrom);
  if (note === undefined) return takeOut(live);
  // Nobody has looked at what came back yet.
  if (isRevision(note))
    return note === revisionOf(asked.name, asked.template) ? asked.template : takeOut(live);
  const patch = parsePatch(note);
  if (patch.length === 0) return takeOut(live);
  const base = structuredClone(takeOut(live) ?? live);
  return applyPatch(base, patch).every((problem) => problem === null) ? base : undefined;
}

/**
 * The note to be left on a set that was just made, once it is seen how it came back.
 * @returns undefined when it has one, or was made from another template than is asked for now
 */
export function noteOfMaking(set: JsonObject, { name, template }: Asked): string | undefined {
  const note = annotationOf(set, ANNOTATION.madeFrom);
  if (note === undefined || !isRevision(note) || note !== revisionOf(name, template)) return undefined;
  const live = plainTemplate(at(set, 'spec', 'template'));
  const own = takeOut(live) ?? live;
  return JSON.stringify(sameJson(own, template) ? [] : createPatch(own, template));
}

/** JSON pointers of what somebody changed in a set's template when it was created; none where nobody did. */
export function changedAtCreation(set: JsonObject): string[] {
  const note = annotationOf(set, ANNOTATION.madeFrom) ?? '';
  return isRevision(note) ? [] : parsePatch(note).map(({ path }) => path);
}

/** What a person has made unreadable says nothing. */
function parsePatch(text: string): Operation[] {
  try {
    const patch: unknown = JSON.parse(text);
    return Array.isArray(patch) ? (patch as Operation[]) : [];
  } catch {
    return [];
  }
}
