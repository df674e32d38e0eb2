import { until } from '../../cluster/index.js';
import type { AnyCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';

interface BlueGreenObject {
  metadata: { generation: number };
  spec: { revisionHistoryLimit: number };
  status?: { observedGeneration?: number };
}

/** Edits the BlueGreen, and waits for a pass that has seen it: that one has seen whatever came before too. */
export async function untilObserved(cluster: AnyCluster, namespace: string): Promise<void> {
  const blueGreen = async () =>
    (await cluster.get(['--namespace', namespace, 'bluegreen', EMQX.name])) as BlueGreenObject;
  const spec = { revisionHistoryLimit: (await blueGreen()).spec.revisionHistoryLimit + 1 };
  const patch = ['--type=merge', '--patch', JSON.stringify({ spec })];
  await cluster.kubectl(['--namespace', namespace, 'patch', 'bluegreen', EMQX.name, ...patch]);
  await until(
    'the controller has seen the edit',
    async () => {
      const { metadata, status } = await blueGreen();
      return status?.observedGeneration === metadata.generation ? true : undefined;
    },
    { timeoutMs: 30_000 },
  );
}
