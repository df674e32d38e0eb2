import type { LocalCluster } from '../../cluster/index.js';

/**
 * Deletes namespaces without the drains of their pods: with nobody left to take a session they would only show, a
 * minute long, that there is nowhere to go. Resolves when they are gone.
 */
export async function dropNamespaces(cluster: LocalCluster, ...namespaces: string[]): Promise<void> {
  await Promise.all(
    namespaces.map(async (namespace) => {
      await cluster.kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
      const pods = ['--namespace', namespace, 'delete', 'pods', '--all', '--force', '--grace-period=0'];
      await cluster.kubectl(pods);
      await cluster.kubectl(['wait', '--for=delete', `namespace/${namespace}`, '--timeout=90s']);
    }),
  );
}
