import type { NodeEvacuationStatus } from '../lib/types.js';
import type { NodeSet, Observed, Pod } from './model.js';
import { isNodeOf, nodeOf, reportsOf } from './situation.js';

/** Two looks at least 2 s apart have to agree; what a sidecar reports may be 10 s old while EMQX is slow. */
const EMPTY_MS = 12_000;

/**
 * Whether a node has handed everybody over, as far as that can be seen from outside: its evacuation says so; or it goes on about
 * sessions that are not here. Durable sessions are counted across the cluster, so such a node has nobody when it held no client and no
 * session for a while. A node that does not evacuate is never drained.
 */
export function isDrained(pod: Pod, { sets, nowMs }: Pick<Observed, 'sets' | 'nowMs'>): boolean {
  const evacuation = evacuationOf(pod, sets);
  if (!evacuation) return false;
  if (hasHandedOver(evacuation, sets)) return true;
  return isEmptied(pod, sets) && pod.emptySinceMs !== undefined && nowMs - pod.emptySinceMs >= EMPTY_MS;
}

/** Whether EMQX goes on to evict sessions, though the node holds nobody. */
export function isEmptied(pod: Pod, sets: NodeSet[]): boolean {
  const evacuation = evacuationOf(pod, sets);
  const node = nodeOf(pod, sets);
  if (evacuation?.state !== 'evicting_sessions' || !node) return false;
  return evacuation.stats.current_sessions > 0 && node.sessions === 0 && node.clients === 0;
}

/** What is told of the evacuation of a pod's node, by anybody; absent when nobody tells of one. */
export function evacuationOf(pod: Pod, sets: NodeSet[]): NodeEvacuationStatus | undefined {
  return reportsOf(sets)
    .flatMap(({ evacuations }) => evacuations)
    .find(({ node }) => isNodeOf(pod, node));
}

/**
 * Whether a pod's EMQX node may run: some sidecar lists it as running; or nothing is known of the pod's node, and some running node,
 * not drained yet, belongs to no pod that is known (its name is neither a pod's nor its address).
 */
export function mayRun(pod: Pod, sets: NodeSet[]): boolean {
  const listed = reportsOf(sets).flatMap(({ nodes }) => nodes);
  const own = listed.filter(({ node }) => isNodeOf(pod, node));
  if (pod.report?.self !== undefined || own.length > 0) {
    return own.some(({ node_status }) => node_status === 'running');
  }
  const drained = reportsOf(sets)
    .flatMap(({ evacuations }) => evacuations)
    .flatMap((evacuation) => (hasHandedOver(evacuation, sets) ? [evacuation.node] : []));
  const pods = sets.flatMap((set) => set.pods);
  return listed.some(
    ({ node, node_status }) =>
      node_status === 'running' && !drained.includes(node) && !pods.some((each) => isNodeOf(each, node)),
  );
}

/** EMQX's last state; EMQX 4 comes to it with some left, and nodes of 4 and 5 share no cluster. */
function hasHandedOver({ state, stats }: NodeEvacuationStatus, sets: NodeSet[]): boolean {
  if (state !== 'prohibiting') return false;
  const isV4 = reportsOf(sets).some(({ emqxApi }) => emqxApi === 'v4');
  return !isV4 || (stats.current_connected === 0 && stats.current_sessions === 0);
}
