import { readFileSync } from 'node:fs';
import { useLocal, until, type LocalCluster } from '../cluster/index.js';
import { findHolder } from '../cluster/enclosure.js';
import { settingsFrom } from '../cluster/settings.js';
import { installSluice } from '../demo/install.js';
import { emqxManifests } from '../demo/manifest.js';
import { standInImage } from '../emqx/image.js';
import { isObject } from '../../lib/json.js';

export interface Shell {
  say: (line: string) => void;
  signal: AbortSignal;
}

/** The declaration that is measured; its one node runs the EMQX stand-in. */
export const NAMESPACE = 'bench';
export const DECLARATION = 'emqx';
export const SYSTEM_NAMESPACE = 'sluice-system';
const READY_MS = 180_000;

/** Installs Sluice by its chart, and puts one EMQX node under it, settled. */
export async function setScene(cluster: LocalCluster, { say, signal }: Shell): Promise<void> {
  await installSluice(cluster, { say });
  await cluster.loadImage(await standInImage('5.8.8'));
  await cluster.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }]);
  const manifests = emqxManifests(readFileSync('examples/emqx.yaml', 'utf8'), {
    strategy: 'blue-green',
    nodes: 1,
  });
  await cluster.apply(
    manifests.map((manifest) => ({ ...manifest, metadata: { ...manifest.metadata, namespace: NAMESPACE } })),
  );
  say('waiting for one EMQX node under Sluice');
  await until('the declaration to be Stable', () => isStable(cluster), {
    timeoutMs: READY_MS,
    everyMs: 500,
    signal,
  });
}

/**
 * The local cluster of that name for `work`. One that this made is taken down however that ends; one that was there is
 * given back without what the benchmark put into it, Sluice apart.
 */
export async function onCluster(
  { name, isKept }: { name: string; isKept: boolean },
  { say }: Shell,
  work: (cluster: LocalCluster) => Promise<void>,
): Promise<void> {
  const env = { ...process.env, SLUICE_CLUSTER: name };
  const wasUp = findHolder(settingsFrom(env)) !== undefined;
  const cluster = await useLocal({ env, say });
  try {
    await work(cluster);
  } finally {
    if (isKept) say(`the cluster is left up: export KUBECONFIG=${cluster.kubeconfig}`);
    else if (wasUp) await cluster.kubectl(['delete', 'namespace', '--ignore-not-found', NAMESPACE]);
    else await cluster.down();
  }
}

/** @returns undefined until the active set is the wanted one and serves */
async function isStable(cluster: LocalCluster): Promise<true | undefined> {
  const { status } = (await cluster.get(['-n', NAMESPACE, 'bluegreen', DECLARATION])) as {
    status?: { phase?: string; readyReplicas?: number };
  };
  return status?.phase === 'Stable' && status.readyReplicas === 1 ? true : undefined;
}

/** One container of a pod that runs. */
export interface RunningContainer {
  pod: string;
  /** `containerd://…` */
  id: string;
}

/** The containers of that name, of the native sidecars too, in the pods that the selector finds. */
export async function containersOf(
  cluster: LocalCluster,
  { namespace, selector, container }: { namespace: string; selector: string; container: string },
): Promise<RunningContainer[]> {
  const { items } = (await cluster.get(['-n', namespace, 'pods', '--selector', selector])) as {
    items: { metadata: { name: string }; status: Record<string, unknown> }[];
  };
  return items.flatMap(({ metadata, status }) =>
    [status['containerStatuses'], status['initContainerStatuses']]
      .flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
      .flatMap((each) => {
        if (!isObject(each) || each['name'] !== container) return [];
        const id = each['containerID'];
        return typeof id === 'string' && id !== '' ? [{ pod: metadata.name, id }] : [];
      }),
  );
}
