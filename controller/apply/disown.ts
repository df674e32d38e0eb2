import { objectAt, objectsAt, textAt } from '../../lib/fields.js';
import type { JsonObject } from '../../lib/json.js';
import { disownSpec } from '../../lib/managed-fields.js';
import { FIELD_MANAGER } from '../../lib/names.js';
import type { Kube, PatchOperation } from '../kube/client.js';
import { ApiError } from '../kube/errors.js';

/** Each attempt reads the object anew; more than this many writers at once is somebody's hot loop. */
const ATTEMPTS = 5;

const OWN: readonly string[] = Object.values(FIELD_MANAGER);

/** Whether `metadata.managedFields` has something of ours that {@link disown} takes out. */
export function isOwned(object: JsonObject): boolean {
  return ownRemovals(object).length > 0;
}

/**
 * Takes our own entries out of an object's `metadata.managedFields`, and the fields that we hold (`replicas` and `updateStrategy` of a
 * declaration, `selector` of a Service) out of everybody's, so that no server-side apply of the user's conflicts: conflicts are computed
 * before admission, and with whoever wrote another value, an earlier client-side apply of the same file included.
 * @param written the object as the last answer showed it
 * @returns whether something was written
 */
export async function disown(
  kube: Kube,
  path: string,
  written: JsonObject,
  signal: AbortSignal,
): Promise<boolean> {
  let object = written;
  for (let attempt = 1; ; attempt += 1) {
    const removals = removalsOf(object, path);
    if (removals.length === 0) return false;
    const seen = textAt(object, 'metadata', 'resourceVersion');
    const version: PatchOperation = { op: 'test', path: '/metadata/resourceVersion', value: seen };
    try {
      const after = await kube.jsonPatch(path, [version, ...removals], signal);
      return textAt(after, 'metadata', 'resourceVersion') !== seen;
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
  const isOwn = new Set(ownEntries(object));
  const others = disownSpec(object, heldAt(path)).filter((one) => !isOwn.has(indexIn(one.path)));
  return [...others, ...ownRemovals(object)].sort((a, b) => indexIn(b.path) - indexIn(a.path));
}

/** Fields of `spec` that we hold at another value than users apply, whoever owns them. */
function heldAt(path: string): string[] {
  if (path.includes('/services/')) return ['selector'];
  return path.includes('/statefulsets/') ? ['replicas', 'updateStrategy'] : [];
}

/**
 * Where nobody but us is listed, as of a BlueGreen that we have just made, our entries keep what they have beside `spec`: the API server
 * takes an empty list for an oversight and leaves what there was, and one that is reset has a made-up owner of everything at the next
 * apply (`before-first-apply`).
 */
function ownRemovals(object: JsonObject): PatchOperation[] {
  const entries = objectsAt(object, 'metadata', 'managedFields');
  const own = ownEntries(object);
  const isAlone = own.length === entries.length;
  const kept = own.filter(
    (index) => isAlone && Object.keys(objectAt(entries[index], 'fieldsV1')).some(isNotSpec),
  );
  if (isAlone && kept.length === 0) return [];
  return own.flatMap((index): PatchOperation[] => {
    const path = `/metadata/managedFields/${index}`;
    if (!kept.includes(index)) return [{ op: 'remove', path }];
    return 'f:spec' in objectAt(entries[index], 'fieldsV1')
      ? [{ op: 'remove', path: `${path}/fieldsV1/f:spec` }]
      : [];
  });
}

function isNotSpec(key: string): boolean {
  return key !== 'f:spec';
}

/** Indices of our entries for the object itself. */
function ownEntries(object: JsonObject): number[] {
  return objectsAt(object, 'metadata', 'managedFields').flatMap(({ manager, subresource }, index) =>
    typeof manager === 'string' && OWN.includes(manager) && subresource === undefined ? [index] : [],
  );
}

function indexIn(path: string): number {
  return Number(path.split('/')[3]);
}
