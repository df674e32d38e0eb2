import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { JsonObject } from '../../lib/json.js';
import { until, type LocalCluster } from '../cluster/index.js';
import { EMQX } from '../demo/emqx.js';
import { setOut, type Journey } from './support/journey.js';
import { dropNamespaces } from './support/namespaces.js';
import { useSluice } from './support/sluice.js';

jest.setTimeout(240_000);

const NAMESPACE = 'e2e-ends';
const CLIENTS = 60;
const NODES = 2;
/** What the README calls about a minute: noRecipientSeconds, EMQX's stop, and the rest for a busy machine. */
const MINUTE_MS = 90_000;

let cluster: LocalCluster;
let journey: Journey;
beforeAll(async () => {
  cluster = await useSluice();
  journey = await setOut(cluster, NAMESPACE, { nodes: NODES, clients: CLIENTS });
}, 30 * 60_000);
afterAll(() => dropNamespaces(cluster, NAMESPACE), 120_000);

const is =
  (name: string) =>
  (active: string): boolean =>
    active === name;
const isNot =
  (name: string) =>
  (active: string): boolean =>
    active !== name;
const message = (): string => journey.crowd.scene.blueGreen?.message ?? '';
const uidsOfPods = async (): Promise<string[]> =>
  (await journey.kubectl('get', 'pods', '--output=jsonpath={.items[*].metadata.uid}')).split(' ').sort();

/** Kinds of the objects that have an event of this reason. */
async function toldOn(reason: string): Promise<string[]> {
  const { items } = (await cluster.get([
    ...['--namespace', NAMESPACE, 'events', `--field-selector=reason=${reason}`],
  ])) as { items: { involvedObject: { kind: string } }[] };
  return [...new Set(items.map(({ involvedObject }) => involvedObject.kind))].sort();
}

/** Events follow the step that they tell of. */
const untilTold = (reason: string): Promise<true> =>
  until(
    `the event ${reason} on declaration and BlueGreen`,
    async () => ((await toldOn(reason)).join() === 'BlueGreen,StatefulSet' ? true : undefined),
    { timeoutMs: 30_000 },
  );

/** What `kubectl drain` sends for each pod. */
async function evict(pod: string): Promise<string> {
  const eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: pod, namespace: NAMESPACE },
  };
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/${pod}/eviction`;
  return cluster.kubectl(['create', '--raw', path, '--filename', '-'], { stdin: JSON.stringify(eviction) });
}

describe('a pod that somebody else ends', () => {
  it('drains when it is deleted, and the message names it with what is left', async () => {
    const active = journey.active();
    const fromMs = Date.now();
    await journey.kubectl('delete', 'pod', `${active}-1`, '--wait=false');
    await journey.crowd.until('the message names the pod', () =>
      /has 1 of 2 pods; \S+-1 (begins to drain|is draining).*\d+ clients? and \d+ sessions? left/.test(
        message(),
      ),
    );
    await journey.untilRest(NODES, is(active));
    expect(journey.tollSince(fromMs)).toMatchObject({ sessionsLost: 0 });
    expect(journey.tollSince(fromMs).disconnects).toBeGreaterThan(0);
  });

  it('drains when it is evicted, one at a time by the budget', async () => {
    const active = journey.active();
    const fromMs = Date.now();
    const budget: JsonObject = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: EMQX.name, namespace: NAMESPACE },
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'emqx' } } },
    };
    await cluster.apply([budget]);
    await until(
      'the budget allows one',
      async () =>
        (await journey.kubectl('get', 'pdb', EMQX.name, '--output=jsonpath={.status.disruptionsAllowed}')) ===
          '1' || undefined,
      { timeoutMs: 30_000 },
    );
    await evict(`${active}-0`);
    await expect(evict(`${active}-1`)).rejects.toThrow(/disruption budget/);
    await journey.untilRest(NODES, is(active));
    expect(journey.tollSince(fromMs)).toMatchObject({ sessionsLost: 0 });
    await journey.kubectl('delete', 'pdb', EMQX.name);
  });
});

describe('what somebody takes from the active set', () => {
  it('labels of a pod: it gets them back, and nobody notices', async () => {
    const active = journey.active();
    const fromMs = Date.now();
    const before = await uidsOfPods();
    await journey.kubectl('label', 'pod', `${active}-1`, 'app-', 'sluice.dev/revision-');
    await untilTold('PodRelabelled');
    await journey.untilRest(NODES, is(active));
    expect(await uidsOfPods()).toEqual(before);
    const owner = ['get', 'pod', `${active}-1`, '--output=jsonpath={.metadata.ownerReferences[0].name}'];
    expect(await journey.kubectl(...owner)).toBe(active);
    expect(journey.tollSince(fromMs)).toMatchObject({ disconnects: 0, sessionsLost: 0 });
  });

  it('its StatefulSet with the pods left behind: it is made again over them, and nobody notices', async () => {
    const active = journey.active();
    const fromMs = Date.now();
    const before = await uidsOfPods();
    const uidOf = () => journey.kubectl('get', 'statefulset', active, '--output=jsonpath={.metadata.uid}');
    const uid = await uidOf();
    await journey.kubectl('delete', 'statefulset', active, '--cascade=orphan');
    await untilTold('RevisionSetRestored');
    await journey.untilRest(NODES, is(active));
    expect(await uidOf()).not.toBe(uid);
    await until(
      'its pods are its own',
      async () => {
        const owners = ['get', 'pods', '--output=jsonpath={.items[*].metadata.ownerReferences[0].uid}'];
        const now = await uidOf();
        return (await journey.kubectl(...owners)) === `${now} ${now}` ? true : undefined;
      },
      { timeoutMs: 30_000 },
    );
    expect(await uidsOfPods()).toEqual(before);
    expect(journey.tollSince(fromMs)).toMatchObject({ disconnects: 0, sessionsLost: 0 });
  });

  it.each([
    // What people type, and what Argo CD's page does.
    'background',
    'foreground',
  ])(
    'its StatefulSet with the pods, in the %s: another takes its place beside them, and no session is lost',
    async (cascade) => {
      const active = journey.active();
      const fromMs = Date.now();
      await journey.kubectl('delete', 'statefulset', active, '--wait=false', `--cascade=${cascade}`);
      await journey.crowd.until('the message says what happened', () =>
        message().includes(`StatefulSet ${active}, which had the clients, was deleted`),
      );
      await untilTold('RevisionSetLost');
      await journey.untilRest(NODES, isNot(active));
      expect(journey.tollSince(fromMs)).toMatchObject({ sessionsLost: 0 });
    },
  );

  it('costs no session and no message', () => journey.end());
});

describe('the declaration itself', () => {
  it('goes in about a minute though its sessions have nowhere to go, and it is told what was lost', async () => {
    await journey.kubectl('delete', 'statefulset', EMQX.name);
    await until(
      'no pod and no set is left',
      async () =>
        (await journey.kubectl('get', 'pods,statefulsets', '--output=name')) === '' ? true : undefined,
      { timeoutMs: MINUTE_MS },
    );
    expect(await toldOn('DrainGaveUp')).toContain('Pod');
  });
});
