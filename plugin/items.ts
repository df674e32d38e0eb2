import { isObject, type JsonObject } from '../lib/json.js';

/** The objects of a list; of anything else, itself. */
export function itemsIn(answer: JsonObject): JsonObject[] {
  const { items } = answer;
  return Array.isArray(items) ? items.filter(isObject) : [answer];
}
