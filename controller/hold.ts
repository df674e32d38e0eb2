import { isOverdue } from './drains.js';
import type { NodeSet, Pod } from './model.js';
import { stayingPods, type Situation } from './situation.js';
import { isRetryOfDrain } from './triggers.js';
import { progress, type Verdict } from './verdict.js';

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
    step: {
      kind: 'holdDrains',
      hold: { pod: late.name, uid: late.uid, wanted: wantedRevision, heldAtMs: nowMs },
    },
    message: `${late.name} ${because}: no further pod is taken down`,
  };
}

/**
 * A drain that is held belongs to a pod that stays after all, or to a set that an undo wants again: nobody waits for it to hand over.
 * That the pod has a successor alone says nothing: it comes where somebody deletes a pod of what is active.
 */
export function letUp({
  observed,
  active,
  wanted,
  wantedSize,
  wantedRevision,
}: Situation): Verdict | undefined {
  const { drainHold: hold } = observed.declaration;
  if (!hold || hold.retriedAtMs !== undefined) return undefined;
  const stays = (set: NodeSet | undefined, isIt: (pod: Pod) => boolean): boolean =>
    set !== undefined && stayingPods(set).some((pod) => pod.ordinal < wantedSize && isIt(pod));
  const isBack = hold.wanted !== wantedRevision && stays(wanted, ({ name }) => name === hold.pod);
  return isBack || [active, wanted].some((set) => stays(set, ({ uid }) => uid === hold.uid))
    ? progress({ kind: 'holdDrains' }, `${hold.pod} stays, and its drain is held no more`)
    : undefined;
}

/** Nothing is left to be taken down, so there is nothing to hold either. */
export function release({ observed: { declaration } }: Situation): Verdict | undefined {
  return declaration.drainHold && progress({ kind: 'holdDrains' }, 'no drain is held any more');
}
