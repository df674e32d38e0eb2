import { isLeft } from '../../lib/left.js';
import type { EmqxNodeStatus, NodeEvacuationStatus } from '../../lib/types.js';
import type { NodeSet } from '../model.js';
import { isNodeOf } from '../situation.js';

/**
 * EMQX's nodes as all sidecars together know them, each by its own word where it gave one.
 * @param former what this said last: whose a stopped node was, when its name does not tell
 */
export function emqxNodes(sets: NodeSet[], former: EmqxNodeStatus[]): EmqxNodeStatus[] {
  const known = new Map<string, { node: EmqxNodeStatus; weight: number }>();
  for (const pod of sets.flatMap(({ pods }) => pods)) {
    for (const node of pod.report?.nodes ?? []) {
      const weight = pod.report?.self === node.node ? 2 : node.node_status === 'running' ? 1 : 0;
      if (weight >= (known.get(node.node)?.weight ?? -1)) known.set(node.node, { node, weight });
    }
  }
  return [...known.values()].map(({ node }) => listed(node, sets, former)).sort(byName);
}

/** The evacuations that any sidecar reports; absence from one report says nothing. */
export function evacuations(sets: NodeSet[]): NodeEvacuationStatus[] {
  const known = new Map<string, NodeEvacuationStatus>();
  for (const { report } of sets.flatMap(({ pods }) => pods)) {
    for (const evacuation of report?.evacuations ?? []) {
      const isOwnWord = report?.self === evacuation.node;
      if (isOwnWord || !known.has(evacuation.node)) known.set(evacuation.node, evacuation);
    }
  }
  return [...known.values()].sort(byName);
}

/**
 * Clients connected to nodes that are left, or will be after the switch, of which some pod is there. EMQX before 5.1 counts sessions only:
 * these, then.
 */
export function clientsLeft(nodes: EmqxNodeStatus[], sets: NodeSet[], wanted: string): number {
  const left = sets.filter(({ name }) => isLeft(name, wanted)).flatMap(({ pods }) => pods);
  return nodes
    .filter(({ node, node_status }) => node_status === 'running' && left.some((pod) => isNodeOf(pod, node)))
    .reduce((sum, { live_connections, connections }) => sum + (live_connections ?? connections ?? 0), 0);
}

/** Only the fields that the resource's schema has, so that a newer EMQX's do not make every status a changed one. */
function listed(node: EmqxNodeStatus, sets: NodeSet[], former: EmqxNodeStatus[]): EmqxNodeStatus {
  const set = sets.find(({ pods }) => pods.some((pod) => isNodeOf(pod, node.node)));
  const { role, edition, version, otp_release, connections, live_connections } = node;
  const last = former.find((each) => each.node === node.node);
  // Somebody else's may run at its address by now.
  const revision = set ? set.revision : node.node_status === 'stopped' ? last?.revision : undefined;
  return {
    node: node.node,
    node_status: node.node_status,
    ...(role !== undefined && { role }),
    ...(edition !== undefined && { edition }),
    ...(version !== undefined && { version }),
    ...(otp_release !== undefined && { otp_release }),
    ...(connections !== undefined && { connections }),
    ...(live_connections !== undefined && { live_connections }),
    ...(revision !== undefined && revision !== '' && { revision }),
  };
}

function byName(a: { node: string }, b: { node: string }): number {
  return a.node < b.node ? -1 : a.node > b.node ? 1 : 0;
}
