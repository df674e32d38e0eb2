import type { JsonObject } from '../../lib/json.js';
import { nameOf, textAt } from '../../lib/fields.js';

/** The owner reference to a StatefulSet. */
export function ownerOf(statefulSet: JsonObject): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    name: nameOf(statefulSet),
    uid: textAt(statefulSet, 'metadata', 'uid'),
    controller: true,
    blockOwnerDeletion: true,
  };
}
