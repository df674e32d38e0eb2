import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ANNOTATION } from '../../../lib/names.js';
import type { LocalCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';
import { applyFile, exampleOf } from '../support/example.js';
import { dropJourneys, expectKept, setOut, type Journey } from '../support/journey.js';
import { useSluice } from '../support/sluice.js';
import { setOfPod } from '../support/toll.js';

jest.setTimeout(400_000);

const NAMESPACE = 'e2e-edits';
const CLIENTS = 300;
const NODES = 3;
/** Long enough for an edit to come before its end. */
const DELAY_SECONDS = 6;
/** The time of a pod that nobody was on, on a busy machine; a gate that waited for something would take longer. */
const AT_ONCE_MS = 20_000;

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
    const editedMs = Date.now();
    await journey.crowd.until('the second green starts', () => sets().some(isNot(blue, first)));
    await journey.crowd.until('the first has gone', () => !sets().includes(first), AT_ONCE_MS);
    expect(Date.now() - editedMs).toBeLessThan(AT_ONCE_MS);
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

describe('a change of mind during the delay', () => {
  it('and another, by undo and undo, moves each client once', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    await journey.edit('delay-4');
    await journey.crowd.until('the delay has begun', () => phase() === 'Delaying');
    const green = journey.active();
    await undo();
    await journey.crowd.until('blue is wanted', () => journey.crowd.scene.blueGreen?.wanted === blue);
    await undo();
    await journey.untilRest(NODES, is(green));
    const toll = journey.tollSince(fromMs);
    expectKept(toll, { left: Object.keys(toll.mostFrom), nodes: NODES });
    expect(toll.mostFrom[blue]).toBe(1);
    expect(journey.mostFull(fromMs, NODES)).toBe(2);
  });

  it('by an abort moves nobody who has stayed', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    await journey.edit('delay-5');
    await journey.crowd.until('the delay has begun', () => phase() === 'Delaying');
    const green = journey.active();
    const revision = green.slice(EMQX.name.length + 1);
    await journey.kubectl('annotate', 'bluegreen', EMQX.name, `${ANNOTATION.abort}=${revision}`);
    await journey.untilRest(NODES, is(blue), 'Aborted');
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

  it.each([
    { ordinal: NODES - 1, by: 'kubectl rollout undo', back: undo },
    { ordinal: 0, by: 'kubectl apply of the old file', back: () => applied('before') },
  ])('(number $ordinal) taken back by $by: who has not left stays', async ({ ordinal, back }) => {
    await applied('before');
    await journey.untilRest(NODES, Boolean);
    const blue = journey.active();
    const fromMs = Date.now();
    await applied('after');
    await journey.crowd.until(`pod ${ordinal} of blue drains`, () => drains(blue, ordinal));
    const green = journey.active();
    await back();
    await journey.untilRest(NODES, is(blue));
    const toll = journey.tollSince(fromMs);
    expect([blue, green]).toEqual(expect.arrayContaining(Object.keys(toll.mostFrom)));
    expectKept(toll, { left: Object.keys(toll.mostFrom), nodes: NODES });
    expect(journey.mostFull(fromMs, NODES)).toBe(2);
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

/** Applies the file of the journey with another template. */
function applied(edit: string): Promise<unknown> {
  const { file } = journey;
  const sets = exampleOf({ ...file, env: { ...file.env, EDIT: edit } });
  return applyFile(
    cluster,
    NAMESPACE,
    sets.filter(({ kind }) => kind === 'StatefulSet'),
  );
}

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
