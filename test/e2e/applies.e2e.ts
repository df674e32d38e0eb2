import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { until } from '../cluster/index.js';
import type { LocalCluster } from '../cluster/index.js';
import { EMQX, IMAGES, loadEmqx, makeNamespace } from '../demo/emqx.js';
import { applyFile, exampleOf, fileOf } from './support/example.js';
import { startsNothing } from './support/footprint.js';
import { dropNamespaces } from './support/namespaces.js';
import { RESTRICTED, useSluice } from './support/sluice.js';
import { writeUserChart } from './support/userChart.js';

jest.setTimeout(300_000);

/** One namespace for each way to bring a file to the cluster. */
const WAYS = ['client', 'server', 'helm'] as const;
type Way = (typeof WAYS)[number];
const namespaceOf = (way: Way): string => `e2e-apply-${way}`;

let cluster: LocalCluster;
let chart: string;
beforeAll(async () => {
  cluster = await useSluice();
  await loadEmqx(cluster);
  chart = writeUserChart('mqtt', objects(IMAGES.from), { image: IMAGES.from });
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
    startsNothing(cluster, [namespaceOf('client')], async () => {
      const said = await bring('client', IMAGES.to);
      expect(said).toContain('service/emqx ');
      expect(said).toContain('statefulset.apps/emqx ');
    }));

  it('by kubectl apply --server-side, without forcing conflicts', () =>
    startsNothing(cluster, [namespaceOf('server')], () => bring('server', IMAGES.to)));

  it('by helm upgrade', () => startsNothing(cluster, [namespaceOf('helm')], () => bring('helm', IMAGES.to)));

  it('by kubectl apply --server-side of what was applied by the client before', () =>
    startsNothing(cluster, [namespaceOf('client')], () =>
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
        chart,
        '-n',
        namespace,
        '--set',
        `image=${image}`,
      ]);
  }
}

interface Item {
  spec: { template: { spec: { containers: { image: string }[] } } };
  status: Record<string, unknown>;
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
