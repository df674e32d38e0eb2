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
  /** The headless Service names this pod, and no other pod that answers. */
  | { kind: 'none' }
  | { kind: 'some' }
  /** The Service does not even name this pod: it may be slow, or not publish pods that are not ready. */
  | { kind: 'unknown' };

export interface Alone {
  /** Milliseconds of a clock that does not jump; since when each look has found no peer. */
  sinceMs: number;
  /** Whether the Service did name this pod in the last of these looks. */
  isCertain: boolean;
}

/** Two looks this far apart must agree that there is nobody to join. */
const ALONE_MS = 1_000;
/** A Service that never names this pod: the cache of a cluster's DNS forgets after at most 30 s. */
const UNPUBLISHED_MS = 35_000;

/** Carries on for how long a node that sees only itself has had nobody to join; undefined when it has somebody. */
export function stayAlone(before: Alone | undefined, peers: Peers, nowMs: number): Alone | undefined {
  switch (peers.kind) {
    case 'some':
      return undefined;
    case 'none':
      return before?.isCertain ? before : { sinceMs: nowMs, isCertain: true };
    case 'unknown':
      return before && !before.isCertain ? before : { sinceMs: nowMs, isCertain: false };
  }
}

/** Whether a node that sees only itself may serve: there is nobody to join. */
export function hasNobodyToJoin(alone: Alone | undefined, nowMs: number): boolean {
  return alone !== undefined && nowMs - alone.sinceMs >= (alone.isCertain ? ALONE_MS : UNPUBLISHED_MS);
}
