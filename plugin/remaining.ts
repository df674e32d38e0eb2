import { delaySecondsOf } from '../lib/delay.js';
import { paceOf, secondsToLeave, type LeavingNode, type Load } from '../lib/eta.js';
import type { NodeView, SetView, View } from './view.js';

/** What an upgrade still has before it. */
export interface Remaining {
  clients: number;
  nodes: number;
  /** From now, or from the switch; rates and waits alone, without what hinders. */
  seconds: number;
  from: 'now' | 'switch' | 'resume';
}

/** What is left of the upgrade in progress; undefined when there is none. Pure. */
export function remainingOf(view: View): Remaining | undefined {
  const { spec, status, sets } = view;
  const isSwitched = status.active === status.wanted;
  const left = sets.filter((set) => isLeft(set, isSwitched));
  const nodes = left.flatMap((set) => set.nodes);
  if (!status.upgrade || nodes.length === 0) return undefined;
  const leaving = nodes.map((node) => leavingNode(node, view.nowMs));
  const delay = isSwitched ? delayLeft(view) : delaySecondsOf(spec);
  const isPaused = status.phase === 'Paused';
  return {
    clients: leaving.reduce((sum, { load }) => sum + load.clients, 0),
    nodes: nodes.length,
    seconds: delay + secondsToLeave(leaving, paceOf(spec)),
    from: !isSwitched ? 'switch' : isPaused ? 'resume' : 'now',
  };
}

function isLeft({ roles }: SetView, isSwitched: boolean): boolean {
  return isSwitched ? roles.includes('leaving') : roles.includes('active');
}

function delayLeft({ spec, status, nowMs }: View): number {
  const delay = delaySecondsOf(spec);
  const switchedAt = status.upgrade?.switchedAt;
  if (status.phase !== 'Delaying') return 0;
  if (switchedAt === undefined) return delay;
  return Math.min(delay, Math.max(0, (Date.parse(switchedAt) - nowMs) / 1000 + delay));
}

const NOBODY: Load = { clients: 0, sessions: 0 };

/** A pod as the estimate takes it. */
export function leavingNode(
  { load = NOBODY, evacuation, drain, deletedAtMs }: NodeView,
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
