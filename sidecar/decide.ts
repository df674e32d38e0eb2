import type { RebalanceStatus } from '../lib/emqx/parse.js';

/** What the shared directory and EMQX show at one look. */
export interface Seen {
  /** The present start of EMQX's container; '' before its first. */
  boot: string;
  /** The start whose left-over evacuation was looked for. */
  handled: string;
  /** The start that the gate last ran in; '' never. */
  gateBoot: string;
  /** Whether the node's evacuation was seen to be somebody else's. */
  isForeign: boolean;
  /** The node's own status; undefined on builds that cannot evacuate. */
  status: RebalanceStatus | undefined;
}

export type EvacuationStep =
  | { kind: 'none' }
  /** EMQX came back evacuating: it would refuse clients for ever. */
  | { kind: 'stopLeftOver' }
  /** Nothing is left over from before this start. */
  | { kind: 'markHandled' }
  | { kind: 'markForeign' }
  | { kind: 'clearForeign' };

/**
 * Whose is the evacuation that the node shows, and what follows. Pure.
 *
 * The gate of this start has a hand in it: the pod or the container is ending, so nothing is touched. EMQX has just
 * started: it was left over (by a restart in place, a claim from an earlier life, a crash) and is stopped, unless it
 * was somebody else's before. Else nobody of ours began it, and whoever did may keep it, restarts included.
 */
export function decideEvacuation({ boot, handled, gateBoot, isForeign, status }: Seen): EvacuationStep {
  if (boot === '' || gateBoot === boot) return { kind: 'none' };
  const isEvacuating = status?.kind === 'evacuating';
  if (handled !== boot) return { kind: isEvacuating && !isForeign ? 'stopLeftOver' : 'markHandled' };
  if (isEvacuating && !isForeign) return { kind: 'markForeign' };
  if (!isEvacuating && isForeign) return { kind: 'clearForeign' };
  return { kind: 'none' };
}

/** What is known of other nodes that this one ought to join. */
export type Peers =
  /** The headless Service names this pod, and every other that it names refuses connections. */
  | { kind: 'none' }
  | { kind: 'some' }
  /** The Service does not even name this pod: it may be slow, or not publish pods that are not ready. */
  | { kind: 'unknown' }
  /** It names others, none of which says that it runs, and at least one of which does not say that it does not. */
  | { kind: 'silent' }
  /** The name could not be looked up: DNS itself fails. */
  | { kind: 'unresolved' };

/** Times in milliseconds of a clock that does not jump. */
export interface Alone {
  /** Since when no look has found a peer. */
  sinceMs: number;
  /** The longest wait that one of these looks asked for. */
  waitMs: number;
  /** Since when each look was certain that there is none; undefined when the last was not. */
  certainMs: number | undefined;
}

/** Two looks this far apart must agree that there is nobody to join. */
const ALONE_MS = 1_000;
/**
 * How long looks that are not certain must go on, by why they are not. Silence is not absence: who takes clients alone
 * drops them when it joins after all. But peers may be gone for good (their machine is, or a NetworkPolicy drops what
 * comes), the Service too (which some resolvers tell as a failure), and one node that serves is better than none: so
 * each wait ends. All are well within the default progressDeadlineSeconds (600).
 */
const WAIT_MS = {
  none: 0,
  /** A Service that never names this pod: the cache of a cluster's DNS forgets after at most 30 s. */
  unknown: 35_000,
  /** Longer than a busy node stays silent, and than a pod that is gone stays in DNS. */
  silent: 60_000,
  /** Longer than a cluster's DNS takes to be started anew. */
  unresolved: 300_000,
} as const;

/** Carries on for how long a node that sees only itself has had nobody to join; undefined when it has somebody. */
export function stayAlone(before: Alone | undefined, { kind }: Peers, nowMs: number): Alone | undefined {
  if (kind === 'some') return undefined;
  return {
    sinceMs: before?.sinceMs ?? nowMs,
    waitMs: Math.max(before?.waitMs ?? 0, WAIT_MS[kind]),
    certainMs: kind === 'none' ? (before?.certainMs ?? nowMs) : undefined,
  };
}

/** Whether a node that sees only itself may serve: there is nobody to join. */
export function hasNobodyToJoin(alone: Alone | undefined, nowMs: number): boolean {
  if (!alone) return false;
  const { sinceMs, waitMs, certainMs } = alone;
  if (certainMs !== undefined && nowMs - certainMs >= ALONE_MS) return true;
  return waitMs > 0 && nowMs - sinceMs >= waitMs;
}
