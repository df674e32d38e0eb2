import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { LocalCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';
import { areClientsBack } from '../../demo/state.js';
import { dropJourneys, expectKept, setOut, type Journey } from '../support/journey.js';
import { useSluice } from '../support/sluice.js';
import { setOfPod } from '../support/toll.js';

jest.setTimeout(400_000);

/** Drains that take long, and what people do meanwhile. */
const NAMESPACE = 'e2e-drains-long';
const NODES = 2;
const CLIENTS = 60;
/** A node's half of the clients takes ten seconds of it. */
const RATE = 3;
const TIMEOUT_SECONDS = 4;

let cluster: LocalCluster;
let journey: Journey;
beforeAll(async () => {
  cluster = await useSluice();
  journey = await setOut(cluster, NAMESPACE, { nodes: NODES, clients: CLIENTS, rate: RATE });
}, 30 * 60_000);
afterAll(() => dropJourneys(cluster, NAMESPACE), 240_000);

const patch = (spec: object) =>
  journey.kubectl('patch', 'bluegreen', EMQX.name, '--type=merge', `--patch=${JSON.stringify({ spec })}`);
const message = () => journey.crowd.scene.blueGreen?.message ?? '';
const read = (path: string) => journey.kubectl('get', 'bluegreen', EMQX.name, `--output=jsonpath={${path}}`);
const stalled = () => read('.status.conditions[?(@.type=="Stalled")].reason');
const isNot =
  (name: string) =>
  (active: string): boolean =>
    active !== name;
/** Pods of a set that are there. */
const podsOf = (set: string): string[] =>
  [...journey.crowd.scene.pods.values()]
    .map(({ name }) => name)
    .filter((name) => setOfPod(name) === set)
    .sort();
const leavingOf = (set: string): string[] => journey.leaving().filter((name) => setOfPod(name) === set);

/** Begins an upgrade. @returns the set that is left, once the first node of it drains */
async function untilDrains(value: string): Promise<string> {
  const blue = journey.active();
  await journey.edit(value);
  await journey.crowd.until('blue drains', () => leavingOf(blue).length > 0);
  return blue;
}

describe('a drain that takes longer than drainTimeoutSeconds', () => {
  it('holds the others where onDrainTimeout says Hold, goes on itself, and a retry lets them go', async () => {
    await patch({ drainTimeoutSeconds: TIMEOUT_SECONDS, onDrainTimeout: 'Hold' });
    const fromMs = Date.now();
    const blue = await untilDrains('hold');
    const { crowd } = journey;
    const held = `${blue}-${NODES - 1} has not handed over within drainTimeoutSeconds (${TIMEOUT_SECONDS} s)`;
    await crowd.until('it is held', () => message().startsWith(`${held}, so no further pod is taken down`));
    expect(await stalled()).toBe('DrainHeld');
    await crowd.until('its own drain ends', () => podsOf(blue).join() === `${blue}-0`);
    // What a loop that did not hold would do at once.
    const sinceMs = Date.now();
    await crowd.until('ten more looks', () => Date.now() - sinceMs > 10_000);
    expect(podsOf(blue)).toEqual([`${blue}-0`]);
    expect(leavingOf(blue)).toEqual([]);
    expect(message()).toMatch(/^emqx-\w+-1 has not handed over/);
    const [, revision = ''] = /annotate sluice\.dev\/retry=(\w+) to go on/.exec(message()) ?? [];
    await journey.kubectl('annotate', 'bluegreen', EMQX.name, `sluice.dev/retry=${revision}`);
    await journey.untilRest(NODES, isNot(blue));
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
    expect(await stalled()).toBe('Stable');
  });

  it('is waited for no longer where it says Proceed: the next has its turn, and both hand over', async () => {
    await patch({ onDrainTimeout: 'Proceed' });
    const fromMs = Date.now();
    const blue = await untilDrains('proceed');
    await journey.crowd.until('the next has its turn', () => leavingOf(blue).length === NODES);
    await journey.untilRest(NODES, isNot(blue));
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
    const reason = '--field-selector=reason=DrainTimedOut';
    const told = await journey.kubectl('get', 'events', reason, '--output=jsonpath={.items[*].message}');
    expect(told).toContain(`${blue}-1 has not handed over within drainTimeoutSeconds (${TIMEOUT_SECONDS} s)`);
    await patch({ drainTimeoutSeconds: 3600 });
  });
});

describe('a pause while blue drains', () => {
  it('lets the drain that has begun end, and begins no other', async () => {
    const fromMs = Date.now();
    const blue = await untilDrains('pause');
    await patch({ paused: true });
    const { crowd } = journey;
    await crowd.until('its drain ends', () => podsOf(blue).join() === `${blue}-0`);
    const sinceMs = Date.now();
    await crowd.until('ten more looks', () => Date.now() - sinceMs > 10_000);
    expect(podsOf(blue)).toEqual([`${blue}-0`]);
    expect(leavingOf(blue)).toEqual([]);
    expect(crowd.scene.blueGreen?.phase).toBe('Paused');
    await patch({ paused: false });
    await journey.untilRest(NODES, isNot(blue));
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
  });
});

describe('a size asked for while blue drains', () => {
  it('by an autoscaler: green grows, and each client moves once', async () => {
    const fromMs = Date.now();
    const blue = await untilDrains('grow');
    const asks = ['--min=3', '--max=5', '--cpu-percent=50'];
    await journey.kubectl('autoscale', 'bluegreen', EMQX.name, ...asks);
    await journey.untilRest(3, isNot(blue));
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
    await journey.kubectl('delete', 'hpa', EMQX.name);
    await journey.kubectl('scale', 'bluegreen', EMQX.name, `--replicas=${NODES}`);
    await journey.untilRest(NODES, isNot(blue));
  });

  it('costs no session and no message, up to here', () => {
    const { disconnects, evictions, refusals, sessionsLost } = journey.tollSince(0);
    expect({ disconnects, refusals, sessionsLost }).toEqual({
      disconnects: evictions,
      refusals: [],
      sessionsLost: 0,
    });
  });

  it('of 0, and back: every pod ends by its rule, and what was asked for last serves', async () => {
    const blue = await untilDrains('none');
    const green = journey.active();
    // The least that there is.
    await patch({ noRecipientSeconds: 35 });
    await journey.kubectl('scale', 'statefulset', EMQX.name, '--replicas=0');
    const { crowd } = journey;
    await crowd.until('no pod is left', () => crowd.scene.pods.size === 0, 200_000);
    expect(await journey.sizes()).toMatchObject({ [EMQX.name]: 0, [blue]: 0, [green]: 0 });
    expect(await read('.status.nodes')).toBe('0/0');
    await journey.kubectl('scale', 'statefulset', EMQX.name, `--replicas=${NODES}`);
    await crowd.until(
      'they serve again',
      () => podsOf(green).length === NODES && areClientsBack(crowd.scene, CLIENTS),
      150_000,
    );
    await crowd.until('Stable', () => crowd.scene.blueGreen?.phase === 'Stable');
    expect(journey.active()).toBe(green);
    expect(await journey.sizes()).toMatchObject({ [EMQX.name]: 0, [green]: NODES });
    const template = '--output=jsonpath={.spec.template.spec.containers[0].env[?(@.name=="EDIT")].value}';
    expect(await journey.kubectl('get', 'statefulset', green, template)).toBe('none');
  });
});
