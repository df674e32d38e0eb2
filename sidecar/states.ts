import type { RebalanceStatus } from '../lib/emqx/parse.js';
import { EVACUATION_STATES, type EvacuationSeen, type EvacuationState } from '../lib/types.js';
import { parseGate } from './gate-state.js';
import type { Share } from './share.js';

/** An evacuation goes through five; one that is begun anew, through some again. */
const MOST = 10;

/**
 * The states that the node's evacuation has gone through since EMQX's start, as far as the program or the gate looked: EMQX may end
 * within a moment of the last one.
 */
export function statesIn(share: Pick<Share, 'read' | 'line' | 'writtenMs'>): EvacuationSeen[] {
  const noted = notedIn(share);
  const { boot, evacuation } = parseGate(share.read('gate'));
  if (!evacuation || boot !== share.line('boot') || noted.length >= MOST) return noted;
  const last = noted.at(-1);
  if (last && rankOf(evacuation.state) <= rankOf(last.state)) return noted;
  const atMs = Math.max(share.writtenMs('gate') ?? 0, last ? Date.parse(last.at) : 0);
  return [...noted, { ...evacuation, at: new Date(atMs).toISOString() }];
}

function rankOf(state: EvacuationState): number {
  return EVACUATION_STATES.indexOf(state);
}

/**
 * Those that the program saw. They lie in the share, for it may be started again in the middle. Each line is the start of EMQX, the
 * state, when it was first seen, and how many were left.
 */
function notedIn(share: Pick<Share, 'read' | 'line'>): EvacuationSeen[] {
  const boot = share.line('boot');
  return share
    .read('states')
    .split('\n')
    .flatMap((line) => {
      const [of, state = '', at = '', clients, sessions] = line.split(' ');
      if (of !== boot || boot === '' || !isState(state)) return [];
      return [{ state, at, clients: Number(clients), sessions: Number(sessions) }];
    });
}

/** Adds the present state to them when it is another one. */
export function noteState(share: Share, status: RebalanceStatus, nowMs: number): void {
  if (status.kind !== 'evacuating') return;
  const boot = share.line('boot');
  const seen = notedIn(share);
  const { state, stats } = status.evacuation;
  if (boot === '' || seen.at(-1)?.state === state || seen.length >= MOST) return;
  const at = new Date(nowMs).toISOString();
  const now = { state, at, clients: stats.current_connected, sessions: stats.current_sessions };
  const lines = [...seen, now].map((one) => [boot, one.state, one.at, one.clients, one.sessions].join(' '));
  share.write('states', `${lines.join('\n')}\n`);
}

function isState(text: string): text is EvacuationState {
  return (EVACUATION_STATES as readonly string[]).includes(text);
}
