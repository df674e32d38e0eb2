import type { Sample } from '../../lib/page/samples.js';
import type { BlueGreenStatus, EmqxNodeStatus } from '../../lib/types.js';

type Counts = Pick<Partial<BlueGreenStatus>, 'emqxNodes' | 'nodeEvacuationsStatus'>;

/** States in which EMQX, and not the client, ends connections. */
const EVICTING = ['evicting_conns', 'waiting_takeover'];

/**
 * The next sample, from a status and the one before it; undefined when it counts nobody, as before a first look. What leaves a node that
 * evicts was evicted. Pure.
 */
export function sampleOf(
  status: Counts,
  { atMs, before, last }: { atMs: number; before: Counts; last: Sample | undefined },
): Sample | undefined {
  if (!status.emqxNodes || status.emqxNodes.length === 0) return undefined;
  const clients = clientsByNode(status.emqxNodes);
  const evicting = [...(before.nodeEvacuationsStatus ?? []), ...(status.nodeEvacuationsStatus ?? [])]
    .filter(({ state }) => EVICTING.includes(state))
    .map(({ node }) => node);
  const evicted = [...new Set(evicting)].reduce(
    (sum, node) => sum + Math.max(0, (last?.clients[node] ?? 0) - (clients[node] ?? 0)),
    0,
  );
  return { seq: (last?.seq ?? 0) + 1, atMs, clients, evicted: (last?.evicted ?? 0) + evicted };
}

/** EMQX before 5.1 counts sessions only: these are its clients, then. */
export function clientsOf({ live_connections, connections }: EmqxNodeStatus): number {
  return live_connections ?? connections ?? 0;
}

function clientsByNode(nodes: readonly EmqxNodeStatus[]): Record<string, number> {
  return Object.fromEntries(
    nodes
      .filter(({ node_status }) => node_status === 'running')
      .map((node) => [node.node, clientsOf(node)] as const),
  );
}
