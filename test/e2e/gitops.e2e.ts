import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { until } from '../cluster/index.js';
import type { LocalCluster } from '../cluster/index.js';
import { EMQX, makeNamespace } from '../demo/emqx.js';
import { installSluice } from '../demo/install.js';
import { applyFile, exampleOf, fileOf, QUICK } from './support/example.js';
import { footprintOf, startsNothing } from './support/footprint.js';
import { heal, type Healing } from './support/heal.js';
import { dropJourneys, expectKept, setOut, type Journey } from './support/journey.js';
import { watchPinned } from './support/services.js';
import { useSluice } from './support/sluice.js';
import { replace, soleNode, untilRest } from './support/soleNode.js';
import { statusOf } from './support/status.js';
import { writeUserChart } from './support/userChart.js';
import { watchVersions } from './support/versions.js';

jest.setTimeout(300_000);

/** One for each way: with clients and by the client's apply; by the server's apply; by helm, then by kubectl replace. */
const NS = { client: 'e2e-gitops', server: 'e2e-gitops-ssa', helm: 'e2e-gitops-helm' } as const;
const NODES = 3;
/** How many rounds of a loop must change nothing once the upgrade is over. */
const QUIET_ROUNDS = 3;
const SIDECAR_IMAGES = 'jsonpath={.items[*].spec.initContainers[?(@.name=="sluice")].image}';
const SERVER_SIDE = ['--server-side', '--field-manager=gitops'];

let cluster: LocalCluster;
let chart: string;
let journey: Journey;
beforeAll(async () => {
  cluster = await useSluice();
  chart = writeUserChart('gitops', soleNode('VALUE'), { edit: 'VALUE' });
  await makeNamespace(cluster, NS.server);
  await makeNamespace(cluster, NS.helm);
  await applyFile(cluster, NS.server, soleNode('first'), ...SERVER_SIDE);
  await helmUpgrade('first');
  journey = await setOut(cluster, NS.client, { nodes: NODES, clients: 60 });
  for (const namespace of [NS.server, NS.helm]) await untilRest(cluster, namespace, Boolean);
}, 30 * 60_000);
afterAll(() => dropJourneys(cluster, ...Object.values(NS)), 120_000);

describe('a loop that re-applies the file every second through an upgrade fights nobody', () => {
  it('by kubectl apply, with clients', async () => {
    const { file } = journey;
    const blue = journey.active();
    const fromMs = Date.now();
    const manifests = exampleOf({ ...file, env: { ...QUICK, EDIT: 'healed' } });
    await healsThrough(
      NS.client,
      () => applyFile(cluster, NS.client, manifests),
      async () => journey.untilRest(NODES, isNot(blue)),
    );
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
    const diff = ['--namespace', NS.client, 'diff', '--filename', '-'];
    expect(await cluster.tryKubectl(diff, { stdin: fileOf(manifests) })).toMatchObject({
      code: 0,
      stdout: '',
    });
    await journey.end();
  });

  it('by kubectl apply --server-side as a manager of its own, without forcing conflicts', async () => {
    const { active } = await statusOf(cluster, NS.server);
    const manifests = soleNode('healed');
    await healsThrough(
      NS.server,
      () => applyFile(cluster, NS.server, manifests, ...SERVER_SIDE),
      () => untilRest(cluster, NS.server, isNot(active)),
    );
    // What Argo CD's server-side diff, mutations included, and Flux compare.
    const dryRun = ['--dry-run=server', '--output=json'];
    const foretold = JSON.parse(
      await applyFile(cluster, NS.server, manifests, ...SERVER_SIDE, ...dryRun),
    ) as {
      items: Item[];
    };
    const live = await Promise.all(
      foretold.items.map(({ kind, metadata: { name } }) => get(NS.server, kind, name)),
    );
    expect(foretold.items.map(withoutBookkeeping)).toEqual(live.map(withoutBookkeeping));
  });
});

describe('helm', () => {
  it('upgrade is one upgrade, rollback another one back to the set that there was, and a repetition nothing', async () => {
    const first = await statusOf(cluster, NS.helm);
    const uid = (await get(NS.helm, 'statefulset', first.active)).metadata.uid;
    await helmUpgrade('second');
    await untilRest(cluster, NS.helm, isNot(first.active));
    await cluster.helm(['rollback', 'mqtt', '1', '--namespace', NS.helm]);
    await untilRest(cluster, NS.helm, (active) => active === first.active);
    expect((await get(NS.helm, 'statefulset', first.active)).metadata.uid).toBe(uid);
    const { history } = await statusOf(cluster, NS.helm);
    expect(history.map(({ result }) => result)).toEqual(['succeeded', 'succeeded']);
    await startsNothing(cluster, [NS.helm], () => helmUpgrade('first'));
  });
});

describe('kubectl replace', () => {
  it('of the same file starts nothing, with all defaults written out too', async () => {
    const pinned = await watchPinned(cluster, NS.helm);
    await startsNothing(cluster, [NS.helm], () => replace(cluster, NS.helm, soleNode('first')));
    await startsNothing(cluster, [NS.helm], async () => {
      const { apiVersion, kind, metadata, spec } = await get(NS.helm, 'statefulset', EMQX.name);
      const labels = metadata.labels ?? {};
      await replace(cluster, NS.helm, [{ apiVersion, kind, metadata: { name: EMQX.name, labels }, spec }]);
    });
    expect(await pinned()).toHaveLength(1);
  });

  it('of another template is one upgrade', async () => {
    const { active, history } = await statusOf(cluster, NS.helm);
    await replace(cluster, NS.helm, soleNode('replaced'));
    await untilRest(cluster, NS.helm, isNot(active));
    expect((await statusOf(cluster, NS.helm)).history).toHaveLength(history.length + 1);
  });
});

describe('what starts no upgrade', () => {
  it('labels and annotations outside the template', () =>
    startsNothing(cluster, [NS.helm], async () => {
      for (const kind of ['statefulset', 'service', 'bluegreen']) {
        for (const verb of ['label', 'annotate'])
          await cluster.kubectl(['--namespace', NS.helm, verb, kind, EMQX.name, 'example.com/team=mqtt']);
      }
    }));

  it('another Sluice with another sidecar image: sets that exist keep theirs', async () => {
    const say = (): void => undefined;
    try {
      await startsNothing(cluster, [NS.helm, NS.server], () => installSluice(cluster, { say, tag: 'next' }));
      const pods = await cluster.kubectl([
        '--namespace',
        NS.helm,
        'get',
        'pods',
        `--output=${SIDECAR_IMAGES}`,
      ]);
      expect(pods).toMatch(/:demo$/);
    } finally {
      await installSluice(cluster, { say });
    }
  });
});

interface Item {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    uid: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    resourceVersion: string;
  };
  spec: Record<string, unknown>;
}

const isNot =
  (name: string) =>
  (active: string): boolean =>
    active !== name;

async function get(namespace: string, kind: string, name: string): Promise<Item> {
  return (await cluster.get(['--namespace', namespace, kind, name])) as Item;
}

function helmUpgrade(edit: string): Promise<string> {
  const values = ['--namespace', NS.helm, '--set', `edit=${edit}`];
  return cluster.helm(['upgrade', '--install', 'mqtt', chart, ...values]);
}

/**
 * Applies a file in a loop until its upgrade is over and for some rounds more, which must change nothing; nor may anything
 * change when the loop has ended. The Services go from one revision to the next, once.
 */
async function healsThrough(
  namespace: string,
  apply: () => Promise<unknown>,
  untilOver: () => Promise<unknown>,
): Promise<void> {
  const { history } = await statusOf(cluster, namespace);
  const sets = (await footprintOf(cluster, namespace)).sets.length;
  const pinned = await watchPinned(cluster, namespace);
  let loop: Healing | undefined;
  try {
    loop = heal(apply);
    await untilOver();
    const rounds = () => loop?.rounds() ?? 0;
    const quiet = await watchAll(namespace);
    const from = rounds();
    await until('some rounds more', () => Promise.resolve(rounds() > from + QUIET_ROUNDS || undefined), {
      timeoutMs: 60_000,
      everyMs: 200,
    });
    expect(await quiet()).toEqual([]);
  } finally {
    await loop?.stop();
  }
  expect(await pinned()).toHaveLength(2);
  expect((await footprintOf(cluster, namespace)).sets).toHaveLength(sets + 1);
  expect((await statusOf(cluster, namespace)).history).toHaveLength(history.length + 1);
}

/** @returns what ends the watch and lists which objects were written meanwhile */
async function watchAll(namespace: string): Promise<() => Promise<string[]>> {
  const paths = [
    `/apis/apps/v1/namespaces/${namespace}/statefulsets`,
    `/api/v1/namespaces/${namespace}/services`,
    `/apis/sluice.dev/v1alpha1/namespaces/${namespace}/bluegreens`,
  ];
  const watches = await Promise.all(paths.map((path) => watchVersions<Item>(cluster, path)));
  const known = watches.map(({ seen }) => seen.length);
  return async () => {
    await Promise.all(watches.map((watch) => watch.stop()));
    return watches.flatMap(({ seen }, index) =>
      seen
        .slice(known[index])
        .map(({ object: { kind, metadata } }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`),
    );
  };
}

/** An object without what every write changes, and without ids that a dry run has none of. */
function withoutBookkeeping({ kind, metadata: { name, labels }, spec }: Item): object {
  return { kind, name, labels, spec };
}
