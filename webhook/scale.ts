import { MOST_NODES } from '../lib/bounds.js';
import { objectAt } from '../lib/fields.js';
import { tooMany, untouched, type Answer } from './answer.js';
import { setField } from './edit.js';
import type { AdmissionRequest } from './review.js';

/** All that the webhook asks of the API server. */
export interface BlueGreens {
  /**
   * Records the size wanted in the BlueGreen, in one request.
   * @returns `'notOurs'` when there is no such BlueGreen, or the loop has never carried a size for it
   * @throws Error on any other answer, or none before `signal`
   */
  scale(
    target: { namespace: string; name: string; replicas: number; dryRun: boolean },
    signal: AbortSignal,
  ): Promise<'recorded' | 'notOurs'>;
}

/** The only call that a review waits for; the API server's own patience is longer (`timeoutSeconds` in the chart). */
const SCALE_TIMEOUT_MS = 2_000;
/** Of `spec.replicas`. */
const MAX_INT32 = 2 ** 31 - 1;

/**
 * Answers a write of `statefulsets/scale`. The object carries no labels, so whether the set is a declaration is
 * asked of the BlueGreen of that name; then the number goes there, and the Scale keeps its old value.
 * @throws Error when the API server does not take the number in time
 */
export async function admitScale(request: AdmissionRequest, blueGreens: BlueGreens): Promise<Answer> {
  if (request.operation !== 'UPDATE') return untouched();
  const { namespace, name, dryRun } = request;
  const spec = objectAt(request.object, 'spec');
  const replicas = replicasOf(spec);
  if (!Number.isInteger(replicas) || replicas < 0 || replicas > MAX_INT32) return untouched();

  const signal = AbortSignal.timeout(SCALE_TIMEOUT_MS);
  const isTooMany = replicas > MOST_NODES;
  // Whether it is ours is asked all the same: with a size that the BlueGreen could have, and nothing is recorded.
  const asked = isTooMany ? { replicas: MOST_NODES, dryRun: true } : { replicas, dryRun };
  const outcome = await blueGreens.scale({ namespace, name, ...asked }, signal);
  if (outcome === 'notOurs') return untouched();
  if (isTooMany) return tooMany(`statefulset/${name}`, replicas);

  const stored = replicasOf(objectAt(request.oldObject, 'spec'));
  return {
    kind: 'admit',
    ops: replicas === stored ? [] : [setField(spec, 'replicas', '/spec/replicas', stored)],
    warnings: [
      `sluice: ${replicas} replicas recorded in bluegreen/${name}, which sizes the nodes; ` +
        `statefulset/${name} keeps ${stored}`,
    ],
  };
}

/** A Scale leaves 0 out. */
function replicasOf(spec: { replicas?: unknown }): number {
  return typeof spec.replicas === 'number' ? spec.replicas : 0;
}
