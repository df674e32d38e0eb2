import { EVACUATION_STATES, type EvacuationState } from '../../lib/types.js';
import { podOf } from './observations.js';
import type { NodeSeen } from './observations.js';

/** One entry of a node's `GET /nodes`. */
export interface ListedNode {
  node: string;
  isRunning: boolean;
  clients: number;
  sessions: number;
}

/** What a node says of its own evacuation. */
export interface OwnEvacuation {
  state: EvacuationState | 'none';
  initialClients: number;
  sessionsLeft: number;
}

/** The last that was heard from one pod's API. */
export interface PodAnswers {
  pod: string;
  /** When it last gave an answer; -Infinity when its port refused the last question. */
  answeredMs: number;
  listed: ListedNode[];
  evacuation: OwnEvacuation;
}

export const NO_EVACUATION: OwnEvacuation = { state: 'none', initialClients: 0, sessionsLeft: 0 };

/** A node that is busy with a batch answers late; one that has been silent for longer is not serving. */
const FRESH_MS = 5000;

/** Reads `GET /nodes`. Entries of stopped nodes have no counts. @throws TypeError when it is no list */
export function parseNodes(raw: unknown): ListedNode[] {
  if (!Array.isArray(raw)) throw new TypeError('GET /nodes gave no list');
  return raw.map((item) => {
    const { node, node_status, live_connections, connections } = fieldsOf(item);
    return {
      node: String(node),
      isRunning: node_status === 'running',
      clients: countOf(live_connections),
      sessions: countOf(connections),
    };
  });
}

/** Reads `GET /load_rebalance/status`; a rebalance or a purge is no evacuation. */
export function parseEvacuation(raw: unknown): OwnEvacuation {
  const { process, stats, ...fields } = fieldsOf(raw);
  const state = EVACUATION_STATES.find((known) => known === fields['state']);
  if (process !== 'evacuation' || state === undefined) return NO_EVACUATION;
  const { initial_connected, current_sessions } = fieldsOf(stats);
  return {
    state,
    initialClients: countOf(initial_connected),
    sessionsLeft: countOf(current_sessions),
  };
}

/**
 * The cluster as its nodes see each other. A node runs when it answers and another one that answers lists it as running
 * (its own word counts only when it is alone): a fresh node lists itself before anybody knows it.
 */
export function nodesSeen(answers: readonly PodAnswers[], nowMs: number): NodeSeen[] {
  const heard = answers.filter(({ answeredMs }) => nowMs - answeredMs <= FRESH_MS);
  return heard.flatMap((answer) => {
    const own = answer.listed.find(({ node }) => podOf(node) === answer.pod);
    if (!own) return [];
    const isListed = heard.some(
      ({ pod, listed }) =>
        (pod !== answer.pod || heard.length === 1) &&
        listed.some(({ node, isRunning }) => node === own.node && isRunning),
    );
    return [
      {
        node: own.node,
        isRunning: isListed,
        clients: own.clients,
        sessions: own.sessions,
        ...answer.evacuation,
      },
    ];
  });
}

function fieldsOf(raw: unknown): Record<string, unknown> {
  return typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
}

function countOf(raw: unknown): number {
  return typeof raw === 'number' ? raw : 0;
}
