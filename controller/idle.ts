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
import { closedRecords, type After } from './status/upgrade.js';

/** What of a declaration is looked for when it is not there. */
export interface Absent {
  key: Key;
  nowMs: number;
  /** What this process knows of its upgrades, all closed, and the uid of the BlueGreen that had them; absent where it never saw it. */
  last: { uid: string; records: Pick<BlueGreenStatus, 'upgrade' | 'history'> } | undefined;
  hasTrace: After['hasTrace'];
}

/**
 * Tells in the BlueGreen of a declaration that is not there that it steers nothing, once no set and no pod of it is left: who waits for the
 * next StatefulSet of that name would find the last one's `Ready`. What others made under that name, or made anew since, is not touched.
 * @returns whether something is left that has to go first
 * @throws ApiError, a conflict where somebody was faster
 */
export async function idleBlueGreen(
  kube: Kube,
  { key, nowMs, last, hasTrace }: Absent,
  signal: AbortSignal,
): Promise<boolean> {
  const blueGreen = await unlessGone(kube.get(PATH.blueGreens(key.namespace, key.name), signal));
  if (!blueGreen || isGoing(blueGreen)) return false;
  if (await isAnythingLeft(kube, key, signal)) return true;
  const before = objectAt(blueGreen, 'status');
  const { upgrade, history = [] }: Partial<BlueGreenStatus> = before;
  const isSame = last?.uid === textAt(blueGreen, 'metadata', 'uid');
  const records = isSame ? last.records : { ...(upgrade && { upgrade }), history };
  const generation = numberAt(blueGreen, ['metadata', 'generation']);
  const after = asJson(
    idleStatus(key, before, { history: closedRecords(records, nowMs, hasTrace), generation }),
  );
  if (sameJson(before, after)) return false;
  const metadata = { resourceVersion: textAt(blueGreen, 'metadata', 'resourceVersion') };
  const path = PATH.blueGreens(key.namespace, key.name, 'status');
  await unlessGone(kube.mergePatch(path, { metadata, status: replacing(before, after) }, signal));
  return false;
}

async function unlessGone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
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
