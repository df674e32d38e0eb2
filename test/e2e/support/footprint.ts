import { expect } from '@jest/globals';
import type { AnyCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';
import { untilObserved } from './observed.js';

/** Everything that an upgrade would change. */
export interface Footprint {
  declaration: unknown;
  sets: string[];
  pods: string[];
  selector: unknown;
  upgrades: unknown;
}

interface Item {
  metadata: { name: string; uid: string; generation: number; annotations?: Record<string, string> };
  spec: { replicas: number; selector: unknown; template: unknown };
  status: Record<string, unknown>;
}

export async function footprintOf(cluster: AnyCluster, namespace: string): Promise<Footprint> {
  const get = async (...words: string[]) => (await cluster.get(['--namespace', namespace, ...words])) as Item;
  const list = async (kind: string) =>
    ((await cluster.get(['--namespace', namespace, kind])) as { items: Item[] }).items;
  const { metadata, spec } = await get('statefulset', EMQX.name);
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) =>
    key.startsWith('sluice.dev/'),
  );
  const blueGreen = await get('bluegreen', EMQX.name);
  const identity = ({ metadata: { name, uid } }: Item) => `${name} ${uid}`;
  const sets = (await list('statefulsets')).filter((each) => each.metadata.name !== EMQX.name);
  return {
    declaration: { uid: metadata.uid, annotations, replicas: spec.replicas, template: spec.template },
    sets: sets.map((each) => `${identity(each)} generation ${each.metadata.generation}`).sort(),
    pods: (await list('pods')).map(identity).sort(),
    selector: (await get('service', EMQX.name)).spec.selector,
    upgrades: [blueGreen.status['upgrade'], blueGreen.status['history'], blueGreen.status['active']],
  };
}

/** Does something, waits until the controller has certainly seen it, and looks whether anything has begun. */
export async function startsNothing(
  cluster: AnyCluster,
  namespaces: readonly string[],
  act: () => Promise<unknown>,
): Promise<void> {
  const look = () => Promise.all(namespaces.map((namespace) => footprintOf(cluster, namespace)));
  const before = await look();
  for (const { sets, pods } of before) expect(Math.min(sets.length, pods.length)).toBeGreaterThan(0);
  await act();
  for (const namespace of namespaces) await untilObserved(cluster, namespace);
  expect(await look()).toEqual(before);
}
