import { at, objectsAt, textAt, timeAt } from '../lib/fields.js';
import type { Logger } from '../lib/log.js';
import type { Kube } from './kube/client.js';
import { ApiError, isNotFound } from './kube/errors.js';
import { PATH } from './kube/paths.js';
import type { NodeSet } from './model.js';
import type { Key } from './observe/observe.js';

/** What people find on a namespace that goes, beside Kubernetes' own conditions. */
const CONDITION = 'sluice.dev/Drained';
/** Pods of another declaration may have been there at the first time. */
const AGAIN_MS = 10_000;

interface Tools {
  kube: Kube;
  /** Milliseconds since the epoch. */
  now: () => number;
  log: Logger;
}

/** Whether no pod is left where some should be: their namespace may be on its way out, in which none is made any more. */
export function hasNoPods(sets: readonly Pick<NodeSet, 'size' | 'pods'>[]): boolean {
  return sets.some(({ size }) => size > 0) && sets.every(({ pods }) => pods.length === 0);
}

/**
 * Has Kubernetes look at once whether a namespace that is being deleted may go. It deletes pods first (from 1.33 on), and waits for half
 * of their grace period, which is made for long drains, before it looks again whether they have ended; any change of the namespace ends
 * that wait. Does nothing to one that stays.
 */
export async function wakeNamespace({ kube, now, log }: Tools, key: Key, signal: AbortSignal): Promise<void> {
  try {
    const namespace = await kube.get(PATH.namespaces('', key.namespace), signal);
    const conditions = objectsAt(namespace, 'status', 'conditions');
    const isGoing = at(namespace, 'metadata', 'deletionTimestamp') !== undefined;
    const last = conditions.find(({ type }) => type === CONDITION);
    if (!isGoing || now() - timeAt(last, 'lastTransitionTime') < AGAIN_MS) return;
    const condition = {
      type: CONDITION,
      status: 'True',
      reason: 'PodsEnded',
      message: `the pods of ${key.name} have drained and ended`,
      lastTransitionTime: new Date(now()).toISOString(),
    };
    await kube.jsonPatch(
      PATH.namespaces('', key.namespace, 'status'),
      [
        {
          op: 'test',
          path: '/metadata/resourceVersion',
          value: textAt(namespace, 'metadata', 'resourceVersion'),
        },
        {
          op: 'add',
          path: '/status/conditions',
          value: [...conditions.filter(({ type }) => type !== CONDITION), condition],
        },
      ],
      signal,
    );
    log.info(
      { namespace: key.namespace, declaration: key.name },
      'the namespace may go: all pods have ended',
    );
  } catch (error) {
    // It has gone, or somebody else has just changed it, which is as good.
    const isOver =
      isNotFound(error) || (error instanceof ApiError && (error.status === 409 || error.status === 422));
    if (!isOver) throw error;
  }
}
