import type { SidecarReport } from '../lib/control.js';
import type { NodeSet, Observed, Pod } from './model.js';
import type { Hindrance } from './hindrance.js';
import { evacuationOf, isDrained, mayRun } from './drained.js';
import { foreignEvacuationOf } from './foreign.js';
import { isAnybodyHeard, nodeOf } from './situation.js';
import { counted } from '../lib/words.js';

/** Pods of any set that are on their way out, whoever asked for it, and whose node has not handed everything over yet. */
export function drainingPods(observed: Observed): Pod[] {
  return observed.sets.flatMap((set) => set.pods.filter((pod) => isDraining(pod, set, observed)));
}

/** Its set is too small for it, a deletion is under way, or an evacuation of ours runs, and the node has not handed everything over yet. */
function isDraining(pod: Pod, set: NodeSet, observed: Observed): boolean {
  const { sets } = observed;
  if (isDrained(pod, observed)) return false;
  const isEvacuating = evacuationOf(pod, sets) !== undefined;
  // The StatefulSet controller may not have got round to deleting it yet.
  if (!pod.terminating && pod.ordinal < set.size) return isEvacuating && !foreignEvacuationOf(pod, set, sets);
  if (pod.report?.gate.kind === 'drained' || pod.report?.gate.kind === 'gaveUp') return false;
  // A node that no running node lists any more has stopped: only its pod's end is left.
  return mayRun(pod, sets) || isEvacuating || isUntold(set, sets);
}

/** Nobody could say whether its nodes run; those of pods without a gate go one by one in any case. */
function isUntold({ kind }: NodeSet, sets: NodeSet[]): boolean {
  return kind !== 'declaration' && !isAnybodyHeard(sets);
}

/**
 * Whether a drain has taken longer than `drainTimeoutSeconds`; after a retry it is counted anew. An evacuation from outside takes time
 * only while somebody tells of it: a note of one alone may be of earlier days.
 */
export function isOverdue(pod: Pod, { nowMs, declaration, blueGreen, sets }: Observed): boolean {
  const acceptedAtMs = evacuationOf(pod, sets) === undefined ? undefined : pod.evacuationNote?.acceptedAtMs;
  const beganAtMs = acceptedAtMs ?? pod.deletedAtMs;
  if (beganAtMs === undefined) return false;
  const sinceMs = Math.max(beganAtMs, declaration.drainHold?.retriedAtMs ?? 0);
  return nowMs - sinceMs > blueGreen.spec.drainTimeoutSeconds * 1000;
}

/** The drains that are waited for: their figures change, the wait is the same. */
export function drainOf(pods: Pod[], observed: Observed): Hindrance {
  return {
    message: pods.map((pod) => drainWords(pod, observed)).join('; '),
    about: `${pods.map(({ name }) => name).join(', ')} to hand over and stop`,
  };
}

/** How far the drain of a pod is, in words. */
export function drainWords(pod: Pod, observed: Observed): string {
  const { sets } = observed;
  const state = evacuationOf(pod, sets)?.state;
  const node = nodeOf(pod, sets);
  const isOver = isDrained(pod, observed);
  if (!node && !isOver && (mayRun(pod, sets) || !isAnybodyHeard(sets))) {
    return `${pod.name} does not answer: whether it is drained is not known, and it is waited for until it has gone`;
  }
  const overWords = `${pod.name} is drained and stopping`;
  if (isOver || !node) return overWords;
  const counts = `${counted(node.clients, 'client')} and ${counted(node.sessions, 'session')} left`;
  const gate: SidecarReport['gate'] | undefined = pod.report?.gate;
  if (gate?.kind === 'gaveUp')
    return `${pod.name} stops with ${counted(gate.sessionsLost, 'session')} lost: ${gate.detail}`;
  // Its gate has not said so yet.
  if (state === undefined && node.sessions === 0) return overWords;
  return state === undefined
    ? `${pod.name} begins to drain, ${counts}`
    : `${pod.name} is draining (${state}), ${counts}`;
}
