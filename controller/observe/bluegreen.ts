import { specOf } from '../../lib/blue-green-spec.js';
import type { JsonObject } from '../../lib/json.js';
import { ANNOTATION, LABEL } from '../../lib/names.js';
import type { BlueGreen } from '../model.js';
import {
  annotationOf,
  labelOf,
  numberAt,
  objectAt,
  isOwnedBy,
  ownAnnotations,
  wishOf,
  textAt,
} from '../../lib/fields.js';

/**
 * Reads a BlueGreen. The API server has checked it against the CRD's schema and filled in the defaults.
 * @param raw absent: there is none yet, and it will be made with `defaults`
 * @param declarationUid of the StatefulSet that owns those that Sluice makes
 */
export function parseBlueGreen(
  raw: JsonObject | undefined,
  { defaults, declarationUid }: { defaults: JsonObject; declarationUid: string },
): BlueGreen {
  const carried = raw && wishOf(annotationOf(raw, ANNOTATION.replicas));
  const status = objectAt(raw, 'status');
  return {
    exists: raw !== undefined,
    isOurs: isMadeByUs(raw, declarationUid),
    isNoted: raw !== undefined && ownAnnotations(raw).length > 0,
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
    generation: numberAt(raw, ['metadata', 'generation']),
    spec: specOf(raw ? objectAt(raw, 'spec') : defaults),
    ...(carried !== undefined && { carried }),
    ...(Object.keys(status).length > 0 && { status: status }),
  };
}

/** Whether Sluice has made it; one that `kubectl replace` has put in its place has neither sign, and is the user's. */
export function isMadeByUs(raw: JsonObject | undefined, declarationUid: string): boolean {
  return raw !== undefined && (isOwnedBy(raw, declarationUid) || labelOf(raw, LABEL.managed) === 'true');
}
