import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { BlueGreenStatus } from '../../lib/types.js';
import { until } from '../cluster/index.js';
import type { LocalCluster } from '../cluster/index.js';
import { EMQX, makeNamespace } from '../demo/emqx.js';
import { installSluice } from '../demo/install.js';
import { applyFile, exampleOf, fileOf, QUICK } from './support/example.js';
import { footprintOf, startsNothing } from './support/footprint.js';
import { heal, type Healing } from './support/heal.js';
import { dropJourneys, expectKept, setOut, type Journey } from './support/journey.js';
import { untilObserved } from './support/observed.js';
import { gapsOf, watchPinned, watchServices } from './support/services.js';
import { removeWebhook, restoreWebhook, useSluice } from './support/sluice.js';
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
  chart = writeUserChart('gitops', single('VALUE'), { edit: 'VALUE' });
  await makeNamespace(cluster, NS.server);
  await makeNamespace(cluster, NS.helm);
  await applyFile(cluster, NS.server, single('first'), ...SERVER_SIDE);
  await helmUpgrade('first');
  journey = await setOut(cluster, NS.client, { nodes: NODES, clients: 60 });
  for (const namespace of [NS.server, NS.helm]) await untilRest(namespace, Boolean);
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
    const { active } = await statusOf(NS.server);
    const manifests = single('healed');
    await healsThrough(
      NS.server,
      () => applyFile(cluster, NS.server, manifests, ...SERVER_SIDE),
      () => untilRest(NS.server, isNot(active)),
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
    const first = await statusOf(NS.helm);
    const uid = (await get(NS.helm, 'statefulset', first.active)).metadata.uid;
    await helmUpgrade('second');
    await untilRest(NS.helm, isNot(first.active));
    await cluster.helm(['rollback', 'mqtt', '1', '--namespace', NS.helm]);
    await untilRest(NS.helm, (active) => active === first.active);
    expect((await get(NS.helm, 'statefulset', first.active)).metadata.uid).toBe(uid);
    const { history } = await statusOf(NS.helm);
    expect(history.map(({ result }) => result)).toEqual(['succeeded', 'succeeded']);
    await startsNothing(cluster, [NS.helm], () => helmUpgrade('first'));
  });
});

describe('kubectl replace', () => {
  it('of the same file starts nothing, with all defaults written out too', async () => {
    const pinned = await watchPinned(cluster, NS.helm);
    await startsNothing(cluster, [NS.helm], () => replace(NS.helm, single('first')));
    await startsNothing(cluster, [NS.helm], async () => {
      const { apiVersion, kind, metadata, spec } = await get(NS.helm, 'statefulset', EMQX.name);
      const labels = metadata.labels ?? {};
      await replace(NS.helm, [{ apiVersion, kind, metadata: { name: EMQX.name, labels }, spec }]);
    });
    expect(await pinned()).toHaveLength(1);
  });

  it('of another template is one upgrade', async () => {
    const { active, history } = await statusOf(NS.helm);
    await replace(NS.helm, single('replaced'));
    await untilRest(NS.helm, isNot(active));
    expect((await statusOf(NS.helm)).history).toHaveLength(history.length + 1);
  });
});

describe('a Service that is replaced without the revision key', () => {
  const ENOUGH = 3;
  beforeAll(async () => {
    await promotion(false);
    await applyFile(cluster, NS.server, single('waits'), ...SERVER_SIDE);
    await until(
      'both colours are ready',
      async () => {
        return (await statusOf(NS.server)).phase === 'AwaitingPromotion' ? true : undefined;
      },
      { timeoutMs: 90_000 },
    );
  }, 120_000);
  const services = () => single('waits').filter(({ kind }) => kind === 'Service');

  it('never selects both colours while the webhook answers', async () => {
    const pinned = await watchPinned(cluster, NS.server);
    for (let round = 0; round < 5; round += 1) await replace(NS.server, services());
    expect(await pinned()).toHaveLength(1);
  });

  it('selects both for at most a second while it does not, at any time of an upgrade', async () => {
    const { active } = await statusOf(NS.server);
    await removeWebhook(cluster);
    try {
      const versions = await watchServices(cluster, NS.server);
      const loop = heal(() => replace(NS.server, services()));
      await promotion(true);
      await untilRest(NS.server, isNot(active));
      // A quick upgrade has not time for many.
      await until('gaps to judge by', () => Promise.resolve(gapsOf(versions).length > ENOUGH || undefined), {
        timeoutMs: 30_000,
      });
      await loop.stop();
      await untilObserved(cluster, NS.server);
      await versions.stop();
      const gaps = gapsOf(versions);
      expect(gaps.length).toBeGreaterThan(ENOUGH);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(1000);
    } finally {
      await restoreWebhook(cluster);
    }
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

/** One node, and nobody on it: for what tools do to objects. */
function single(edit: string) {
  return exampleOf({ nodes: 1, waitTakeoverSeconds: 1, env: { ...QUICK, EDIT: edit } });
}

async function get(namespace: string, kind: string, name: string): Promise<Item> {
  return (await cluster.get(['--namespace', namespace, kind, name])) as Item;
}

async function statusOf(namespace: string): Promise<BlueGreenStatus> {
  const blueGreen = await cluster.get(['--namespace', namespace, 'bluegreen', EMQX.name]);
  return (blueGreen as { status: BlueGreenStatus }).status;
}

function untilRest(namespace: string, isExpected: (active: string) => boolean): Promise<true> {
  return until(
    `nothing is left to do in ${namespace}`,
    async () => {
      const { phase, active, wanted, upgrade } = await statusOf(namespace);
      const isRest = phase === 'Stable' && active === wanted && upgrade === undefined;
      return isRest && isExpected(active) ? true : undefined;
    },
    { timeoutMs: 120_000, everyMs: 500 },
  );
}

function helmUpgrade(edit: string): Promise<string> {
  const values = ['--namespace', NS.helm, '--set', `edit=${edit}`];
  return cluster.helm(['upgrade', '--install', 'mqtt', chart, ...values]);
}

/** `kubectl replace`: what the file does not say is no more. */
async function replace(namespace: string, objects: object[]): Promise<void> {
  const stdin = objects.map((each) => JSON.stringify(each)).join('\n');
  const words = ['--namespace', namespace, 'replace', '--filename', '-'];
  const { code, stderr } = await cluster.tryKubectl(words, { stdin });
  // It reads before it writes; where another write came between, a person or a tool does it again.
  if (code !== 0 && stderr.includes('(Conflict)')) return replace(namespace, objects);
  if (code !== 0) throw new Error(stderr);
}

async function promotion(auto: boolean): Promise<void> {
  const patch = ['--type=merge', '--patch', JSON.stringify({ spec: { promotion: { auto } } })];
  await cluster.kubectl(['--namespace', NS.server, 'patch', 'bluegreen', EMQX.name, ...patch]);
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
  const { history } = await statusOf(namespace);
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
  expect((await statusOf(namespace)).history).toHaveLength(history.length + 1);
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
