import { atoms, pair, term } from '../../erlang.js';
import { rebalanceDefaults, type RebalanceOptions } from '../../evacuation/rebalance.js';
import { defaultOptions, type Options } from '../../evacuation/state.js';
import { ValidationError, type Param } from './dispatch.js';

/** Of the nodes named, those that could take part. @throws ValidationError on a name that the cluster never knew */
export type Available = (names: readonly string[]) => Promise<readonly string[]>;

/** Reads what `evacuation/start` is given. @throws ValidationError, worded as EMQX 4.4 words it */
export async function parseEvacuation(params: readonly Param[], available: Available): Promise<Options> {
  let options: Options = { ...defaultOptions, waitHealthCheck: undefined };
  for (const { key, value } of params) {
    switch (key) {
      case 'conn_evict_rate':
        options = { ...options, connEvictRate: positive(key, value) };
        break;
      case 'sess_evict_rate':
        options = { ...options, sessEvictRate: positive(key, value) };
        break;
      case 'wait_takeover':
        options = { ...options, waitTakeover: positive(key, value) };
        break;
      case 'redirect_to':
        if (typeof value !== 'string') throw new ValidationError('invalid string in server_reference');
        options = { ...options, serverReference: value };
        break;
      case 'migrate_to':
        options = { ...options, migrateTo: await nodes(key, value, available) };
        break;
      case undefined:
      default:
        throw new ValidationError(`Unknown evacuation param: ${written(key, value)}`);
    }
  }
  return options;
}

const counts = {
  wait_health_check: 'waitHealthCheck',
  conn_evict_rate: 'connEvictRate',
  sess_evict_rate: 'sessEvictRate',
  wait_takeover: 'waitTakeover',
  abs_conn_threshold: 'absConnThreshold',
  abs_sess_threshold: 'absSessThreshold',
} as const;
const fractions = { rel_conn_threshold: 'relConnThreshold', rel_sess_threshold: 'relSessThreshold' } as const;

/** Reads what `/load_rebalance/{node}/start` is given. @throws ValidationError */
export async function parseRebalance(
  params: readonly Param[],
  available: Available,
): Promise<RebalanceOptions> {
  let options: RebalanceOptions = rebalanceDefaults;
  for (const { key, value } of params) {
    if (key === 'nodes') options = { ...options, nodes: await nodes(key, value, available) };
    else if (key !== undefined && isKeyOf(counts, key))
      options = { ...options, [counts[key]]: positive(key, value) };
    else if (key !== undefined && isKeyOf(fractions, key)) {
      if (typeof value !== 'number' || value <= 1) throw new ValidationError(`invalid ${key} value`);
      options = { ...options, [fractions[key]]: value };
    } else throw new ValidationError(`Unknown rebalance param: ${written(key, value)}`);
  }
  return options;
}

function isKeyOf<T extends object>(table: T, key: string): key is string & keyof T {
  return Object.hasOwn(table, key);
}

/** A plain integer of at least 1: no text, no duration. */
function positive(key: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  throw new ValidationError(`invalid ${key} value`);
}

async function nodes(key: string, value: unknown, available: Available): Promise<readonly string[]> {
  if (!Array.isArray(value)) throw new ValidationError(`invalid node list in ${key}: ${term(value)}`);
  const names = value.map((name: unknown) => {
    // EMQX has no answer for it but a crash.
    if (typeof name !== 'string') throw new Error('function_clause');
    return name;
  });
  const found = await available(names);
  if (found.length === 0) throw new ValidationError(`no available nodes list in ${key}: ${atoms(names)}`);
  const missing = names.filter((name) => !found.includes(name));
  if (missing.length > 0) throw new ValidationError(`unavailable nodes in ${key}: ${atoms(missing)}`);
  return names;
}

function written(key: string | undefined, value: unknown): string {
  return key === undefined ? term(value) : pair(key, value);
}
