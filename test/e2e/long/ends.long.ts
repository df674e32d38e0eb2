import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { LocalCluster } from '../../cluster/index.js';
import { setOfPod, tollOf } from '../support/toll.js';
import { dropJourneys, expectKept, setOut, type Journey } from '../support/journey.js';
import { useSluice } from '../support/sluice.js';

jest.setTimeout(400_000);

const NAMESPACE = 'e2e-ends-long';
const CLIENTS = 120;
const NODES = 3;

let cluster: LocalCluster;
let journey: Journey;
beforeAll(async () => {
  cluster = await useSluice();
  journey = await setOut(cluster, NAMESPACE, { nodes: NODES, clients: CLIENTS });
}, 30 * 60_000);
afterAll(() => dropJourneys(cluster, NAMESPACE), 120_000);

const stays =
  (name: string) =>
  (active: string): boolean =>
    active === name;

describe('pods that somebody else ends', () => {
  it('two at once: both drain to the one that stays', async () => {
    const active = journey.active();
    const fromMs = Date.now();
    await journey.kubectl('delete', 'pods', `${active}-0`, `${active}-1`, '--wait=false');
    await journey.crowd.until('both end', () => journey.leaving().length === 2);
    await journey.untilRest(NODES, stays(active));
    // Nobody is left to tell whether the one that stays is listed as running, while the others start again: its clients tell.
    const { mostFrom, ...toll } = journey.tollSince(fromMs);
    expect(mostFrom).toEqual({ [active]: 1 });
    expect(toll).toMatchObject({ disconnects: toll.evictions, refusals: [], sessionsLost: 0 });
    expect(toll.minReadyEndpoints).toBeGreaterThanOrEqual(1);
  });

  it('one of blue and one of green while blue drains', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    await journey.edit('mid');
    await journey.crowd.until('blue drains', () => journey.leaving().some((name) => setOfPod(name) === blue));
    const green = journey.active();
    expect(green).not.toBe(blue);
    await journey.crowd.until('clients are on that pod of green', () => clientsOn(`${green}-0`) > 0);
    await journey.kubectl('delete', 'pods', `${blue}-0`, `${green}-0`, '--wait=false');
    await journey.untilRest(NODES, stays(green));
    expectKept(journey.tollSince(fromMs), { left: [blue, green], nodes: NODES - 1 });
  });

  it('with force: what is on the other nodes does not notice, and what was on it comes back', async () => {
    const active = journey.active();
    const { scene } = journey.crowd;
    const lost = clientsOn(`${active}-1`);
    expect(lost).toBeGreaterThan(0);
    const fromMs = Date.now();
    await journey.kubectl('delete', 'pod', `${active}-1`, '--force', '--grace-period=0');
    await journey.untilRest(NODES, stays(active));
    const { disconnects, minReadyEndpoints } = tollOf(scene, fromMs);
    expect(disconnects).toBe(lost);
    expect(minReadyEndpoints).toBeGreaterThanOrEqual(NODES - 1);
  });
});

function clientsOn(pod: string): number {
  const { nodes = [] } = journey.crowd.scene.nodes ?? {};
  return nodes.find(({ node }) => node.includes(`@${pod}.`))?.clients ?? 0;
}
