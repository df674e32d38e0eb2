import { applyPatch, type Operation } from 'rfc6902';
import { isObject, type JsonObject } from './json.js';
import { ANNOTATION } from './names.js';

/**
 * Gives back the declaration's template that a revision set's live one was made from, by value.
 * @returns undefined when somebody else has edited what was injected, so that it cannot be told
 */
export function takeOut(template: JsonObject): JsonObject | undefined {
  const annotations = isObject(template['metadata']) ? template['metadata']['annotations'] : undefined;
  const text = isObject(annotations) ? annotations[ANNOTATION.injected] : undefined;
  if (typeof text !== 'string') return template;
  try {
    return undone(template, JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Applies an undo patch to a copy; undefined when it does not fit, for then somebody else has edited what we inserted. */
function undone(edited: JsonObject, patch: unknown): JsonObject | undefined {
  if (!Array.isArray(patch)) return undefined;
  const copy = structuredClone(edited);
  const problems = applyPatch(copy, patch as Operation[]);
  return problems.every((problem) => problem === null) ? copy : undefined;
}
