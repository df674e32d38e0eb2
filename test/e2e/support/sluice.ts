import { BLUE_GREEN, LABEL } from '../../../lib/names.js';
import { useLocal, until } from '../../cluster/index.js';
import type { LocalCluster } from '../../cluster/index.js';
import { installSluice } from '../../demo/install.js';
import { laneEnv } from './lanes.js';
import { freeVolumes } from './volumes.js';

/** Names of the installation that the tests use; see charts/sluice. */
export const SLUICE = {
  namespace: 'sluice-system',
  controller: 'sluice-controller',
  webhook: 'sluice-webhook',
  lease: 'sluice-controller',
  control: 'sluice-control',
} as const;

/** Label of a namespace that takes only pods that keep to the strictest of Kubernetes' Pod Security Standards. */
export const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' } as const;

/**
 * The local cluster of this lane with Sluice installed, in a namespace under Pod Security `restricted`.
 * @param values of the chart, other than its own: `otel.endpoint=…`
 */
export async function useSluice(
  values: (cluster: LocalCluster) => Promise<string[]> = () => Promise.resolve([]),
): Promise<LocalCluster> {
  const say = (): void => undefined;
  const cluster = await useLocal({ env: laneEnv(process.env), say });
  await freeVolumes(cluster);
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SLUICE.namespace, labels: RESTRICTED } },
  ]);
  await installSluice(cluster, { say, set: await values(cluster) });
  await untilSeen(cluster);
  return cluster;
}

/** Waits until the API server asks the webhook: a fresh installation is ready a moment before its certificate and address are known there. */
async function untilSeen(cluster: LocalCluster): Promise<void> {
  const labels = { app: 'seen' };
  const set = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'seen', namespace: 'default', labels: { [LABEL.upgrade]: BLUE_GREEN } },
    spec: {
      serviceName: 'seen',
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'seen', image: 'none' }] } },
    },
  };
  const create = ['create', '--dry-run=server', '--filename', '-', '--output=jsonpath={.metadata.labels}'];
  await until(
    'the webhook sees what is created',
    async () => {
      const kept = await cluster.kubectl(create, { stdin: JSON.stringify(set) });
      return kept.includes(LABEL.managed) ? true : undefined;
    },
    { timeoutMs: 60_000, everyMs: 250 },
  );
}

const DEPLOYMENT = `deployment/${SLUICE.webhook}`;

/** Takes every replica of the webhook away; resolves when an API server has nobody left to ask. */
export async function removeWebhook(cluster: LocalCluster): Promise<void> {
  await cluster.kubectl(['--namespace', SLUICE.namespace, 'scale', DEPLOYMENT, '--replicas=0']);
  const endpoints = ['endpointslices', '--selector', `kubernetes.io/service-name=${SLUICE.webhook}`];
  await until(
    'the webhook has no endpoint',
    async () => {
      const slices = await cluster.get(['--namespace', SLUICE.namespace, ...endpoints]);
      const { items } = slices as { items: { endpoints: object[] | null }[] };
      return items.every((slice) => (slice.endpoints ?? []).length === 0) ? true : undefined;
    },
    { timeoutMs: 60_000 },
  );
}

/** Brings back what {@link removeWebhook} took. */
export async function restoreWebhook(cluster: LocalCluster): Promise<void> {
  await cluster.kubectl(['--namespace', SLUICE.namespace, 'scale', DEPLOYMENT, '--replicas=2']);
  const status = ['rollout', 'status', DEPLOYMENT, '--timeout=90s'];
  await cluster.kubectl(['--namespace', SLUICE.namespace, ...status]);
}
