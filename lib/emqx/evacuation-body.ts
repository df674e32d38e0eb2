import type { DrainSettings } from '../control.js';
import { isAtLeast } from './version.js';

export interface EvacuationBody {
  conn_evict_rate: number;
  sess_evict_rate: number;
  wait_takeover: number;
  wait_health_check?: number;
  migrate_to?: string[];
}

/**
 * The body of `evacuation/start` as the node's version accepts it: `wait_health_check` is unknown before 5.1.0, and
 * `wait_takeover` is at least 1 before 5.1.1.
 * @param recipients nodes that run; empty: EMQX chooses among all that are not draining
 */
export function evacuationBody(
  settings: DrainSettings,
  version: string | undefined,
  recipients: string[],
): EvacuationBody {
  const shortestTakeover = isAtLeast(version, [5, 1, 1]) ? 0 : 1;
  return {
    conn_evict_rate: settings.connEvictRate,
    sess_evict_rate: settings.sessEvictRate,
    wait_takeover: Math.max(settings.waitTakeover, shortestTakeover),
    ...(isAtLeast(version, [5, 1, 0]) ? { wait_health_check: settings.waitHealthCheck } : {}),
    ...(recipients.length > 0 ? { migrate_to: recipients } : {}),
  };
}
