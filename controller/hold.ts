import { isOverdue } from './drains.js';
import type { Pod } from './model.js';
import type { Situation } from './situation.js';
import { isRetryOfDrain } from './triggers.js';
import type { Verdict } from './verdict.js';

const POLL_MS = 1_000;

/**
 * `onDrainTimeout: Hold`: once a drain has taken too long, no further pod is taken down until a person retries. That it did cannot be
 * seen any more when its pod has gone, so it is written down. Undefined when nothing is held.
 */
export function holdOf(draining: Pod[], situation: Situation): Omit<Verdict, 'phase'> | undefined {
  const { observed, wantedRevision } = situation;
  const { declaration, blueGreen, nowMs } = observed;
  const { drainHold: hold, retry } = declaration;
  const { onDrainTimeout, drainTimeoutSeconds } = blueGreen.spec;
  if (onDrainTimeout !== 'Hold') return undefined;
  const because = `has not handed over within drainTimeoutSeconds (${drainTimeoutSeconds} s)`;
  if (hold && hold.retriedAtMs === undefined) {
    if (retry !== '' && isRetryOfDrain(retry, situation)) {
      const retried = { ...hold, retriedAtMs: nowMs };
      return { step: { kind: 'holdDrains', hold: retried }, message: `${hold.pod} gets as long once more` };
    }
    return {
      step: { kind: 'wait', forMs: POLL_MS },
      message: `${hold.pod} ${because}, so no further pod is taken down: annotate sluice.dev/retry=${wantedRevision} to go on, or set spec.onDrainTimeout to Proceed`,
      about: `a retry after the drain of ${hold.pod}`,
      stalled: 'DrainHeld',
    };
  }
  const late = draining.find((pod) => isOverdue(pod, observed));
  if (!late) return undefined;
  return {
    step: { kind: 'holdDrains', hold: { pod: late.name, heldAtMs: nowMs } },
    message: `${late.name} ${because}: no further pod is taken down`,
  };
}
