import { specOf } from '../../lib/blue-green-spec.js';
import { nameOf, numberAt, objectAt, textAt, timeAt } from '../../lib/fields.js';
import type { JsonObject } from '../../lib/json.js';
import type { BlueGreenSpec, BlueGreenStatus } from '../../lib/types.js';
import type { Versioned } from '../kube/watch.js';

/** What the page keeps of a BlueGreen. */
export interface SeenBlueGreen extends Versioned {
  namespace: string;
  name: string;
  createdAtMs: number;
  generation: number;
  spec: BlueGreenSpec;
  /** Empty until the controller has first written it. */
  status: Partial<BlueGreenStatus>;
}

/** Reads one. */
export function readBlueGreen(raw: JsonObject): SeenBlueGreen {
  return {
    uid: textAt(raw, 'metadata', 'uid'),
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
    namespace: textAt(raw, 'metadata', 'namespace'),
    name: nameOf(raw),
    createdAtMs: timeAt(raw, 'metadata', 'creationTimestamp'),
    generation: numberAt(raw, ['metadata', 'generation']),
    spec: specOf(objectAt(raw, 'spec')),
    status: objectAt(raw, 'status'),
  };
}

/** `namespace/name`, as everywhere. */
export function placeOf({ namespace, name }: Pick<SeenBlueGreen, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}
