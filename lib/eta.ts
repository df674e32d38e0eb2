/**
 * How long an upgrade still takes, by what its rates, waits and counts demand: the same sum as the fleet report's
 * `limitSeconds`, less what is done. Pure; times in seconds.
 */
import { unreachable } from './unreachable.js';
import type { BlueGreenSpec, EvacuationState } from './types.js';

/** Clients connected to a node, and sessions on it, those of its clients included. */
export interface Load {
  clients: number;
  sessions: number;
}

/** A node that is to be left. */
export interface LeavingNode {
  /** What it holds now. */
  load: Load;
  /** Absent: its turn has not come. */
  drain?: {
    /** Absent: EMQX has not begun. */
    state?: EvacuationState;
    /** What it held when its drain began, as far as is known. */
    initial?: Load;
    /** How long ago its drain began. */
    forSeconds?: number;
    /** How long ago it was done, so that only its stop is left. */
    doneForSeconds?: number;
  };
}

/** How fast nodes are drained. */
export interface Pace {
  /** Clients and sessions per second, of one node. */
  connEvictRate: number;
  sessEvictRate: number;
  waitTakeoverSeconds: number;
  /** Nodes at once. */
  atOnce: number;
}

/** The gate's first look, and the loop's look at the next state: each polls once a second, so half a second each. */
const REACTION_SECONDS = 1;
/** The end of the last node: EMQX's own stop (4 s seen on EMQX 5.8), and a look at its pod. */
const STOP_SECONDS = 5;

/** The pace that a BlueGreen asks for: nodes that drain at once share the rate. */
export function paceOf({
  updateStrategy: { evacuationStrategy },
  maxConcurrentDrains,
}: Pick<BlueGreenSpec, 'updateStrategy' | 'maxConcurrentDrains'>): Pace {
  const share = (rate: number): number => Math.max(1, Math.floor(rate / maxConcurrentDrains));
  return {
    connEvictRate: share(evacuationStrategy.connEvictRate),
    sessEvictRate: share(evacuationStrategy.sessEvictRate),
    waitTakeoverSeconds: evacuationStrategy.waitTakeover,
    atOnce: maxConcurrentDrains,
  };
}

/** Seconds from the beginning of the first drain until the last node has stopped; 0 when there is none to be left. */
export function secondsToLeave(nodes: readonly LeavingNode[], pace: Pace): number {
  if (nodes.length === 0) return 0;
  // The next one's turn begins when the one before is drained; it need not be gone.
  const isDraining = ({ drain }: LeavingNode): boolean =>
    drain !== undefined && drain.state !== 'prohibiting';
  const running = nodes.filter(isDraining).map((node) => secondsOf(node, pace));
  const slots = [...running, ...Array<number>(Math.max(0, pace.atOnce - running.length)).fill(0)];
  for (const node of nodes.filter(({ drain }) => !drain)) {
    const soonest = slots.indexOf(Math.min(...slots));
    slots[soonest] = (slots[soonest] ?? 0) + secondsOf(node, pace);
  }
  return Math.max(...slots) + stopSeconds(nodes);
}

/** The last node's stop; what has passed of it counts when it is all that is left. */
function stopSeconds(nodes: readonly LeavingNode[]): number {
  const passed = nodes.map(({ drain }) => (drain?.state === 'prohibiting' ? (drain.doneForSeconds ?? 0) : 0));
  return Math.max(1, STOP_SECONDS - Math.min(...passed));
}

/** Seconds that one node's drain still takes. */
function secondsOf({ load, drain }: LeavingNode, pace: Pace): number {
  const whole = wholeDrain(drain?.initial ?? load, pace);
  if (!drain) return whole;
  // By the clock where it is known; never less than what the state alone demands.
  const byClock = drain.forSeconds === undefined ? whole : whole - drain.forSeconds;
  const { least, most } = boundsOf(load, drain, pace);
  return Math.min(most, Math.max(least, byClock));
}

function wholeDrain(load: Load, pace: Pace): number {
  // With nothing to hand over, the gate asks for no wait.
  if (load.clients === 0 && load.sessions === 0) return REACTION_SECONDS;
  return REACTION_SECONDS + evicting(load.clients, pace) + pace.waitTakeoverSeconds + moving(load, pace);
}

/** What a drain's state demands at least and at most. */
function boundsOf(
  load: Load,
  { state, initial = load }: NonNullable<LeavingNode['drain']>,
  pace: Pace,
): { least: number; most: number } {
  const afterClients = pace.waitTakeoverSeconds + moving(initial, pace);
  switch (state) {
    case undefined:
    case 'waiting_health_check': {
      const rest = wholeDrain(load, pace);
      return { least: rest - REACTION_SECONDS, most: rest };
    }
    case 'evicting_conns': {
      const rest = evicting(load.clients, pace) + afterClients;
      return { least: rest, most: rest };
    }
    case 'waiting_takeover':
      return { least: moving(initial, pace), most: afterClients };
    case 'evicting_sessions': {
      const rest = Math.ceil(load.sessions / pace.sessEvictRate);
      return { least: rest, most: rest };
    }
    case 'prohibiting':
      return { least: 0, most: 0 };
    default:
      return unreachable(state);
  }
}

function evicting(clients: number, { connEvictRate }: Pace): number {
  return Math.ceil(clients / connEvictRate);
}

/** Clients take their sessions along when they come back; those of nobody are moved. */
function moving({ clients, sessions }: Load, { sessEvictRate }: Pace): number {
  return Math.ceil(Math.max(0, sessions - clients) / sessEvictRate);
}
