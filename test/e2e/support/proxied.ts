import { until, type LocalCluster } from '../../cluster/index.js';

/**
 * Waits until kube-proxy sends connections to every one of a Service's endpoints: it learns of them after the EndpointSlice
 * shows them, and clients that came meanwhile would all be on the nodes that it knew first.
 * @param addresses of the ready pods
 * @throws WaitError
 */
export async function untilProxied(
  cluster: LocalCluster,
  { namespace, service }: { namespace: string; service: string },
  addresses: readonly string[],
): Promise<void> {
  const targets = (rules: string) =>
    new Set(
      rules
        .split('\n')
        .filter((rule) => rule.includes(`"${namespace}/${service}:`))
        .flatMap((rule) => /--to-destination ([^:]+):/.exec(rule)?.[1] ?? []),
    );
  await until(
    `kube-proxy knows ${addresses.join(', ')} of service/${service}`,
    async () => {
      const known = targets(await cluster.runInNetwork('iptables-save', ['-t', 'nat']));
      return addresses.length > 0 && addresses.every((address) => known.has(address)) ? true : undefined;
    },
    { timeoutMs: 30_000 },
  );
}
