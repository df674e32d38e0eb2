import { evacuationOf } from './drained.js';
import type { NodeSet, Opening } from './model.js';
import { nodeOf, spokesmanOf, stayingPods, type Situation } from './situation.js';
import { progress, type Verdict } from './verdict.js';

/** A node without a sidecar that stays after all takes clients again. Before a green that nobody wants goes: it may be the last that can ask. */
export function reopen(situation: Situation): Verdict | undefined {
  const closed = closedOf(situation);
  const via = spokesmanOf(situation);
  if (!closed || !via) return undefined;
  return progress({ kind: 'stopEvacuation', ...closed, via: via.name }, `${closed.node} takes clients again`);
}

/** The same of what is active: nodes that are to become active open when that goes on. */
export function reopenActive(situation: Situation): Verdict | undefined {
  return situation.active?.kind === 'declaration' ? reopen(situation) : undefined;
}

/**
 * A node of an active declaration whose pod stays and which Sluice evacuates all the same, or may: fewer nodes were wanted for a while.
 * The note tells, and it alone: somebody else's evacuation is not ours to stop, that nobody reports one proves nothing, and the note
 * must not be there when the pod is to leave once more.
 */
function closedOf({
  observed,
  active,
  wanted,
  wantedSize,
}: Situation): { node: string; pod: string } | undefined {
  const set = [wanted, active].find((each) => each?.kind === 'declaration');
  if (!set) return undefined;
  return stayingPods(set)
    .filter(({ ordinal }) => ordinal < wantedSize)
    .flatMap((pod) => {
      const listed = evacuationOf(pod, observed.sets);
      const node = listed?.node ?? nodeOf(pod, observed.sets)?.node;
      // One that is to become active has nobody to hand over: there whatever runs was left on its claim.
      const isOurs = pod.evacuationNote !== undefined || (listed !== undefined && set !== active);
      return node !== undefined && isOurs ? [{ node, pod: pod.name }] : [];
    })[0];
}

/** All nodes of a set take clients again. */
export function openingOf(set: NodeSet, situation: Situation): Opening | undefined {
  const via = spokesmanOf(situation);
  const nodes = stayingPods(set).flatMap((pod) => nodeOf(pod, situation.observed.sets)?.node ?? []);
  return via && { nodes, via: via.name };
}
