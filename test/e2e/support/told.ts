import { until, type AnyCluster } from '../../cluster/index.js';

/** Events follow the step that they tell of. @returns when declaration and BlueGreen both have one of this reason */
export function untilTold(cluster: AnyCluster, namespace: string, reason: string): Promise<true> {
  return until(
    `the event ${reason} on declaration and BlueGreen`,
    async () =>
      (await toldOn(cluster, namespace, reason)).join() === 'BlueGreen,StatefulSet' ? true : undefined,
    { timeoutMs: 30_000 },
  );
}

/** Kinds of the objects that have an event of this reason. */
export async function toldOn(cluster: AnyCluster, namespace: string, reason: string): Promise<string[]> {
  const { items } = (await cluster.get([
    ...['--namespace', namespace, 'events', `--field-selector=reason=${reason}`],
  ])) as { items: { involvedObject: { kind: string } }[] };
  return [...new Set(items.map(({ involvedObject }) => involvedObject.kind))].sort();
}
