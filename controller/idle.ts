import { at, nameOf, numberAt, objectAt, objectsAt, textAt } from '../lib/fields.js';
import { sameJson, type JsonObject } from '../lib/json.js';
import { LABEL } from '../lib/names.js';
import { setPartOf } from '../lib/revision.js';
import type { BlueGreenStatus } from '../lib/types.js';
import type { Kube } from './kube/client.js';
import { isNotFound } from './kube/errors.js';
import { PATH } from './kube/paths.js';
import type { Key } from './observe/observe.js';
import { revisionIn } from './observe/strays.js';
import { idleStatus } from './status/idle.js';
import { asJson, replacing } from './status/publish.js';
import { lastRecords } from './status/upgrade.js';

/** What of a declaration is looked for when it is not there. */
export interface Absent {
  key: Key;
  nowMs: number;
  /** What this process knows of its upgrades, all closed; absent where it never saw the declaration. */
  records: Pick<BlueGreenStatus, 'history'> | undefined;
}

/**
 * Tells in the BlueGreen of a declaration that is not there that it steers nothing, once no set and no pod of it is left: who waits for the
 * next StatefulSet of that name would find the last one's `Ready`. What others made under that name, or made anew since, is not touched.
 * @throws ApiError, a conflict where somebody was faster
 */
export async function idleBlueGreen(
  kube: Kube,
  { key, nowMs, records }: Absent,
  signal: AbortSignal,
): Promise<void> {
  const blueGreen = await read(kube, key, signal);
  if (!blueGreen || isGoing(blueGreen) || (await isAnythingLeft(kube, key, signal))) return;
  const before = objectAt(blueGreen, 'status');
  const { upgrade, history = [] }: Partial<BlueGreenStatus> = before;
  const closed = records ?? lastRecords({ ...(upgrade && { upgrade }), history }, nowMs);
  const generation = numberAt(blueGreen, ['metadata', 'generation']);
  const after = asJson(idleStatus(key, before, { ...closed, generation }));
  if (sameJson(before, after)) return;
  const metadata = { resourceVersion: textAt(blueGreen, 'metadata', 'resourceVersion') };
  const path = PATH.blueGreens(key.namespace, key.name, 'status');
  await kube.mergePatch(path, { metadata, status: replacing(before, after) }, signal);
}

async function read(
  kube: Kube,
  { namespace, name }: Key,
  signal: AbortSignal,
): Promise<JsonObject | undefined> {
  try {
    return await kube.get(PATH.blueGreens(namespace, name), signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Deleted, or about to be: it belongs to a StatefulSet that is not there. */
function isGoing(blueGreen: JsonObject): boolean {
  return (
    at(blueGreen, 'metadata', 'deletionTimestamp') !== undefined ||
    objectsAt(blueGreen, 'metadata', 'ownerReferences').some(({ kind }) => kind === 'StatefulSet')
  );
}

/** Sets that were orphaned are taken over by the next declaration, which needs to know what was known of their nodes. */
async function isAnythingLeft(kube: Kube, { namespace, name }: Key, signal: AbortSignal): Promise<boolean> {
  const [sets, pods] = await Promise.all([
    kube.list(PATH.statefulSets(namespace), { labelSelector: `${LABEL.declaration}=${name}` }, signal),
    kube.list(PATH.pods(namespace), { labelSelector: LABEL.revision }, signal),
  ]);
  return sets.length > 0 || pods.some((pod) => revisionIn(setPartOf(nameOf(pod)), name) !== undefined);
}
