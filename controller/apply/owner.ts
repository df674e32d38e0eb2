import type { JsonObject } from '../../lib/json.js';
import { nameOf, textAt } from '../../lib/fields.js';

/** The reference to a StatefulSet that owns, and does not control. */
export function besideOwnerOf(statefulSet: JsonObject): JsonObject {
  return { ...ownerOf(statefulSet), controller: false };
}

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
