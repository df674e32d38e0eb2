import type { Strategy } from '../fleet/evidence.js';
import { isServing } from '../fleet/observations.js';
import type { Scene } from './scene.js';

type Seen = Pick<Scene, 'endpoints' | 'blueGreen' | 'nodes' | 'pods' | 'second'>;

/** Every node is there, joined, ready and in the Service, and Sluice, if it is in charge, has nothing to do. */
export function isWhole(seen: Seen, strategy: Strategy, nodes: number): boolean {
  const pods = [...seen.pods.values()];
  return (
    pods.length === nodes &&
    pods.every(({ isReady, isDeleting }) => isReady && !isDeleting) &&
    seen.endpoints?.ready.length === nodes &&
    seen.nodes?.nodes.filter(isServing).length === nodes &&
    (strategy === 'rolling' || isStable(seen))
  );
}

/**
 * The upgrade is over: none of the pods' revisions from before it is left, and everything is whole.
 * @param blue the values of the label `controller-revision-hash` before the edit
 */
export function isUpgraded(
  seen: Seen,
  strategy: Strategy,
  nodes: number,
  blue: ReadonlySet<string>,
): boolean {
  const pods = [...seen.pods.values()];
  return pods.every(({ revision }) => !blue.has(revision)) && isWhole(seen, strategy, nodes);
}

/** All clients are connected, by their own count and by the brokers'. */
export function areClientsBack({ second, nodes }: Seen, clients: number): boolean {
  const atBrokers = (nodes?.nodes ?? []).filter(isServing).reduce((sum, node) => sum + node.clients, 0);
  return second?.connected === clients && atBrokers === clients;
}

function isStable({ blueGreen }: Seen): boolean {
  return blueGreen?.phase === 'Stable' && blueGreen.active !== '' && blueGreen.active === blueGreen.wanted;
}

/** What `isWhole` still waits for, in words. */
export function whatIsMissing(seen: Seen, strategy: Strategy, nodes: number): string {
  const pods = [...seen.pods.values()];
  const parts = [
    `${pods.filter(({ isReady }) => isReady).length} of ${nodes} pods ready`,
    `${seen.nodes?.nodes.filter(isServing).length ?? 0} nodes serving`,
    `${seen.endpoints?.ready.length ?? 0} endpoints ready`,
  ];
  if (strategy === 'blue-green') {
    const { phase = '', message = '' } = seen.blueGreen ?? {};
    parts.push(seen.blueGreen ? `BlueGreen ${phase || 'without a status'}: ${message}` : 'no BlueGreen');
  }
  return parts.join(', ');
}
