import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { LocalCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';
import { dropJourneys, expectKept, setOut, type Journey } from '../support/journey.js';
import { useSluice } from '../support/sluice.js';
import { setOfPod } from '../support/toll.js';

jest.setTimeout(400_000);

const NAMESPACE = 'e2e-edits';
const CLIENTS = 300;
const NODES = 3;
/** Long enough for an edit to come before its end. */
const DELAY_SECONDS = 6;

let cluster: LocalCluster;
let journey: Journey;
beforeAll(async () => {
  cluster = await useSluice();
  const pace = { initialDelaySeconds: DELAY_SECONDS };
  journey = await setOut(cluster, NAMESPACE, { nodes: NODES, clients: CLIENTS, ...pace });
}, 30 * 60_000);
afterAll(() => dropJourneys(cluster, NAMESPACE), 120_000);

const is =
  (...names: string[]) =>
  (active: string): boolean =>
    names.includes(active);
const isNot =
  (...names: string[]) =>
  (active: string): boolean =>
    active !== '' && !names.includes(active);
const undo = () => journey.kubectl('rollout', 'undo', `statefulset/${EMQX.name}`);
const phase = () => journey.crowd.scene.blueGreen?.phase;

describe('three edits in a row', () => {
  it('before the switch are one upgrade for the clients, to the third', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    await journey.edit('row-1');
    await journey.crowd.until('the first green starts', () => sets().length === 2);
    const [first = ''] = sets().filter(isNot(blue));
    await journey.edit('row-2');
    await journey.crowd.until('the second green starts', () => sets().some(isNot(blue, first)));
    await journey.edit('row-3');
    await journey.untilRest(NODES, isNot(blue, first));
    expect(await editOf(journey.active())).toBe('row-3');
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
    expect(journey.mostFull(fromMs, NODES)).toBe(2);
  });
});

describe('an edit during the delay before the first drain', () => {
  it('replaces green, and each client moves once', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    await journey.edit('delay-1');
    await journey.crowd.until('the delay has begun', () => phase() === 'Delaying');
    const first = journey.active();
    await journey.edit('delay-2');
    await journey.untilRest(NODES, isNot(blue, first));
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
  });

  it('that takes the change back moves nobody', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    await journey.edit('delay-3');
    await journey.crowd.until('the delay has begun', () => phase() === 'Delaying');
    await undo();
    await journey.crowd.until('blue is wanted', () => journey.crowd.scene.blueGreen?.wanted === blue);
    await journey.untilRest(NODES, is(blue));
    expectKept(journey.tollSince(fromMs), { left: [], nodes: NODES });
  });
});

describe('an edit while a node of blue drains', () => {
  it.each([NODES - 1, NODES - 2, 0])('(number %i) goes to the newest, from both', async (ordinal) => {
    const blue = journey.active();
    const fromMs = Date.now();
    await journey.edit(`node-${ordinal}-1`);
    await journey.crowd.until(`pod ${ordinal} of blue drains`, () => drains(blue, ordinal));
    const first = journey.active();
    await journey.edit(`node-${ordinal}-2`);
    await journey.untilRest(NODES, isNot(blue, first));
    const toll = journey.tollSince(fromMs);
    // While its first pod drains, a client may meet the second green before it has met the first.
    expectKept(toll, { left: Object.keys(toll.mostFrom), nodes: NODES });
    expect([blue, first]).toEqual(expect.arrayContaining(Object.keys(toll.mostFrom)));
    expect(toll.mostFrom[blue]).toBe(1);
  });

  it('undone, and done again, costs one disconnect for each upgrade', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    await journey.edit('twice');
    await journey.crowd.until('the second pod of blue drains', () => drains(blue, NODES - 2));
    const green = journey.active();
    const before = Object.keys(await journey.sizes());
    await undo();
    await journey.crowd.until('blue is active again, and green drains', () => drains(green, NODES - 1));
    await undo();
    await journey.untilRest(NODES, is(green));
    // No other set than those; the oldest may have gone by revisionHistoryLimit.
    expect(before).toEqual(expect.arrayContaining(Object.keys(await journey.sizes())));
    const toll = journey.tollSince(fromMs);
    // Out of blue, back from green, and out of blue again.
    expect(Object.keys(toll.mostFrom).sort()).toEqual([blue, green].sort());
    expect(toll.mostFrom[blue]).toBeLessThanOrEqual(2);
    expect(toll.mostFrom[green]).toBe(1);
    expect(toll).toMatchObject({ disconnects: toll.evictions, refusals: [], sessionsLost: 0 });
    expect(toll.minReadyEndpoints).toBeGreaterThan(0);
    expect(toll.minServingNodes).toBeGreaterThanOrEqual(NODES);
  });
});

it('costs no session and no message', () => journey.end());

/** Sets that have pods. */
function sets(): string[] {
  return [...new Set([...journey.crowd.scene.pods.values()].map(({ name }) => setOfPod(name)))];
}

/** A pod is being deleted. */
function drains(set: string, ordinal: number): boolean {
  return journey.leaving().includes(`${set}-${ordinal}`);
}

/** What the set's template was edited to. */
async function editOf(set: string): Promise<string> {
  const value = '{.spec.template.spec.containers[0].env[?(@.name=="EDIT")].value}';
  return journey.kubectl('get', 'statefulset', set, `--output=jsonpath=${value}`);
}
