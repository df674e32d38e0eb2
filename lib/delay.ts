import type { BlueGreenSpec } from './types.js';

/**
 * Least seconds between the switch and the first evacuation: kube-proxy reaches the new pods about 1 s after the endpoints do, and whoever
 * is sent away before that may come back to a node that is left next.
 */
const LEAST_SECONDS = 2;

/** Seconds that pass between the switch and the first evacuation. */
export function delaySecondsOf({ updateStrategy }: Pick<BlueGreenSpec, 'updateStrategy'>): number {
  return Math.max(updateStrategy.initialDelaySeconds, LEAST_SECONDS);
}
