import type { Abilities } from '../abilities.js';
import { parseDuration, SchemaError } from './request.js';

/** What `POST /load_rebalance/{node}/start` asks for; waits in seconds. @see EMQX: emqx_node_rebalance_api.erl */
export interface RebalanceOptions {
  readonly waitHealthCheck: number;
  readonly connEvictRate: number;
  readonly sessEvictRate: number;
  readonly waitTakeover: number;
  readonly absConnThreshold: number;
  readonly absSessThreshold: number;
  readonly relConnThreshold: number;
  readonly relSessThreshold: number;
  readonly nodes: readonly string[] | undefined;
  /** Milliseconds; undefined before 5.9. */
  readonly connEvictRpcTimeoutMs: number | undefined;
  readonly sessEvictRpcTimeoutMs: number | undefined;
}

const least = {
  wait_health_check: 0,
  conn_evict_rate: 1,
  sess_evict_rate: 1,
  wait_takeover: 0,
  abs_conn_threshold: 1,
  abs_sess_threshold: 1,
  rel_conn_threshold: 1.000_001,
  rel_sess_threshold: 1.000_001,
} as const;

/** @see EMQX: emqx_node_rebalance.hrl */
export const rebalanceDefaults: RebalanceOptions = {
  waitHealthCheck: 60,
  connEvictRate: 500,
  sessEvictRate: 500,
  waitTakeover: 60,
  absConnThreshold: 1_000,
  absSessThreshold: 1_000,
  relConnThreshold: 1.1,
  relSessThreshold: 1.1,
  nodes: undefined,
  connEvictRpcTimeoutMs: undefined,
  sessEvictRpcTimeoutMs: undefined,
};

const rpcTimeouts = ['conn_evict_rpc_timeout', 'sess_evict_rpc_timeout'] as const;

/** @throws SchemaError */
export function parseRebalance(
  body: unknown,
  { hasRpcTimeouts }: Pick<Abilities, 'hasRpcTimeouts'>,
): RebalanceOptions {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new SchemaError('not an object');
  const fields: Readonly<Record<string, unknown>> = { ...body };
  for (const key of Object.keys(fields)) {
    const isTimeout = hasRpcTimeouts && (rpcTimeouts as readonly string[]).includes(key);
    if (key !== 'nodes' && !isTimeout && !Object.hasOwn(least, key))
      throw new SchemaError(`unknown field ${key}`);
  }
  const read = (key: keyof typeof least, otherwise: number): number => {
    const value = fields[key] ?? otherwise;
    if (typeof value !== 'number' || value < least[key])
      throw new SchemaError(`${key}: ${JSON.stringify(value)}`);
    return value;
  };
  const { nodes } = fields;
  if (nodes !== undefined && (!Array.isArray(nodes) || nodes.length === 0))
    throw new SchemaError('nodes: not empty');
  return {
    waitHealthCheck: read('wait_health_check', rebalanceDefaults.waitHealthCheck),
    connEvictRate: read('conn_evict_rate', rebalanceDefaults.connEvictRate),
    sessEvictRate: read('sess_evict_rate', rebalanceDefaults.sessEvictRate),
    waitTakeover: read('wait_takeover', rebalanceDefaults.waitTakeover),
    absConnThreshold: read('abs_conn_threshold', rebalanceDefaults.absConnThreshold),
    absSessThreshold: read('abs_sess_threshold', rebalanceDefaults.absSessThreshold),
    relConnThreshold: read('rel_conn_threshold', rebalanceDefaults.relConnThreshold),
    relSessThreshold: read('rel_sess_threshold', rebalanceDefaults.relSessThreshold),
    nodes: (nodes as readonly string[] | undefined) ?? undefined,
    connEvictRpcTimeoutMs: hasRpcTimeouts ? rpcTimeoutMs(fields.conn_evict_rpc_timeout) : undefined,
    sessEvictRpcTimeoutMs: hasRpcTimeouts ? rpcTimeoutMs(fields.sess_evict_rpc_timeout) : undefined,
  };
}

/** A duration; 15 s when there is none. @throws SchemaError */
function rpcTimeoutMs(value: unknown): number {
  const seconds = typeof value === 'string' ? parseDuration(value) : (value ?? 15);
  if (typeof seconds !== 'number' || seconds < 1)
    throw new SchemaError(`no duration: ${JSON.stringify(value)}`);
  return seconds * 1_000;
}

export interface Load {
  readonly node: string;
  readonly connected: number;
  readonly sessions: number;
}

export interface Split {
  readonly donors: readonly string[];
  readonly recipients: readonly string[];
  /** Averages of the recipients and donors, which the donors are brought down to. */
  readonly connGoal: number;
  readonly sessGoal: number;
}

/** Who gives and who takes: those above both thresholds over the average of the rest give. Undefined: nothing to balance. */
export function split(loads: readonly Load[], options: RebalanceOptions): Split | undefined {
  const mean = (pick: (load: Load) => number) =>
    loads.reduce((sum, load) => sum + pick(load), 0) / Math.max(1, loads.length);
  const connGoal = mean(({ connected }) => connected);
  const sessGoal = mean(({ sessions }) => sessions);
  const isAbove = (value: number, average: number, absolute: number, relative: number) =>
    value > average + absolute || value > average * relative;
  const donors = loads.filter(
    ({ connected, sessions }) =>
      isAbove(connected, connGoal, options.absConnThreshold, options.relConnThreshold) ||
      isAbove(sessions, sessGoal, options.absSessThreshold, options.relSessThreshold),
  );
  const recipients = loads.filter((load) => !donors.includes(load));
  if (donors.length === 0 || recipients.length === 0) return undefined;
  return {
    donors: donors.map(({ node }) => node),
    recipients: recipients.map(({ node }) => node),
    connGoal,
    sessGoal,
  };
}
