import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { BLUE_GREEN, isOwnKey, LABEL } from '../../lib/names.js';
import { CommandError, until, type LocalCluster } from '../cluster/index.js';
import { EMQX } from '../demo/emqx.js';
import { areClientsBack } from '../demo/state.js';
import { dropJourneys, expectKept, setOut, type Journey } from './support/journey.js';
import { DATA, PROXY_SECONDS } from './support/example.js';
import { SLUICE, useSluice } from './support/sluice.js';

jest.setTimeout(300_000);

const NAMESPACE = 'e2e-handback';
const NODES = 2;
const OWN_PODS = ['emqx-0', 'emqx-1'];
/** As Sluice makes a BlueGreen, but for the waits. */
const PACE = {
  initialDelaySeconds: PROXY_SECONDS,
  evacuationStrategy: { waitTakeover: 3, connEvictRate: 200, sessEvictRate: 200 },
};
/** What it says is over within the hour: events, which Kubernetes forgets by itself. */
const FLEETING = ['events', 'events.events.k8s.io'];
/** The local cluster's machine has a name with ours in it. */
const MACHINE = ['Node', 'CSINode'];

interface Thing {
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { name: string }[];
    managedFields?: { manager?: string; fieldsV1?: object }[];
  };
  spec?: { replicas?: number; updateStrategy?: unknown; selector?: unknown };
}

let cluster: LocalCluster;
let journey: Journey;
let active: string;
beforeAll(async () => {
  cluster = await useSluice();
  // A running StatefulSet with its data on claims, and Sluice makes its BlueGreen.
  const example = { nodes: NODES, clients: 60, unlabelled: true, onClaims: true };
  journey = await setOut(cluster, NAMESPACE, example);
  await journey.kubectl('label', 'statefulset', EMQX.name, `${LABEL.upgrade}=${BLUE_GREEN}`);
  await journey.untilRest(NODES, (name) => name === EMQX.name);
  const patch = JSON.stringify({ spec: { updateStrategy: PACE } });
  await journey.kubectl('patch', 'bluegreen', EMQX.name, '--type=merge', '--patch', patch);
  const fromMs = Date.now();
  await journey.edit('upgraded');
  await journey.untilRest(NODES, (name) => name !== EMQX.name);
  active = journey.active();
  expectKept(journey.tollSince(fromMs), { left: [EMQX.name], nodes: NODES });
}, 30 * 60_000);
afterAll(async () => {
  await dropJourneys(cluster, NAMESPACE);
  // However far it has come: nobody could install over a release that is being uninstalled.
  const uninstall = ['uninstall', 'sluice', '--namespace', SLUICE.namespace];
  await cluster.helm([...uninstall, '--no-hooks', '--ignore-not-found', '--wait']);
}, 240_000);

describe('taking Sluice off', () => {
  it('is refused while a StatefulSet is managed, with the list and with what to do', async () => {
    const said = await refusal();
    expect(said).toContain(
      `- statefulset/emqx in namespace ${NAMESPACE} is managed: remove the label (kubectl label statefulset emqx --namespace ${NAMESPACE} sluice.dev/upgrade-)`,
    );
    expect(said).toContain(
      `- statefulset/${active} in namespace ${NAMESPACE} runs the pods of statefulset/emqx`,
    );
    const rights = await cluster.kubectl(['get', 'clusterroles,clusterrolebindings', '--output=name']);
    expect(rights).not.toContain('sluice-uninstall');

    const [, ...rollback] = (/helm rollback .*/.exec(said)?.[0] ?? '').split(' ');
    await cluster.helm(rollback);
    expect(await cluster.helm(['list', '--namespace', SLUICE.namespace, '--deployed', '--short'])).toBe(
      'sluice\n',
    );
  });

  it('knows the update strategy that was applied last, however it is merged into the one that is held', async () => {
    const updateStrategy = { type: 'OnDelete' };
    // What kubectl apply sends, and then kubectl apply --server-side of the same.
    const patch = JSON.stringify({ spec: { updateStrategy } });
    await journey.kubectl('patch', 'statefulset', EMQX.name, '--patch', patch);
    const metadata = { name: EMQX.name };
    const stdin = JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata,
      spec: { updateStrategy },
    });
    const apply = ['apply', '--server-side', '--field-manager=strategy', '--filename', '-'];
    await cluster.kubectl(['--namespace', NAMESPACE, ...apply], { stdin });
    const { spec } = (await cluster.get(['--namespace', NAMESPACE, 'statefulset', EMQX.name])) as Thing;
    expect(spec?.updateStrategy).toMatchObject({ type: 'RollingUpdate' });
  });

  it('begins with the label: every client moves once, to pods without a sidecar', async () => {
    const { crowd } = journey;
    const fromMs = Date.now();
    const label = ['label', 'statefulset', EMQX.name, `${LABEL.upgrade}-`];
    const { stderr } = await cluster.tryKubectl(['--namespace', NAMESPACE, ...label]);
    expect(stderr).toContain('statefulset/emqx is handed back: when its clients are on pods of its own');
    await until(
      'the last key is off the StatefulSet',
      async () => {
        const { metadata } = (await cluster.get([
          ...['--namespace', NAMESPACE],
          ...['statefulset', EMQX.name],
        ])) as Thing;
        return keysOf(metadata).length === 0 ? true : undefined;
      },
      { timeoutMs: 120_000 },
    );
    const sinceMs = Date.now();
    await crowd.until('all clients are back', () => {
      const pods = [...crowd.scene.pods.values()].map(({ name }) => name).sort();
      return (
        pods.join() === OWN_PODS.join() &&
        (crowd.scene.second?.atMs ?? 0) > sinceMs &&
        areClientsBack(crowd.scene, crowd.clients)
      );
    });
    expectKept(journey.tollSince(fromMs), { left: [active], nodes: NODES });
    const containers =
      '--output=jsonpath={.items[*].spec.initContainers[*].name} {.items[*].spec.containers[*].name}';
    expect((await journey.kubectl('get', 'pods', containers)).trim()).toBe('emqx emqx');
  });

  it('leaves the namespace as if Sluice had never been there', async () => {
    const all = await everything(['--namespaced=true'], ['--namespace', NAMESPACE]);
    expect(all.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['Pod', 'Service', 'StatefulSet', 'ControllerRevision', 'EndpointSlice']),
    );
    expect(all.some(({ metadata }) => metadata.managedFields)).toBe(true);
    const traces = all.flatMap((thing) => traceOf(thing).map((trace) => `${thing.kind} ${trace}`));
    expect(traces).toEqual([]);
    const sets = all.filter(({ kind }) => kind === 'StatefulSet');
    expect(sets.map(({ metadata }) => metadata.name)).toEqual([EMQX.name]);
    const claims = all.filter(({ kind }) => kind === 'PersistentVolumeClaim');
    expect(claims.map(({ metadata }) => metadata.name).sort()).toEqual(
      OWN_PODS.map((pod) => `${DATA}-${pod}`),
    );
    expect(claims.flatMap(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([]);
    const [service] = all.filter(({ kind, metadata }) => kind === 'Service' && metadata.name === EMQX.name);
    expect(sets[0]?.spec?.replicas).toBe(NODES);
    expect(sets[0]?.spec?.updateStrategy).toEqual({ type: 'OnDelete' });
    expect(service?.spec?.selector).toEqual({ app: 'emqx' });
  });

  it('ends with helm uninstall, and nothing is left but what it says that it keeps', async () => {
    const before = Date.now();
    const said = await cluster.helm(['uninstall', 'sluice', '--namespace', SLUICE.namespace, '--wait']);
    expect(said).toContain('[CustomResourceDefinition] bluegreens.sluice.dev');
    const wide = await everything(['--namespaced=false'], []);
    const ours = wide.filter((thing) => !MACHINE.includes(thing.kind) && traceOf(thing).length > 0);
    expect(ours.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
      // The resource, as the API server itself announces it.
      'APIService v1alpha1.sluice.dev',
      'CustomResourceDefinition bluegreens.sluice.dev',
      `Namespace ${SLUICE.namespace}`,
    ]);
    const inside = await everything(['--namespaced=true'], ['--namespace', SLUICE.namespace]);
    const kept = inside.filter(({ kind, metadata }) => kind !== 'Pod' && metadata.name.startsWith('sluice-'));
    expect(kept.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
      'Lease sluice-controller',
      'Secret sluice-control',
      'Secret sluice-webhook-ca',
      'Secret sluice-webhook-tls',
    ]);
    // The clients go on without it.
    await journey.crowd.until('another second', () => (journey.crowd.scene.second?.atMs ?? 0) > before);
    expect(journey.tollSince(before)).toMatchObject({ disconnects: 0, sessionsLost: 0 });
    await journey.end();
  });
});

/** What `helm uninstall` says when it fails. */
async function refusal(): Promise<string> {
  try {
    await cluster.helm(['uninstall', 'sluice', '--namespace', SLUICE.namespace]);
  } catch (error) {
    if (error instanceof CommandError) return error.finished.stdout + error.finished.stderr;
    throw error;
  }
  throw new Error('it was not refused');
}

/** Every object of every kind that can be listed. */
async function everything(kinds: string[], where: string[]): Promise<Thing[]> {
  const names = await cluster.kubectl(['api-resources', '--verbs=list', '--output=name', ...kinds]);
  const listed = names.split('\n').filter((name) => name !== '' && !FLEETING.includes(name));
  const { items } = (await cluster.get([...where, listed.join(','), '--show-managed-fields'])) as {
    items: Thing[];
  };
  return items;
}

/** What of Sluice is on an object: its keys, names that it makes, owners of its kind. */
function traceOf({ metadata, spec }: Thing): string[] {
  const names = [metadata.name, ...(metadata.ownerReferences ?? []).map(({ name }) => name)];
  return [
    ...keysOf(metadata),
    ...names.filter((name) => name.includes('sluice') || name.startsWith(`${EMQX.name}-${revisionOf()}`)),
    // Nor does anything of theirs tell who it was.
    ...(metadata.managedFields ?? [])
      .filter((entry) => JSON.stringify(entry).includes('sluice'))
      .map((entry) => `managedFields ${JSON.stringify(entry)}`),
    ...Object.keys((spec?.selector as object | undefined) ?? {}).filter(isOwnKey),
  ].map((trace) => `${metadata.name}: ${trace}`);
}

function revisionOf(): string {
  return active.slice(EMQX.name.length + 1);
}

function keysOf({ labels, annotations }: Thing['metadata']): string[] {
  return [...Object.keys(labels ?? {}), ...Object.keys(annotations ?? {})].filter(isOwnKey);
}
