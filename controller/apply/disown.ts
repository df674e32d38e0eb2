import type { JsonObject } from '../../lib/json.js';
import { disownSpec } from '../../lib/managed-fields.js';
import { FIELD_MANAGER, type Kube, type PatchOperation } from '../kube/client.js';
import { ApiError } from '../kube/errors.js';
import { objectsAt, textAt } from '../../lib/fields.js';

/** Each attempt reads the object anew; more than this many writers at once is somebody's hot loop. */
const ATTEMPTS = 5;

/** Whether `metadata.managedFields` has an entry of ours for the object itself. */
export function isOwned(object: JsonObject): boolean {
  return ownEntry(object) >= 0;
}

/**
 * Takes our own entry out of an object's `metadata.managedFields`, and the fields that we hold (`replicas` and `updateStrategy` of a
 * declaration, `selector` of a Service) out of everybody's, so that no server-side apply of the user's conflicts: conflicts are computed
 * before admission, and with whoever wrote another value, an earlier client-side apply of the same file included.
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
    const removals = removalsOf(object, path);
    if (removals.length === 0) return;
    const version: PatchOperation = {
      op: 'test',
      path: '/metadata/resourceVersion',
      value: textAt(object, 'metadata', 'resourceVersion'),
    };
    try {
      object = await kube.jsonPatch(path, [version, ...removals], signal);
    } catch (error) {
      // somebody wrote at the same time
      const moved = error instanceof ApiError && (error.status === 422 || error.status === 409);
      if (!moved || attempt >= ATTEMPTS) throw error;
      object = await kube.get(path, signal);
    }
  }
}

/** Later entries first, so that the paths hold one after the other. */
function removalsOf(object: JsonObject, path: string): PatchOperation[] {
  const own = `/metadata/managedFields/${ownEntry(object)}`;
  const held = path.includes('/services/') ? ['selector'] : ['replicas', 'updateStrategy'];
  const others = disownSpec(object, held).filter((one) => `${one.path}/`.startsWith(`${own}/`) === false);
  const removals = isOwned(object) ? [...others, { op: 'remove' as const, path: own }] : others;
  return removals.sort((a, b) => indexIn(b.path) - indexIn(a.path));
}

function indexIn(path: string): number {
  return Number(path.split('/')[3]);
}

function ownEntry(object: JsonObject): number {
  return objectsAt(object, 'metadata', 'managedFields').findIndex(
    ({ manager, subresource }) => manager === FIELD_MANAGER && subresource === undefined,
  );
}
