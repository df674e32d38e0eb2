import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { parse } from 'yaml';
import { LABEL } from '../../lib/names.js';
import { until, type LocalCluster } from '../cluster/index.js';
import { EMQX } from '../demo/emqx.js';
import type { Manifest } from '../demo/manifest.js';
import { isServing } from '../fleet/observations.js';
import { clientsOn } from './support/crowd.js';
import { applyFile } from './support/example.js';
import { dropJourneys, setOut, type Journey } from './support/journey.js';
import { useSluice } from './support/sluice.js';
import { toldOn, untilTold } from './support/told.js';

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
afterAll(() => dropJourneys(cluster, NAMESPACE), 120_000);

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

const told = (reason: string): Promise<true> => untilTold(cluster, NAMESPACE, reason);

/** The budget that docs/own-yaml.md gives to its readers. */
function budget(): Manifest {
  const blocks = [...readFileSync('docs/own-yaml.md', 'utf8').matchAll(/^```yaml\n([^]*?)^```$/gm)];
  const found = blocks.flatMap(([, text = '']) => (text.includes('PodDisruptionBudget') ? [text] : []));
  const [only = ''] = found;
  expect(found).toHaveLength(1);
  return parse(only) as Manifest;
}

/**
 * `kubectl drain` of the machine, as far as it has pods of EMQX. The local cluster has no other machine, so this one takes pods again
 * as soon as it has been cordoned: kubectl has its list of pods by then, and evicts each of them as the budget allows.
 * @returns what kubectl said meanwhile
 */
async function drainMachine(podSelector: string): Promise<string> {
  const { items } = (await cluster.get(['nodes'])) as { items: { metadata: { name: string } }[] };
  const [machine = ''] = items.map(({ metadata }) => metadata.name);
  const isCordoned = ['get', 'node', machine, '--output=jsonpath={.spec.unschedulable}'];
  try {
    const draining = cluster.tryKubectl(
      [
        ...['drain', machine, `--pod-selector=${podSelector}`, '--timeout=150s'],
        ...['--delete-emptydir-data', '--ignore-daemonsets'],
      ],
      { timeoutMs: 180_000 },
    );
    const cordoned = until(
      'the machine is cordoned',
      async () => ((await cluster.kubectl(isCordoned)) === 'true' ? true : undefined),
      { timeoutMs: 30_000 },
    );
    await cordoned.then(() => cluster.kubectl(['uncordon', machine]));
    const { code, stdout, stderr } = await draining;
    expect({ code, stdout, stderr }).toMatchObject({ code: 0 });
    return stdout + stderr;
  } finally {
    await cluster.kubectl(['uncordon', machine]);
  }
}

describe('a pod that somebody else ends', () => {
  it('drains when its machine does, one pod after the other by the budget', async () => {
    const active = journey.active();
    const pods = [0, 1].map((ordinal) => `${active}-${ordinal}`);
    const before = await uidsOfPods();
    const count = () => pods.map((pod) => clientsOn(journey.crowd.scene, pod));
    await journey.crowd.until('both nodes have clients, and all are counted', () => {
      const [one = 0, other = 0] = count();
      return one > 0 && other > 0 && one + other === CLIENTS;
    });
    const counts = count();
    await applyFile(cluster, NAMESPACE, [budget()]);
    await until(
      'the budget allows one',
      async () =>
        (await journey.kubectl('get', 'pdb', EMQX.name, '--output=jsonpath={.status.disruptionsAllowed}')) ===
          '1' || undefined,
      { timeoutMs: 30_000 },
    );
    const fromMs = Date.now();
    const said = await drainMachine(`app=emqx,${LABEL.revision}=${active.slice(EMQX.name.length + 1)}`);
    await journey.untilRest(NODES, is(active));
    await journey.kubectl('delete', 'pdb', EMQX.name);
    expect(said).toMatch(/violate the pod's disruption budget/);
    expect([...said.matchAll(/^pod\/(\S+) evicted$/gm)].map(([, pod]) => pod).sort()).toEqual(pods);
    const after = await uidsOfPods();
    expect(after).toHaveLength(NODES);
    expect(after.filter((uid) => before.includes(uid))).toEqual([]);
    // Once by each node that he was on: its own clients left the first one, and then everybody was on the second.
    const sentAway = journey.crowd.scene.observations.flatMap((each) =>
      each.kind === 'broker-disconnect' && each.atMs >= fromMs ? [each] : [],
    );
    const [first = ''] = sentAway.map(({ pod }) => pod);
    const ofFirst = counts[pods.indexOf(first)] ?? 0;
    expect(new Set(sentAway.map(({ pod, clientId }) => `${pod} ${clientId}`)).size).toBe(sentAway.length);
    const toll = journey.tollSince(fromMs);
    expect(toll).toMatchObject({
      disconnects: toll.evictions,
      evictions: ofFirst + CLIENTS,
      refusals: [],
      sessionsLost: 0,
    });
    expect(toll.minReadyEndpoints).toBeGreaterThan(0);
    // One of two that starts again lists nobody yet, so what counts is who hands over, not whom the other one sees.
    const open = journey.crowd.scene.observations.flatMap((each) =>
      each.kind === 'nodes' && each.atMs >= fromMs
        ? [each.nodes.filter((node) => isServing({ ...node, isRunning: true })).length]
        : [],
    );
    expect(Math.min(...open)).toBeGreaterThanOrEqual(NODES - 1);
  });

  it('drains when it is deleted, and the message names it with what is left', async () => {
    const active = journey.active();
    const fromMs = Date.now();
    const pods = [0, 1].map((ordinal) => `${active}-${ordinal}`);
    const pod = pods.find((name) => clientsOn(journey.crowd.scene, name) > 0) ?? '';
    await journey.kubectl('delete', 'pod', pod, '--wait=false');
    const names = new RegExp(
      `has 1 of 2 pods; ${pod} (begins to drain|is draining).*\\d+ clients? and \\d+ sessions? left`,
    );
    await journey.crowd.until('the message names the pod', () => names.test(message()));
    await journey.untilRest(NODES, is(active));
    expect(journey.tollSince(fromMs)).toMatchObject({ sessionsLost: 0 });
    expect(journey.tollSince(fromMs).disconnects).toBeGreaterThan(0);
  });
});

describe('what somebody takes from the active set', () => {
  it('labels of a pod: it gets them back, and nobody notices', async () => {
    const active = journey.active();
    const fromMs = Date.now();
    const before = await uidsOfPods();
    await journey.kubectl('label', 'pod', `${active}-1`, 'app-', 'sluice.dev/revision-');
    await told('PodRelabelled');
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
    await told('RevisionSetRestored');
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
      await told('RevisionSetLost');
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
    expect(await toldOn(cluster, NAMESPACE, 'DrainGaveUp')).toContain('Pod');
  });
});
