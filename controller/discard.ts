import { evacuationOf, isDrained } from './drained.js';
import { drainingPods } from './drains.js';
import type { NodeSet, Pod } from './model.js';
import { hasRun } from './pairing.js';
import { openingOf } from './reopen.js';
import { mayHaveServed } from './served.js';
import { hasNobody, isAnybodyHeard, isClientless, isListed, joinerOf, type Situation } from './situation.js';
import { progress, type Verdict } from './verdict.js';

/**
 * A green that is no longer wanted goes at once while it holds nobody: if it never joined, or if something else is to be made instead,
 * or if no client could reach it, be its API silent or not.
 */
export function discard(situation: Situation): Verdict | undefined {
  const { observed, active, wanted, others } = situation;
  const isOutOfReach = ({ pods }: NodeSet): boolean => pods.every(({ ready }) => !ready);
  const isUnused = (set: NodeSet): boolean => {
    // Nobody tells of its nodes: that none of its pods is Ready proves nothing where clients have come to it.
    if (!isAnybodyHeard(observed.sets) && mayHaveServed(set, situation)) return false;
    const mayGo =
      (active !== wanted || isOutOfReach(set)) &&
      !isListed(set, situation) &&
      isClientless(set, observed.sets);
    if (set.kind === 'revisionSet') return mayGo || hasNobody(set, observed.sets);
    // Its pods have no gate, should somebody come after all; they are in the way only of a hand-back to another template.
    return set.revision !== '' && active !== wanted && mayGo;
  };
  const unwanted = others.find(
    (set) =>
      set.kind !== 'lost' &&
      (set.size > 0 || set.pods.some(({ terminating }) => !terminating)) &&
      isUnused(set),
  );
  if (!unwanted) return undefined;
  if (joinerOf(situation) && !hasNobody(unwanted, observed.sets)) return undefined;
  // Whoever joins meanwhile may be given sessions, and would hand them on beside the node that drains now.
  const mayJoin = unwanted.pods.some(({ ready, failing, terminating }) => !ready && !failing && !terminating);
  if (mayJoin && drainingPods(observed).length >= observed.blueGreen.spec.maxConcurrentDrains)
    return undefined;
  // Nodes of what is active or wanted hand over to any other that has joined, whoever asked for it: sessions may be on their way.
  const kept = [active, wanted].flatMap((set) => set?.pods ?? []);
  const draining = drainingPods(observed);
  const isGiving = (pod: Pod): boolean =>
    draining.includes(pod) || (evacuationOf(pod, observed.sets) !== undefined && !isDrained(pod, observed));
  if (hasRun(unwanted, observed.sets) && kept.some(isGiving)) return undefined;
  const because = `${unwanted.name} is no longer wanted and holds no client`;
  // A set older than the active one was active once, and is kept at 0 to go back to. One with claims stays until they have gone. The
  // declaration is older than any.
  const { hasClaims, handingBack } = observed.declaration;
  const isNever = unwanted.kind === 'revisionSet' && !handingBack && !hasClaims && active !== undefined;
  if (isNever && unwanted.createdAtMs > active.createdAtMs) {
    return progress({ kind: 'deleteSet', set: unwanted.name, because }, because);
  }
  const open = unwanted.kind === 'declaration' ? openingOf(unwanted, situation) : undefined;
  return progress({ kind: 'resize', set: unwanted.name, to: 0, because, ...(open && { open }) }, because);
}
