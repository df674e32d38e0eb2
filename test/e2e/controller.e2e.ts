import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { isObject, type JsonObject } from '../../lib/json.js';
import type { BlueGreenStatus } from '../../lib/types.js';
import { until, type LocalCluster } from '../cluster/index.js';
import { deleteNamespace, EMQX, IMAGES, loadEmqx, makeNamespace, setImage } from '../demo/emqx.js';
import { emqxManifests, type Manifest } from '../demo/manifest.js';
import { useSluice } from './support/sluice.js';

jest.setTimeout(240_000);

const NAMESPACE = 'e2e-controller';
const NODES = 2;

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await useSluice();
  await loadEmqx(cluster);
}, 30 * 60_000);
afterEach(() => deleteNamespace(cluster, NAMESPACE), 240_000);

const kubectl = (...words: string[]): Promise<string> =>
  cluster.kubectl(['--namespace', NAMESPACE, ...words]);

/** The example with two nodes and short waits. */
async function start({ labelled = true }: { labelled?: boolean } = {}): Promise<void> {
  await makeNamespace(cluster, NAMESPACE);
  const strategy = labelled ? 'blue-green' : 'rolling';
  const manifests = emqxManifests(readFileSync('examples/emqx.yaml', 'utf8'), { strategy, nodes: NODES });
  await apply({
    apiVersion: 'sluice.dev/v1alpha1',
    kind: 'BlueGreen',
    metadata: { name: EMQX.name },
    spec: {
      updateStrategy: { initialDelaySeconds: 1, evacuationStrategy: { waitTakeover: 1 } },
    },
  });
  for (const manifest of manifests) await apply(manifest);
}

function containerOf(manifest: Manifest): JsonObject {
  const { template } = manifest.spec as { template: { spec: { containers: JsonObject[] } } };
  const [container] = template.spec.containers;
  if (!container) throw new Error('the example has no container');
  return container;
}

async function apply(object: object): Promise<void> {
  const words = ['--namespace', NAMESPACE, 'apply', '--filename', '-'];
  await cluster.kubectl(words, { stdin: JSON.stringify(object) });
}

async function status(): Promise<Partial<BlueGreenStatus>> {
  const blueGreen = await cluster.get(['--namespace', NAMESPACE, 'bluegreen', EMQX.name]);
  return isObject(blueGreen) && isObject(blueGreen['status']) ? blueGreen['status'] : {};
}

function untilStatus(
  what: string,
  holds: (seen: Partial<BlueGreenStatus>) => boolean,
): Promise<Partial<BlueGreenStatus>> {
  return until(
    what,
    async () => {
      const seen = await status();
      return holds(seen) ? seen : undefined;
    },
    { timeoutMs: 120_000 },
  );
}

const serves = (active: (name: string | undefined) => boolean) => (seen: Partial<BlueGreenStatus>) =>
  seen.phase === 'Stable' && seen.nodes === `${NODES}/${NODES}` && active(seen.active);

const says = (text: string) => (seen: Partial<BlueGreenStatus>) => seen.message?.includes(text) === true;

async function podsOf(revision: string): Promise<string[]> {
  const words = [
    'get',
    'pods',
    `--selector=sluice.dev/revision=${revision}`,
    '--output=jsonpath={.items[*].metadata.uid}',
  ];
  return (await kubectl(...words)).split(' ').filter(Boolean).sort();
}
const revisionIn = (name = ''): string => name.slice(name.lastIndexOf('-') + 1);

async function patchTemplate(container: JsonObject): Promise<void> {
  const patch = { spec: { template: { spec: { containers: [{ name: EMQX.container, ...container }] } } } };
  await kubectl('patch', 'statefulset', EMQX.name, '--patch', JSON.stringify(patch));
}

describe('a StatefulSet that runs when it is labelled', () => {
  it('keeps its pods, and its first edit hands them over', async () => {
    await start({ labelled: false });
    await kubectl('rollout', 'status', `statefulset/${EMQX.name}`, '--timeout=100s');
    const uids = await kubectl('get', 'pods', '--output=jsonpath={.items[*].metadata.uid}');
    await kubectl('label', 'statefulset', EMQX.name, 'sluice.dev/upgrade=blue-green');
    await untilStatus(
      'it is adopted',
      serves((name) => name === EMQX.name),
    );
    expect(await kubectl('get', 'pods', '--output=jsonpath={.items[*].metadata.uid}')).toBe(uids);

    await setImage(cluster, NAMESPACE, IMAGES.to);
    const after = await untilStatus(
      'its first upgrade is over',
      serves((name) => name !== EMQX.name),
    );
    const sizes = await kubectl(
      'get',
      'statefulsets',
      '--output=jsonpath={range .items[*]}{.metadata.name}={.spec.replicas} {end}',
    );
    expect(sizes.trim().split(' ').sort()).toEqual([`${after.active}=${NODES}`, `${EMQX.name}=0`].sort());
    // nothing of what the user may own is ours, so the file is applied without force
    const file = emqxManifests(readFileSync('examples/emqx.yaml', 'utf8'), {
      strategy: 'blue-green',
      nodes: NODES,
    });
    for (const manifest of file) {
      if (manifest.kind === 'StatefulSet') containerOf(manifest)['image'] = IMAGES.to;
      const words = ['--namespace', NAMESPACE, 'apply', '--server-side', '--filename', '-'];
      await cluster.kubectl(words, { stdin: JSON.stringify(manifest) });
    }
    expect(await status()).toMatchObject({ phase: 'Stable', active: after.active });
  });
});

describe('a template that no gate can be put into', () => {
  it('is refused in words, makes nothing, and what mends it is taken up', async () => {
    await start();
    const before = await untilStatus('it serves', serves(Boolean));
    const blue = await podsOf(revisionIn(before.active));
    const sets = await kubectl('get', 'statefulsets', '--output=name');

    await patchTemplate({ image: IMAGES.to, lifecycle: { preStop: { sleep: { seconds: 5 } } } });
    const refused = await untilStatus(
      'the hook is named',
      says('preStop hook of container emqx is of kind sleep'),
    );
    expect(refused).toMatchObject({ active: before.active, nodes: `${NODES}/${NODES}` });
    expect(refused.conditions).toContainEqual(expect.objectContaining({ type: 'Stalled', status: 'True' }));
    expect(await kubectl('get', 'statefulsets', '--output=name')).toBe(sets);
    expect(await podsOf(revisionIn(before.active))).toEqual(blue);
    const events = await kubectl('get', 'events', '--output=jsonpath={.items[*].reason}');
    expect(events.split(' ')).toContain('Refused');

    await patchTemplate({ lifecycle: null });
    await untilStatus(
      'the upgrade',
      serves((name) => name !== before.active),
    );
  });
});
