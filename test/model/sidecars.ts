import type { EmqxNodeStatus, NodeEvacuationStatus } from '../../lib/types.js';
import { clientsAt, evacuationRecipients, joinedNodes, sessionsAt } from './emqx.js';
import { nodeNameOf } from './kubelet.js';
import { podNamed, versionIn, type PodObject, type World } from './world.js';

/** Every sidecar looks at its EMQX when it gets round to it, so what two of them report differs for a while. */
export function runSidecars(world: World): void {
  let shared: Shared | undefined;
  for (const pod of world.pods) {
    if (!pod.started || !pod.hasSidecar || !world.random.chance(0.6)) continue;
    shared ??= look(world);
    report(world, pod, shared);
  }
}

/** A version that no template says is one that goes with all. */
function versionOf(world: World, name: string): { version?: string } {
  const version = versionIn(podNamed(world, name)?.template ?? {});
  return version === undefined ? {} : { version };
}

interface Shared {
  clusterNodes: string[];
  nodes: EmqxNodeStatus[];
  evacuations: NodeEvacuationStatus[];
}

function look(world: World): Shared {
  const joined = joinedNodes(world);
  const running = joined.map(({ name }) => ({
    node: nodeNameOf(name),
    node_status: 'running',
    ...versionOf(world, name),
    connections: sessionsAt(world, name),
    live_connections: clientsAt(world, name),
  }));
  const stopped = [...world.members]
    .filter((name) => world.nodes.get(name)?.state !== 'joined')
    .map((name) => ({ node: nodeNameOf(name), node_status: 'stopped' }));
  const evacuations = joined.flatMap((node): NodeEvacuationStatus[] => {
    const { evacuation } = node;
    // Nodes that are busy are silently left out.
    if (!evacuation || world.random.chance(0.1)) return [];
    return [
      {
        node: nodeNameOf(node.name),
        state: evacuation.state,
        connection_eviction_rate: evacuation.connRate,
        session_eviction_rate: evacuation.sessRate,
        connection_goal: 0,
        session_goal: 0,
        session_recipients: evacuationRecipients(world, node).map(({ name }) => nodeNameOf(name)),
        stats: {
          initial_connected: evacuation.initialClients,
          current_connected: clientsAt(world, node.name),
          initial_sessions: evacuation.initialSessions,
          current_sessions: sessionsAt(world, node.name) + (world.isDurable ? 1 : 0),
        },
      },
    ];
  });
  return { clusterNodes: running.map(({ node }) => node), nodes: [...running, ...stopped], evacuations };
}

function report(world: World, pod: PodObject, shared: Shared): void {
  const node = world.nodes.get(pod.name);
  const isUp = node !== undefined && node.state !== 'starting' && node.state !== 'stuck';
  const isJoined = node?.state === 'joined';
  const name = nodeNameOf(pod.name);
  if (isUp) pod.self = name;
  // One that is a member by its disk lists the others before it has found them.
  const others = pod.disk.isMember ? [...world.members].filter((member) => member !== pod.name) : [];
  const alone: EmqxNodeStatus[] = [
    { node: name, node_status: 'running', connections: 0, live_connections: 0 },
    ...others.map((member) => ({ node: nodeNameOf(member), node_status: 'stopped' })),
  ];
  pod.report = {
    pod: pod.name,
    api: isUp ? { kind: 'ok' } : { kind: 'unreachable', detail: 'ECONNREFUSED' },
    ...(pod.self !== undefined && { self: pod.self }),
    clusterNodes: isJoined ? shared.clusterNodes : isUp ? [name] : [],
    nodes: isJoined ? shared.nodes : isUp ? alone : [],
    evacuations: isJoined ? shared.evacuations : [],
    hasEvacuation: true,
    ...(node?.evacuation?.isForeign && {
      foreign: [{ process: 'evacuation', node: name, state: node.evacuation.state }],
    }),
    joined: node?.latched ?? false,
    gate: pod.gate,
    settings: pod.settings,
  };
}
