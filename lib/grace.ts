import type { BlueGreenSpec } from './types.js';

/** Beyond the drain and the wait for a recipient: EMQX's own stop (4 s seen), the user's hook, and the kubelet's rounding. */
const STOP_SECONDS = 60;

/** Seconds that a pod may need from its deletion to its end. */
export function graceSecondsOf({
  drainTimeoutSeconds,
  noRecipientSeconds,
}: Pick<BlueGreenSpec, 'drainTimeoutSeconds' | 'noRecipientSeconds'>): number {
  return drainTimeoutSeconds + noRecipientSeconds + STOP_SECONDS;
}
