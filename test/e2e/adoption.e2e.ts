import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { LocalCluster } from '../cluster/index.js';
import { EMQX, IMAGES, setImage } from '../demo/emqx.js';
import { applyFile, DATA, exampleOf } from './support/example.js';
import { dropJourneys, expectKept, setOut, type Journey } from './support/journey.js';
import { useSluice } from './support/sluice.js';

jest.setTimeout(300_000);

const NAMESPACE = 'e2e-adoption';
const CLIENTS = 120;
const NODES = 3;

let cluster: LocalCluster;
let journey: Journey;
beforeAll(async () => {
  cluster = await useSluice();
  journey = await setOut(cluster, NAMESPACE, {
    nodes: NODES,
    clients: CLIENTS,
    unlabelled: true,
    onClaims: true,
  });
}, 30 * 60_000);
afterAll(() => dropJourneys(cluster, NAMESPACE), 120_000);

/** What would tell of a pod that was made or started again, with the sidecars among them. */
const runs = () =>
  journey.kubectl(
    'get',
    'pods',
    '--output=jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.status.containerStatuses[*].containerID}{"\\n"}{end}',
  );
const claims = () =>
  journey.kubectl(
    'get',
    'persistentvolumeclaims',
    '--output=jsonpath={range .items[*]}{.metadata.name}={.metadata.uid}{"\\n"}{end}',
  );
const listed = async () =>
  JSON.parse(
    await journey.kubectl('get', 'bluegreen', EMQX.name, '--output=jsonpath={.status.claims}'),
  ) as string[];
const own = Array.from({ length: NODES }, (_, ordinal) => `${DATA}-${EMQX.name}-${ordinal}`);

describe('a StatefulSet that runs with clients on it', () => {
  let before = '';
  let owned = '';

  it('is labelled, and nothing starts again and nobody notices', async () => {
    [before, owned] = await Promise.all([runs(), claims()]);
    const fromMs = Date.now();
    // Rates and waits first: the label alone would take the defaults.
    const [blueGreen] = exampleOf({ ...journey.file, unlabelled: false });
    if (!blueGreen) throw new Error('the example has no BlueGreen');
    await applyFile(cluster, NAMESPACE, [blueGreen]);
    await journey.kubectl('label', 'statefulset', EMQX.name, 'sluice.dev/upgrade=blue-green');
    await journey.untilRest(NODES, (active) => active === EMQX.name);
    expect(await runs()).toBe(before);
    expectKept(journey.tollSince(fromMs), { left: [], nodes: NODES });
    expect(await listed()).toEqual(own);
  });

  it('hands its nodes over one at a time at its next change, through the API of EMQX', async () => {
    const fromMs = Date.now();
    await setImage(cluster, NAMESPACE, IMAGES.to);
    await journey.untilRest(NODES, (active) => active !== EMQX.name);
    expectKept(journey.tollSince(fromMs), { left: [EMQX.name], nodes: NODES });
    expect(mostEvacuatedAtOnce(fromMs)).toBe(1);
  });

  it('keeps its claims, and the status lists them', async () => {
    const now = (await claims()).split('\n');
    for (const claim of owned.trim().split('\n')) expect(now).toContain(claim);
    expect(await listed()).toEqual(expect.arrayContaining(own));
  });

  it('takes its nodes back at the next change, drained as any others', async () => {
    const green = journey.active();
    const fromMs = Date.now();
    await setImage(cluster, NAMESPACE, IMAGES.from);
    await journey.untilRest(NODES, (active) => active !== green);
    expectKept(journey.tollSince(fromMs), { left: [green], nodes: NODES });
  });

  it('costs no session and no message', () => journey.end());
});

/** The most nodes in an evacuation that one round of questions found. */
function mostEvacuatedAtOnce(fromMs: number): number {
  const counts = journey.crowd.scene.observations.map((seen) =>
    seen.kind === 'nodes' && seen.atMs >= fromMs
      ? seen.nodes.filter(({ isRunning, state }) => isRunning && state !== 'none').length
      : 0,
  );
  return Math.max(...counts);
}
