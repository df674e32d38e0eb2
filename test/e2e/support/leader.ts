import { until } from '../../cluster/index.js';
import type { LocalCluster } from '../../cluster/index.js';
import { SLUICE } from './sluice.js';

/** The controller's replica that leads. */
export interface Leader {
  pod: string;
  containerId: string;
}

/** The lease is good for 15 s, and the others look every 2 s or so; the rest is for a busy machine. */
const TAKEOVER_MS = 40_000;

interface PodObject {
  metadata: { deletionTimestamp?: string };
  status: { containerStatuses?: { containerID?: string; state: { running?: object } }[] };
}

/** Waits until a replica that runs holds the Lease. @param before one that has been killed, and does not count */
export function leaderOf(cluster: LocalCluster, before?: Leader): Promise<Leader> {
  return until(
    'a replica of the controller leads',
    async () => {
      const pod = await cluster.kubectl([
        ...['--namespace', SLUICE.namespace, 'get', 'lease', SLUICE.lease],
        '--output=jsonpath={.spec.holderIdentity}',
      ]);
      if (pod === '' || pod === before?.pod) return undefined;
      const { status } = (await cluster.get(['--namespace', SLUICE.namespace, 'pod', pod])) as PodObject;
      const [container] = status.containerStatuses ?? [];
      const containerId = container?.state.running && container.containerID;
      return containerId ? { pod, containerId } : undefined;
    },
    { timeoutMs: TAKEOVER_MS, everyMs: 250 },
  );
}

/**
 * Kills the leader as the loss of its machine would: SIGKILL, so that it releases nothing, and its pod's object goes
 * with it, so that the same replica cannot come back and go on.
 * @returns the replica that leads then
 */
export async function killLeader(cluster: LocalCluster, leader: Leader): Promise<Leader> {
  const killed = await cluster.killContainer(leader.containerId);
  if (killed === 0) throw new Error(`${leader.pod} had no process to kill`);
  await cluster.kubectl([
    ...['--namespace', SLUICE.namespace, 'delete', 'pod', leader.pod, '--force', '--grace-period=0'],
  ]);
  return leaderOf(cluster, leader);
}
