import { textAt } from './fields.js';
import { isObject, type JsonObject } from './json.js';

/**
 * A user's `spec.updateStrategy` as the API server takes it back. An apply of `type: OnDelete`, on the client's side or
 * the server's, merges into the strategy that Sluice holds and brings its partition along: `rollingUpdate` is refused
 * with any type but RollingUpdate.
 */
export function lawfulStrategy(strategy: JsonObject): JsonObject {
  if (textAt(strategy, 'type') === 'RollingUpdate') return strategy;
  return Object.fromEntries(Object.entries(strategy).filter(([key]) => key !== 'rollingUpdate'));
}

/** A strategy as it was noted, as the API server takes it back; undefined when the note is none of one. */
export function readStrategy(note: string): JsonObject | undefined {
  try {
    const noted: unknown = JSON.parse(note);
    if (!isObject(noted)) return undefined;
    const own = lawfulStrategy(noted);
    return ['RollingUpdate', 'OnDelete'].includes(textAt(own, 'type')) ? own : undefined;
  } catch {
    return undefined;
  }
}
