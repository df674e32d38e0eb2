import type { Leaving } from '../../lib/remaining.js';
import type { Colour, NodePicture, NodeState } from '../../lib/page/messages.js';
import type { EmqxNodeStatus, NodeEvacuationStatus, StepOutcome, UpgradeStep } from '../../lib/types.js';
import { isOwnNode } from '../own-node.js';
import type { SeenBlueGreen } from './blue-green.js';
import { clientsOf } from './sampling.js';

/** A node as the page shows it, and as the time left is counted from it. */
export interface PodSeen {
  picture: NodePicture;
  /** It is of those that the upgrade leaves, and is still there. */
  isLeft: boolean;
  leaving: Leaving;
}

const BAD: readonly (StepOutcome | undefined)[] = ['gaveUp', 'timedOut'];

/**
 * The nodes of a BlueGreen: its own of those that EMQX lists, and those that the record of the upgrade knows, which start or have
 * drained. By their status alone, blue first. Pure.
 */
export function podsOf({ name, status }: SeenBlueGreen): PodSeen[] {
  const { upgrade, emqxNodes = [], nodeEvacuationsStatus = [] } = status;
  const steps = upgrade?.steps ?? [];
  const recorded = [...new Set(steps.flatMap(({ pod }) => pod ?? []))];
  const isSwitched = status.active === status.wanted;
  const nodes = emqxNodes.flatMap((node) => {
    const known = recorded.find((one) => hostOf(node.node).split('.')[0] === one);
    if (known === undefined && !isOwnNode(node, name)) return [];
    const pod = known ?? podNameOf(node.node);
    return { node, pod, colour: colourOf(node.revision ?? '', { name, upgrade }) };
  });
  const listed = nodes.map(({ node, pod, colour }): PodSeen => {
    const evacuation = nodeEvacuationsStatus.find((one) => one.node === node.node);
    const drain = steps.findLast((step) => step.name === 'drain' && step.pod === pod);
    const runs = node.node_status === 'running';
    const load = { clients: clientsOf(node), sessions: node.connections ?? clientsOf(node) };
    const isLeaving = upgrade !== undefined && colour === 'blue';
    return {
      picture: {
        node: node.node,
        pod,
        colour,
        state: stateOf({
          node,
          evacuation,
          drain,
          isLeaving,
          isSwitched,
          isUpgrading: upgrade !== undefined,
        }),
        clients: runs ? load.clients : 0,
        sessions: runs ? load.sessions : 0,
        version: node.version ?? '',
        isBad: BAD.includes(drain?.outcome),
      },
      // One that has stopped is only listed until it leaves the cluster.
      isLeft: isLeaving && (runs || drain?.endedAt === undefined),
      leaving: { ...(runs && { load }), ...(evacuation && { evacuation }), ...(drain && { drain }) },
    };
  });
  // Where nodes go by their addresses, nobody can tell whose pod has drained: its node is listed until it leaves.
  const isByAddress = emqxNodes.some(({ node }) => isAddress(hostOf(node)));
  const unlisted = recorded
    .filter((pod) => !isByAddress && !nodes.some((one) => one.pod === pod))
    .flatMap((pod) => unlistedPod(pod, steps));
  return [...listed, ...unlisted].sort(byPod);
}

/** A pod whose node EMQX does not list: it has not joined yet, or has left already. */
function unlistedPod(pod: string, steps: readonly UpgradeStep[]): PodSeen[] {
  const own = steps.filter((step) => step.pod === pod);
  const drain = own.findLast(({ name }) => name === 'drain');
  const start = own.findLast(({ name }) => name === 'start');
  const last = drain ?? start;
  if (!last || (last.name === 'start' && last.outcome === 'interrupted')) return [];
  const isOpen = last.endedAt === undefined;
  const state: NodeState = drain ? (isOpen ? 'draining' : 'drained') : isOpen ? 'starting' : 'stopped';
  const colour: Colour = drain ? 'blue' : 'green';
  return [
    {
      picture: {
        node: '',
        pod,
        colour,
        state,
        clients: 0,
        sessions: 0,
        version: '',
        isBad: BAD.includes(drain?.outcome),
      },
      isLeft: drain !== undefined && drain.endedAt === undefined,
      leaving: { ...(drain && { drain }) },
    },
  ];
}

function stateOf({
  node,
  evacuation,
  drain,
  isLeaving,
  isSwitched,
  isUpgrading,
}: {
  node: EmqxNodeStatus;
  evacuation: NodeEvacuationStatus | undefined;
  drain: UpgradeStep | undefined;
  isLeaving: boolean;
  isSwitched: boolean;
  isUpgrading: boolean;
}): NodeState {
  const isDone = drain?.endedAt !== undefined && drain.outcome !== 'interrupted';
  if (node.node_status !== 'running') return isDone ? 'drained' : 'stopped';
  if (evacuation) return evacuation.state;
  if (drain && drain.endedAt === undefined) return 'draining';
  if (isDone) return 'drained';
  if (isLeaving) return isSwitched ? 'waiting' : 'serving';
  return isUpgrading && !isSwitched ? 'joined' : 'serving';
}

/** Of an upgrade's two sets the one that a revision belongs to: green is what the upgrade goes to, and blue all else. */
function colourOf(
  revision: string,
  { name, upgrade }: { name: string; upgrade: { from: string; to: string } | undefined },
): Colour {
  if (!upgrade || upgrade.to.endsWith(`-${revision}`)) return 'green';
  // A hand-back goes to the declaration itself, whose revision no set's name tells.
  return upgrade.to === name && !upgrade.from.endsWith(`-${revision}`) ? 'green' : 'blue';
}

function hostOf(node: string): string {
  return node.slice(node.indexOf('@') + 1);
}

/** A pod's name where a node is named by it; its address else. */
function podNameOf(node: string): string {
  const host = hostOf(node);
  return isAddress(host) ? host : (host.split('.')[0] ?? host);
}

function isAddress(host: string): boolean {
  return /^[\d.]+$|:/.test(host);
}

function byPod(a: PodSeen, b: PodSeen): number {
  const [one, other] = [a.picture, b.picture];
  if (one.colour !== other.colour) return one.colour === 'blue' ? -1 : 1;
  return one.pod.localeCompare(other.pod, 'en', { numeric: true });
}
