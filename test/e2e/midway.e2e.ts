import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { LocalCluster } from '../cluster/index.js';
import { EMQX } from '../demo/emqx.js';
import { applyFile, exampleOf } from './support/example.js';
import { dropJourneys, expectKept, setOut, type Journey } from './support/journey.js';
import { useSluice } from './support/sluice.js';
import { setOfPod } from './support/toll.js';

jest.setTimeout(300_000);

const NAMESPACE = 'e2e-midway';
const CLIENTS = 120;
const NODES = 3;

let cluster: LocalCluster;
let journey: Journey;
beforeAll(async () => {
  cluster = await useSluice();
  journey = await setOut(cluster, NAMESPACE, { nodes: NODES, clients: CLIENTS });
}, 30 * 60_000);
afterAll(() => dropJourneys(cluster, NAMESPACE), 120_000);

const isNot =
  (...names: string[]) =>
  (active: string): boolean =>
    !names.includes(active);
const is =
  (name: string) =>
  (active: string): boolean =>
    active === name;
const undo = () => journey.kubectl('rollout', 'undo', `statefulset/${EMQX.name}`);
/** `kubectl apply` of the whole file that the journey began with, with these variables added. */
const apply = (env: Record<string, string>) =>
  applyFile(cluster, NAMESPACE, exampleOf({ ...journey.file, env: { ...journey.file.env, ...env } }));
const uids = async () =>
  (await journey.kubectl('get', 'pods', '--output=jsonpath={.items[*].metadata.uid}')).split(' ').sort();

describe('an edit in the middle of an upgrade', () => {
  it.each([
    { by: 'kubectl rollout undo', edit: () => journey.edit('refused'), back: undo },
    {
      by: 'kubectl apply of the old file',
      edit: () => apply({ EDIT: 'refused' }),
      back: () => apply({}),
    },
  ])('undone before the switch by $by: green goes at once, and nobody notices', async ({ edit, back }) => {
    const blue = journey.active();
    const pods = await uids();
    const sets = Object.keys(await journey.sizes());
    const fromMs = Date.now();
    await edit();
    await journey.crowd.until('green starts', () => journey.crowd.scene.pods.size === 2 * NODES);
    await back();
    await journey.untilRest(NODES, is(blue));
    expect(await uids()).toEqual(pods);
    expect(Object.keys(await journey.sizes())).toEqual(sets);
    expectKept(journey.tollSince(fromMs), { left: [], nodes: NODES });
  });

  it('changed again while blue drains: blue and the first green both hand over to the second', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    await journey.edit('first');
    await journey.crowd.until('the second pod of blue drains', () => drains(blue, NODES - 2));
    const first = journey.active();
    expect(first).not.toBe(blue);
    await journey.edit('second');
    await journey.untilRest(NODES, isNot(blue, first));
    expectKept(journey.tollSince(fromMs), { left: [blue, first], nodes: NODES });
    expect(journey.mostFull(fromMs, NODES)).toBe(2);
  });

  it('undone while blue drains: blue grows again, and who is still there stays', async () => {
    const blue = journey.active();
    const uid = await uidOf(blue);
    const fromMs = Date.now();
    await journey.edit('regretted');
    await journey.crowd.until('the second pod of blue drains', () => drains(blue, NODES - 2));
    const green = journey.active();
    const before = Object.keys(await journey.sizes());
    await undo();
    await journey.untilRest(NODES, is(blue));
    expect(await uidOf(blue)).toBe(uid);
    expect(Object.keys(await journey.sizes())).toEqual(before);
    const toll = journey.tollSince(fromMs);
    expectKept(toll, { left: [blue, green], nodes: NODES });
    expect(toll.disconnects).toBeLessThan(2 * CLIENTS);
  });

  it('costs no session and no message', () => journey.end());
});

/** A pod is being deleted, and so have been those before it. */
function drains(set: string, ordinal: number): boolean {
  return journey.leaving().some((name) => setOfPod(name) === set && name.endsWith(`-${ordinal}`));
}

function uidOf(set: string): Promise<string> {
  return journey.kubectl('get', 'statefulset', set, '--output=jsonpath={.metadata.uid}');
}
