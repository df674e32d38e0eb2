import { setTimeout as pause } from 'node:timers/promises';
import type { LocalCluster } from '../cluster/index.js';
import type { SidecarFigures } from './report.js';
import { containersOf, NAMESPACE, SYSTEM_NAMESPACE } from './scene.js';
import { rounded } from './stats.js';
import { watchContainer } from './watch-container.js';

/** From Ready until what its start left behind is gone. */
const SETTLE_MS = 20_000;

/** The sidecar of a pod that the controller has made, its EMQX node joined and without a client. */
export async function benchSidecar(
  cluster: LocalCluster,
  { restSeconds, signal }: { restSeconds: number; signal: AbortSignal },
): Promise<SidecarFigures> {
  const [sidecar] = await containersOf(cluster, {
    namespace: NAMESPACE,
    selector: 'sluice.dev/revision',
    container: 'sluice',
  });
  if (!sidecar) throw new Error(`no pod in ${NAMESPACE} has a sidecar`);
  await pause(SETTLE_MS, undefined, { signal });
  const figures = await watchContainer(cluster, sidecar.id, { seconds: restSeconds, signal });
  return { seconds: restSeconds, ...figures, imageMb: await imageMbOf(cluster) };
}

/** Size of the image that the controller's pods run, as the kubelet sees it. */
async function imageMbOf(cluster: LocalCluster): Promise<number> {
  const { spec } = (await cluster.get(['-n', SYSTEM_NAMESPACE, 'deployment', 'sluice-controller'])) as {
    spec: { template: { spec: { containers: { image: string }[] } } };
  };
  const image = spec.template.spec.containers[0]?.image ?? '';
  const { items } = (await cluster.get(['nodes'])) as {
    items: { status: { images?: { names?: string[]; sizeBytes: number }[] } }[];
  };
  const found = items
    .flatMap(({ status }) => status.images ?? [])
    .find(({ names = [] }) => names.some((name) => name === image || name === `docker.io/library/${image}`));
  if (!found) throw new Error(`no node lists the image ${image}`);
  return rounded(found.sizeBytes / 1e6, 1);
}
