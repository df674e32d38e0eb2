import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalCluster } from '../../cluster/index.js';

interface Volume {
  metadata: { name: string };
  spec: { hostPath: { path: string } };
  status: { phase: string };
}

/**
 * Empties the local cluster's volumes whose claim has gone, for others to bind: nobody provisions any there, and a cluster that stays up
 * between runs would come to the end of those it began with.
 */
export async function freeVolumes(cluster: LocalCluster): Promise<void> {
  const { items } = (await cluster.get(['persistentvolumes'])) as { items: Volume[] };
  const free = [{ op: 'remove', path: '/spec/claimRef' }];
  for (const { metadata, spec } of items.filter(({ status }) => status.phase === 'Released')) {
    const { path } = spec.hostPath;
    for (const entry of await readdir(path)) await rm(join(path, entry), { recursive: true });
    const patch = ['persistentvolume', metadata.name, '--type=json', '--patch', JSON.stringify(free)];
    await cluster.kubectl(['patch', ...patch]);
  }
}
