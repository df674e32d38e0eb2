import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { BlueGreenStatus } from '../../../lib/types.js';
import { until } from '../../cluster/index.js';
import type { LocalCluster } from '../../cluster/index.js';
import { EMQX, loadEmqx, makeNamespace } from '../../demo/emqx.js';
import { applyFile, exampleOf, QUICK } from '../support/example.js';
import { dropNamespaces } from '../support/namespaces.js';
import { useSluice } from '../support/sluice.js';

jest.setTimeout(400_000);

const NAMESPACE = 'e2e-asleep';
const NODES = 2;

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await useSluice();
  await loadEmqx(cluster);
  await makeNamespace(cluster, NAMESPACE);
  await applyFile(cluster, NAMESPACE, exampleOf({ nodes: NODES, waitTakeoverSeconds: 1, env: { ...QUICK } }));
  await untilServes(Boolean);
}, 30 * 60_000);
afterAll(() => dropNamespaces(cluster, NAMESPACE), 120_000);

const kubectl = (...words: string[]) => cluster.kubectl(['--namespace', NAMESPACE, ...words]);
const scale = (kind: string, replicas: number) => kubectl('scale', kind, EMQX.name, `--replicas=${replicas}`);

it.each(['statefulset', 'bluegreen'])(
  'kubectl scale %s to 0, and back: the same set starts again',
  async (kind) => {
    const { active } = await status();
    await scale(kind, 0);
    await untilAsleep();
    await scale(kind, NODES);
    await untilServes((name) => name === active);
  },
);

it('an edit at size 0 becomes an upgrade when there are nodes again: the last active set starts first', async () => {
  const { active } = await status();
  await scale('statefulset', 0);
  await untilAsleep();
  const sets = await kubectl('get', 'statefulsets', '--output=name');
  await kubectl('set', 'env', `statefulset/${EMQX.name}`, 'EDIT=asleep');
  await until('the edit is seen', async () => ((await status()).wanted === active ? undefined : true), {
    timeoutMs: 30_000,
    everyMs: 200,
  });
  // Nothing was started for it while it slept.
  expect(await kubectl('get', 'statefulsets', '--output=name')).toBe(sets);
  await scale('statefulset', NODES);
  await until(
    'the set that was active runs again',
    async () => ((await podsOf(active)).length === NODES ? true : undefined),
    { timeoutMs: 60_000, everyMs: 200 },
  );
  // Nothing else was started before it.
  expect(await kubectl('get', 'pods', '--output=name')).toBe((await podsOf(active)).join('\n') + '\n');
  const after = await untilServes((name) => name !== active);
  expect(after.history[0]).toMatchObject({ from: active, to: after.active, result: 'succeeded' });
  expect(await podsOf(active)).toEqual([]);
});

async function status(): Promise<BlueGreenStatus> {
  const blueGreen = await cluster.get(['--namespace', NAMESPACE, 'bluegreen', EMQX.name]);
  return (blueGreen as { status?: BlueGreenStatus }).status ?? ({} as BlueGreenStatus);
}

async function podsOf(set: string): Promise<string[]> {
  const pods = await kubectl('get', 'pods', '--output=name');
  return pods.split('\n').filter((name) => name.startsWith(`pod/${set}-`));
}

/** Nobody could take over, so the last ones give up after `noRecipientSeconds`. */
function untilAsleep(): Promise<true> {
  return until(
    'no pod is left',
    async () => ((await kubectl('get', 'pods', '--output=name')) === '' ? true : undefined),
    { timeoutMs: 180_000, everyMs: 500 },
  );
}

function untilServes(isExpected: (active: string) => boolean): Promise<BlueGreenStatus> {
  return until(
    `${NODES} nodes serve`,
    async () => {
      const seen = await status();
      const isAtRest = seen.phase === 'Stable' && seen.active === seen.wanted && seen.upgrade === undefined;
      return isAtRest && seen.nodes === `${NODES}/${NODES}` && isExpected(seen.active) ? seen : undefined;
    },
    { timeoutMs: 120_000, everyMs: 500 },
  );
}
