import type { ForeignProcess } from '../control.js';
import { isObject, type Json, type JsonObject } from '../json.js';
import {
  EVACUATION_STATES,
  type EmqxNodeStatus,
  type EvacuationState,
  type NodeEvacuationStatus,
} from '../types.js';

/** An answer of EMQX that is not what its API documents. */
export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer';
}

export interface ClusterView {
  self: string;
  /** Names of the nodes that run, `self` included. */
  nodes: string[];
}

/** What one node says of itself at `GET /load_rebalance/status`. */
export type RebalanceStatus =
  | { kind: 'idle' }
  | { kind: 'evacuating'; evacuation: Omit<NodeEvacuationStatus, 'node'> }
  /** A rebalance or a purge, which somebody else started. */
  | { kind: 'other'; foreign: Omit<ForeignProcess, 'node'> };

/** What runs anywhere in the cluster, by `GET /load_rebalance/global_status`. */
export interface GlobalStatus {
  evacuations: NodeEvacuationStatus[];
  /** Rebalances, once for each donor, and purges. */
  foreign: ForeignProcess[];
}

/** Reads `GET /cluster`. */
export function parseCluster(raw: Json): ClusterView {
  const { self, nodes } = object(raw, 'cluster');
  return { self: string(self, 'self'), nodes: list(nodes, 'nodes').map((node) => string(node, 'nodes[]')) };
}

/** Reads `GET /nodes`. */
export function parseNodes(raw: Json): EmqxNodeStatus[] {
  return list(raw, 'nodes').map(parseNode);
}

/** Reads one entry of `GET /nodes`; a stopped node has only its name, status and role. */
function parseNode(raw: Json): EmqxNodeStatus {
  const fields = object(raw, 'nodes[]');
  return {
    node: string(fields['node'], 'node'),
    node_status: string(fields['node_status'], 'node_status'),
    ...texts(fields, ['role', 'edition', 'version', 'otp_release']),
    ...numbers(fields, ['connections', 'live_connections']),
  };
}

/** Reads `GET /load_rebalance/status`. */
export function parseStatus(raw: Json): RebalanceStatus {
  const fields = object(raw, 'status');
  if (fields['status'] === 'disabled') return { kind: 'idle' };
  if (fields['status'] !== 'enabled') throw new MalformedAnswer('status is neither enabled nor disabled');
  const process = string(fields['process'], 'process');
  return process === 'evacuation'
    ? { kind: 'evacuating', evacuation: parseEvacuation(fields) }
    : { kind: 'other', foreign: parseForeign(process === 'rebalance' ? 'rebalance' : 'purge', fields) };
}

/** Reads `GET /load_rebalance/global_status`; `purges` came with 5.2.1. */
export function parseGlobalStatus(raw: Json): GlobalStatus {
  const { evacuations, rebalances, purges } = object(raw, 'global_status');
  return {
    evacuations: objects(evacuations, 'evacuations').map((fields) => ({
      node: string(fields['node'], 'node'),
      ...parseEvacuation(fields),
    })),
    foreign: [
      ...objects(rebalances ?? [], 'rebalances').flatMap((fields) =>
        list(fields['donors'] ?? [], 'donors').map((donor) => ({
          node: string(donor, 'donors[]'),
          ...parseForeign('rebalance', fields),
        })),
      ),
      ...objects(purges ?? [], 'purges').map((fields) => ({
        node: string(fields['node'], 'node'),
        ...parseForeign('purge', fields),
      })),
    ],
  };
}

function parseForeign(process: 'rebalance' | 'purge', fields: JsonObject): Omit<ForeignProcess, 'node'> {
  const { state: word, coordinator_node: coordinator } = fields;
  return {
    process,
    state: typeof word === 'string' ? word : '',
    ...(typeof coordinator === 'string' ? { coordinator } : {}),
  };
}

function parseEvacuation(fields: JsonObject): Omit<NodeEvacuationStatus, 'node'> {
  const stats = object(fields['stats'] ?? {}, 'stats');
  return {
    state: state(fields['state']),
    connection_eviction_rate: number(fields['connection_eviction_rate']),
    session_eviction_rate: number(fields['session_eviction_rate']),
    connection_goal: number(fields['connection_goal']),
    session_goal: number(fields['session_goal']),
    session_recipients: list(fields['session_recipients'] ?? [], 'session_recipients').map((node) =>
      string(node, 'session_recipients[]'),
    ),
    stats: {
      initial_connected: number(stats['initial_connected']),
      current_connected: number(stats['current_connected']),
      initial_sessions: number(stats['initial_sessions']),
      current_sessions: number(stats['current_sessions']),
    },
  };
}

function state(raw: Json | undefined): EvacuationState {
  const found = EVACUATION_STATES.find((known) => known === raw);
  if (found === undefined) throw new MalformedAnswer('state is no state of an evacuation');
  return found;
}

function object(raw: Json | undefined, what: string): JsonObject {
  if (!isObject(raw)) throw new MalformedAnswer(`${what} is not an object`);
  return raw;
}

function list(raw: Json | undefined, what: string): Json[] {
  if (!Array.isArray(raw)) throw new MalformedAnswer(`${what} is not an array`);
  return raw;
}

function objects(raw: Json | undefined, what: string): JsonObject[] {
  return list(raw, what).map((entry) => object(entry, `${what}[]`));
}

function string(raw: Json | undefined, what: string): string {
  if (typeof raw !== 'string') throw new MalformedAnswer(`${what} is not a string`);
  return raw;
}

/** Counts and rates that a version leaves out are 0. */
function number(raw: Json | undefined): number {
  return typeof raw === 'number' ? raw : 0;
}

function texts<K extends string>(fields: JsonObject, keys: K[]): Partial<Record<K, string>> {
  return Object.fromEntries(
    keys.filter((key) => typeof fields[key] === 'string').map((key) => [key, fields[key]]),
  ) as Partial<Record<K, string>>;
}

function numbers<K extends string>(fields: JsonObject, keys: K[]): Partial<Record<K, number>> {
  return Object.fromEntries(
    keys.filter((key) => typeof fields[key] === 'number').map((key) => [key, fields[key]]),
  ) as Partial<Record<K, number>>;
}
