import { delaySecondsOf } from './delay.js';
import { paceOf, secondsToLeave, type LeavingNode, type Load } from './eta.js';
import type { BlueGreenSpec, BlueGreenStatus, NodeEvacuationStatus, UpgradeStep } from './types.js';

/** What an upgrade still has before it. */
export interface Remaining {
  clients: number;
  nodes: number;
  /** From now, or from the switch; rates and waits alone, without what hinders. */
  seconds: number;
  from: 'now' | 'switch' | 'resume';
}

/**
 * What is left of the upgrade in progress; undefined when there is none. Pure.
 * @param nodes those of every set that is left, see `isLeft`
 */
export function remainingFor(
  nodes: readonly Leaving[],
  { spec, status, nowMs }: { spec: BlueGreenSpec; status: Partial<BlueGreenStatus>; nowMs: number },
): Remaining | undefined {
  if (!status.upgrade || nodes.length === 0) return undefined;
  const isSwitched = status.active === status.wanted;
  const leaving = nodes.map((node) => leavingNode(node, nowMs));
  const delay = isSwitched ? delayLeft(spec, status, nowMs) : delaySecondsOf(spec);
  const isPaused = status.phase === 'Paused';
  return {
    clients: leaving.reduce((sum, { load }) => sum + load.clients, 0),
    nodes: nodes.length,
    seconds: delay + secondsToLeave(leaving, paceOf(spec)),
    from: !isSwitched ? 'switch' : isPaused ? 'resume' : 'now',
  };
}

/** Seconds that are left of the delay between the switch and the first drain. */
function delayLeft(
  spec: Pick<BlueGreenSpec, 'updateStrategy'>,
  status: Pick<Partial<BlueGreenStatus>, 'phase' | 'upgrade'>,
  nowMs: number,
): number {
  const delay = delaySecondsOf(spec);
  const switchedAt = status.upgrade?.switchedAt;
  if (status.phase !== 'Delaying') return 0;
  if (switchedAt === undefined) return delay;
  return Math.min(delay, Math.max(0, (Date.parse(switchedAt) - nowMs) / 1000 + delay));
}

/** What is known of a node that is to be left. */
export interface Leaving {
  /** Absent: EMQX does not list it as running. */
  load?: Load;
  evacuation?: NodeEvacuationStatus;
  /** Its drain, as the controller has recorded it. */
  drain?: UpgradeStep;
  /** Since when its pod's deletion is under way. */
  deletedAtMs?: number;
}

const NOBODY: Load = { clients: 0, sessions: 0 };

/** A node as the estimate takes it. */
export function leavingNode(
  { load = NOBODY, evacuation, drain, deletedAtMs }: Leaving,
  nowMs: number,
): LeavingNode {
  // A drain that was interrupted is to come again.
  const recorded = drain?.outcome === 'interrupted' ? undefined : drain;
  if (!evacuation && !recorded && deletedAtMs === undefined) return { load };
  const { stats, state } = evacuation ?? {};
  // A node that EMQX no longer lists as running has nothing left to hand over.
  const isDone = load === NOBODY || recorded?.endedAt !== undefined;
  const beganMs = recorded ? Date.parse(recorded.startedAt) : deletedAtMs;
  const { clients, sessions } = {
    clients: stats?.initial_connected ?? recorded?.clients,
    sessions: stats?.initial_sessions ?? recorded?.sessions,
  };
  return {
    load,
    drain: {
      ...(isDone ? { state: 'prohibiting' } : state !== undefined && { state }),
      ...(clients !== undefined && { initial: { clients, sessions: sessions ?? clients } }),
      ...(recorded?.endedAt !== undefined && {
        doneForSeconds: Math.max(0, (nowMs - Date.parse(recorded.endedAt)) / 1000),
      }),
      ...(beganMs !== undefined && { forSeconds: Math.max(0, (nowMs - beganMs) / 1000) }),
    },
  };
}
