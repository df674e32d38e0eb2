import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { BlueGreenStatus } from '../../../lib/types.js';
import { until, type LocalCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';
import { DATA } from '../support/example.js';
import { dropJourneys, expectKept, setOut, type Journey } from '../support/journey.js';
import { useSluice } from '../support/sluice.js';

jest.setTimeout(900_000);

const NAMESPACE = 'e2e-ten';
const CLIENTS = 60;
const NODES = 2;
const UPGRADES = 10;

let cluster: LocalCluster;
let journey: Journey;
beforeAll(async () => {
  cluster = await useSluice();
  journey = await setOut(cluster, NAMESPACE, { nodes: NODES, clients: CLIENTS, onClaims: true });
}, 30 * 60_000);
afterAll(() => dropJourneys(cluster, NAMESPACE), 120_000);

/** What one upgrade after the other must not add to. */
const footprint = () =>
  journey.kubectl(
    'get',
    'secrets,configmaps,services,serviceaccounts,leases,roles,rolebindings',
    '--output=name',
  );

async function blueGreen(): Promise<{ spec: { revisionHistoryLimit: number }; status: BlueGreenStatus }> {
  const read = await cluster.get(['--namespace', NAMESPACE, 'bluegreen', EMQX.name]);
  return read as { spec: { revisionHistoryLimit: number }; status: BlueGreenStatus };
}

it('ten upgrades in a row leave nothing behind', async () => {
  const before = await footprint();
  for (let count = 1; count <= UPGRADES; count++) {
    const blue = journey.active();
    const fromMs = Date.now();
    await journey.edit(`upgrade-${count}`);
    await journey.untilRest(NODES, (active) => active !== blue);
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
  }
  expect(await footprint()).toBe(before);
  const { spec, status } = await blueGreen();
  const claims = await journey.kubectl('get', 'persistentvolumeclaims', '--output=name');
  expect(claims.trim().split('\n').sort()).toEqual(
    [0, 1].map((ordinal) => `persistentvolumeclaim/${DATA}-${status.active}-${ordinal}`),
  );
  expect(status.claims).toEqual([0, 1].map((ordinal) => `${DATA}-${status.active}-${ordinal}`));
  // The stopped nodes were taken out of EMQX's cluster: it lists those that run, and no other.
  expect(status.emqxNodes.map(({ node, node_status }) => `${node} ${node_status}`).sort()).toEqual(
    [0, 1].map((ordinal) => expect.stringMatching(new RegExp(`@${status.active}-${ordinal}\\..* running$`))),
  );
  const kept = async () =>
    Object.keys(await journey.sizes()).filter((name) => ![EMQX.name, status.active].includes(name));
  expect(await kept()).toHaveLength(spec.revisionHistoryLimit);
  const patch = JSON.stringify({ spec: { revisionHistoryLimit: 1 } });
  await journey.kubectl('patch', 'bluegreen', EMQX.name, '--type=merge', `--patch=${patch}`);
  await until(
    'the last one to go back to is left alone',
    async () => ((await kept()).join() === status.history[0]?.from ? true : undefined),
    { timeoutMs: 30_000 },
  );
  await journey.end();
});
