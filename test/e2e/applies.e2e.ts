import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../cluster/index.js';
import type { LocalCluster } from '../cluster/index.js';
import { EMQX, IMAGES, loadEmqx, makeNamespace } from '../demo/emqx.js';
import { applyFile, exampleOf, fileOf } from './support/example.js';
import { dropNamespaces } from './support/namespaces.js';
import { untilObserved } from './support/observed.js';
import { RESTRICTED, useSluice } from './support/sluice.js';

jest.setTimeout(300_000);

/** One namespace for each way to bring a file to the cluster. */
const WAYS = ['client', 'server', 'helm'] as const;
type Way = (typeof WAYS)[number];
const namespaceOf = (way: Way): string => `e2e-apply-${way}`;
const CHART = 'out/e2e/chart';

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await useSluice();
  await loadEmqx(cluster);
  makeChart();
  for (const way of WAYS) {
    await makeNamespace(cluster, namespaceOf(way));
    await cluster.apply([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespaceOf(way), labels: RESTRICTED } },
    ]);
  }
  // The upgrade between both is what makes Sluice write into fields that the files hold too.
  for (const image of [IMAGES.from, IMAGES.to]) {
    for (const way of WAYS) await bring(way, image);
    for (const way of WAYS) await untilStable(namespaceOf(way), image);
  }
}, 30 * 60_000);
afterAll(() => dropNamespaces(cluster, ...WAYS.map(namespaceOf)), 120_000);

describe('the same once more starts nothing', () => {
  it('by kubectl apply', () =>
    startsNothing('client', async () => {
      const said = await bring('client', IMAGES.to);
      expect(said).toContain('service/emqx ');
      expect(said).toContain('statefulset.apps/emqx ');
    }));

  it('by kubectl apply --server-side, without forcing conflicts', () =>
    startsNothing('server', () => bring('server', IMAGES.to)));

  it('by helm upgrade', () => startsNothing('helm', () => bring('helm', IMAGES.to)));

  it('by kubectl apply --server-side of what was applied by the client before', () =>
    startsNothing('client', () =>
      applyFile(cluster, namespaceOf('client'), objects(IMAGES.to), '--server-side'),
    ));
});

describe('kubectl diff shows no drift', () => {
  it.each([
    ['client', []],
    ['server', ['--server-side']],
  ] as const)('of what was applied on the %s side', async (way, words) => {
    const stdin = fileOf(objects(IMAGES.to));
    const diff = ['--namespace', namespaceOf(way), 'diff', ...words, '--filename', '-'];
    expect(await cluster.tryKubectl(diff, { stdin })).toMatchObject({ code: 0, stdout: '' });
    // It would show one.
    const edited = fileOf(objects('emqx/emqx-enterprise:5.8.7'));
    const { code, stdout } = await cluster.tryKubectl(diff, { stdin: edited });
    expect(code).toBe(1);
    expect(stdout).toContain('+        image: emqx/emqx-enterprise:5.8.7');
  });
});

function objects(image: string) {
  return exampleOf({ nodes: 1, image });
}

/** @returns what the tool said */
function bring(way: Way, image: string): Promise<string> {
  const namespace = namespaceOf(way);
  switch (way) {
    case 'client':
      return applyFile(cluster, namespace, objects(image));
    case 'server':
      return applyFile(cluster, namespace, objects(image), '--server-side');
    case 'helm':
      return cluster.helm([
        'upgrade',
        '--install',
        'mqtt',
        CHART,
        '-n',
        namespace,
        '--set',
        `image=${image}`,
      ]);
  }
}

/** A user's own chart: the example with the image as a value. */
function makeChart(): void {
  rmSync(CHART, { recursive: true, force: true });
  mkdirSync(join(CHART, 'templates'), { recursive: true });
  const chart = { apiVersion: 'v2', name: 'mqtt', version: '1.0.0' };
  writeFileSync(join(CHART, 'Chart.yaml'), JSON.stringify(chart));
  writeFileSync(
    join(CHART, 'templates', 'emqx.yaml'),
    fileOf(objects(IMAGES.from)).replaceAll(IMAGES.from, '{{ .Values.image }}'),
  );
}

/** Everything that an upgrade would change. */
interface Footprint {
  declaration: unknown;
  sets: string[];
  pods: string[];
  selector: unknown;
  upgrades: unknown;
}

interface Item {
  metadata: { name: string; uid: string; generation: number; annotations: Record<string, string> };
  spec: { replicas: number; selector: unknown; template: { spec: { containers: { image: string }[] } } };
  status: Record<string, unknown>;
}

async function footprintOf(namespace: string): Promise<Footprint> {
  const get = async (...words: string[]) => (await cluster.get(['--namespace', namespace, ...words])) as Item;
  const list = async (kind: string) =>
    ((await cluster.get(['--namespace', namespace, kind, '--selector', EMQX.selector])) as { items: Item[] })
      .items;
  const { metadata, spec } = await get('statefulset', EMQX.name);
  const annotations = Object.entries(metadata.annotations).filter(
    ([key]) => !key.startsWith('kubectl.kubernetes.io/'),
  );
  const blueGreen = await get('bluegreen', EMQX.name);
  const identity = ({ metadata: { name, uid } }: Item) => `${name} ${uid}`;
  return {
    declaration: { uid: metadata.uid, annotations, replicas: spec.replicas, template: spec.template },
    sets: (await list('statefulsets')).map(identity).sort(),
    pods: (await list('pods')).map(identity).sort(),
    selector: (await get('service', EMQX.name)).spec.selector,
    upgrades: [blueGreen.status['upgrade'], blueGreen.status['history'], blueGreen.status['active']],
  };
}

/** Does something, waits until the controller has certainly seen it, and looks whether anything has begun. */
async function startsNothing(way: Way, act: () => Promise<unknown>): Promise<void> {
  const namespace = namespaceOf(way);
  const before = await footprintOf(namespace);
  expect(before.sets).not.toHaveLength(0);
  await act();
  await untilObserved(cluster, namespace);
  expect(await footprintOf(namespace)).toEqual(before);
}

/** The set that is active has the image, serves, and nothing is left to do. */
function untilStable(namespace: string, image: string): Promise<true> {
  return until(
    `${namespace} serves with ${image}`,
    async () => {
      const get = async (...words: string[]) => (await cluster.get(['-n', namespace, ...words])) as Item;
      const { status } = await get('bluegreen', EMQX.name);
      if (status['phase'] !== 'Stable' || status['active'] !== status['wanted']) return undefined;
      const active = await get('statefulset', String(status['active']));
      return active.spec.template.spec.containers.some((each) => each.image === image) ? true : undefined;
    },
    { timeoutMs: 150_000, everyMs: 500 },
  );
}
