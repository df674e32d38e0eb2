import type { JsonObject } from '../../lib/json.js';
import { FIELD_MANAGER, type Kube } from '../kube/client.js';
import { ApiError } from '../kube/errors.js';
import { objectsAt } from '../observe/fields.js';

/** Each attempt reads the object anew; more than this many writers at once is somebody's hot loop. */
const ATTEMPTS = 5;

/** Whether `metadata.managedFields` has an entry of ours for the object itself. */
export function isOwned(object: JsonObject): boolean {
  return ownEntry(object) >= 0;
}

/**
 * Takes our own entry out of an object's `metadata.managedFields`, so that the user's next server-side apply of a field that we wrote
 * (`replicas`, a Service's selector) is no conflict: those are computed before admission.
 * @param written the object as the last answer showed it
 */
export async function disown(
  kube: Kube,
  path: string,
  written: JsonObject,
  signal: AbortSignal,
): Promise<void> {
  let object = written;
  for (let attempt = 1; ; attempt += 1) {
    const index = ownEntry(object);
    if (index < 0) return;
    const at = `/metadata/managedFields/${index}`;
    try {
      object = await kube.jsonPatch(
        path,
        [
          { op: 'test', path: `${at}/manager`, value: FIELD_MANAGER },
          { op: 'remove', path: at },
        ],
        signal,
      );
    } catch (error) {
      // the list has moved under us, or somebody wrote at the same time
      const moved = error instanceof ApiError && (error.status === 422 || error.status === 409);
      if (!moved || attempt >= ATTEMPTS) throw error;
      object = await kube.get(path, signal);
    }
  }
}

function ownEntry(object: JsonObject): number {
  return objectsAt(object, 'metadata', 'managedFields').findIndex(
    ({ manager, subresource }) => manager === FIELD_MANAGER && subresource === undefined,
  );
}
