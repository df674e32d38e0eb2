import { hindranceOf } from './readiness.js';
import { isClientless, joinerOf, type Situation } from './situation.js';
import { estrangedIn, isLetGo } from './switchOver.js';
import { turnOf } from './retire.js';
import type { Verdict } from './verdict.js';

/**
 * Step 2, downwards: an autoscaler reaches what is active during a long wait too, and the wait goes on meanwhile. Where the switch is to come
 * by itself, what is active keeps its size until then: its clients would move to nodes that they have to leave too.
 */
export function shrink(situation: Situation): Verdict | undefined {
  const { observed, active, wanted, wantedSize } = situation;
  if (active === wanted || wantedSize === 0 || joinerOf(situation)) return undefined;
  const surplus = [isSwitchNear(situation) ? undefined : active, wanted].find(
    (set) => set && set.size > wantedSize,
  );
  if (!surplus) return undefined;
  // A blue that is wanted again keeps its clients until it is active: else they would move there and back.
  if (surplus === wanted && !isClientless(wanted, observed.sets)) return undefined;
  const turn = turnOf(surplus, wantedSize, situation);
  return turn && turn.step.kind !== 'wait' ? { ...turn, phase: 'Progressing' } : undefined;
}

/** Nobody has to act for the Services to be switched. */
function isSwitchNear(situation: Situation): boolean {
  const { observed, wanted } = situation;
  if (!wanted || observed.services.length === 0 || estrangedIn(observed).length > 0) return false;
  const hindrance = hindranceOf(situation, wanted);
  if (!hindrance) return isLetGo(situation);
  return !hindrance.stalled && !wanted.pods.some(({ ready, failing }) => failing && !ready);
}
