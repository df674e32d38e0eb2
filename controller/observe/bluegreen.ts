import { drainNumber, MOST_NODES } from '../../lib/bounds.js';
import { isObject, type Json, type JsonObject } from '../../lib/json.js';
import { ANNOTATION, LABEL } from '../../lib/names.js';
import { DEFAULT_SPEC, type BlueGreenSpec } from '../../lib/types.js';
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

/**
 * A whole spec: what is given, and the defaults for what is not. An object stored under an older CRD lacks newer fields, and has numbers
 * that nothing could be done with: they count as the nearest that can be.
 */
export function specOf(given: JsonObject): BlueGreenSpec {
  const spec = filled(DEFAULT_SPEC as unknown as JsonObject, given) as unknown as BlueGreenSpec;
  const { updateStrategy, noRecipientSeconds, replicas } = spec;
  const { connEvictRate, sessEvictRate, waitTakeover } = updateStrategy.evacuationStrategy;
  return {
    ...spec,
    ...(replicas !== undefined && { replicas: Math.min(replicas, MOST_NODES) }),
    noRecipientSeconds: drainNumber('noRecipientSeconds', noRecipientSeconds),
    updateStrategy: {
      ...updateStrategy,
      initialDelaySeconds: drainNumber('waitHealthCheck', updateStrategy.initialDelaySeconds),
      evacuationStrategy: {
        connEvictRate: drainNumber('connEvictRate', connEvictRate),
        sessEvictRate: drainNumber('sessEvictRate', sessEvictRate),
        waitTakeover: drainNumber('waitTakeover', waitTakeover),
      },
    },
  };
}

function filled(defaults: JsonObject, given: JsonObject): JsonObject {
  const whole: JsonObject = { ...defaults };
  for (const [key, value] of Object.entries(given)) {
    const other: Json | undefined = defaults[key];
    if (value === undefined || value === null) continue;
    whole[key] = isObject(value) && isObject(other) ? filled(other, value) : value;
  }
  return whole;
}
