import { expect } from '@jest/globals';
import type { Phase } from '../../../lib/types.js';
import type { LocalCluster } from '../../cluster/index.js';
import { EMQX, loadEmqx, makeNamespace } from '../../demo/emqx.js';
import type { Scene } from '../../demo/scene.js';
import { areClientsBack } from '../../demo/state.js';
import { isServing } from '../../fleet/observations.js';
import { crowdOn, type Crowd } from './crowd.js';
import { applyFile, exampleOf, QUICK, type Example } from './example.js';
import { dropNamespaces } from './namespaces.js';
import { setOfPod, tollOf, type Toll } from './toll.js';
import { watchVersions, type Version, type Versions } from './versions.js';

/** What is looked at of a StatefulSet. */
export interface SetObject {
  metadata: { name: string; uid: string; resourceVersion: string; deletionTimestamp?: string };
  spec: { replicas: number; template: unknown };
}

/** An EMQX under Sluice with clients on it, that goes through one edit after the other. */
export interface Journey {
  crowd: Crowd;
  /** The file that it was made from. */
  file: Example;
  sets: Versions<SetObject>;
  /** In its namespace. */
  kubectl(...words: string[]): Promise<string>;
  /** Makes another revision: `kubectl set env`. */
  edit(value: string): Promise<string>;
  /** Names of pods that are being deleted. */
  leaving(): string[];
  /** The set that the BlueGreen calls active. */
  active(): string;
  /** Sizes of all StatefulSets in the namespace. */
  sizes(): Promise<Record<string, number>>;
  /**
   * Waits until nothing is left to do: one set has pods, `nodes` of them, all clients are on them, and it is one that was
   * waited for. Then looks whether any other set has a size.
   * @param phase after an abort: `Aborted`
   */
  untilRest(
    nodes: number,
    isExpected: (active: string) => boolean,
    phase?: 'Stable' | 'Aborted',
  ): Promise<void>;
  /** What it cost since then; every client is back and counted when {@link untilRest} has returned. */
  tollSince(fromMs: number): Toll;
  /** The most StatefulSets that had `size` or more at the same time since then. */
  mostFull(fromMs: number, size: number): number;
  /** The clients leave; no session and no message may be missing. */
  end(): Promise<void>;
}

/** What those journeys leave running that a failed test did not bring to their end. */
const underway = new Set<() => Promise<unknown>>();

/** Ends every journey, however far it has come, and deletes namespaces. */
export async function dropJourneys(cluster: LocalCluster, ...namespaces: string[]): Promise<void> {
  await Promise.allSettled([...underway].map((abandon) => abandon()));
  await dropNamespaces(cluster, ...namespaces);
}

const REST_MS = 150_000;
/** All tests of one journey, on a busy machine. */
const LIFE_SECONDS = 1500;
/** Waits as short as they may be: what is looked at is the order of things. */
const BACK_OFF = { min: 0.2, max: 1.5 };
const WAIT_TAKEOVER_SECONDS = 3;

/** Makes a namespace with the example in it, and puts clients on it. */
export async function setOut(
  cluster: LocalCluster,
  namespace: string,
  { clients, ...example }: Example & { clients: number },
): Promise<Journey> {
  const file = { rate: 200, waitTakeoverSeconds: WAIT_TAKEOVER_SECONDS, ...example, env: { ...QUICK } };
  await loadEmqx(cluster);
  await makeNamespace(cluster, namespace);
  await applyFile(cluster, namespace, exampleOf(file));
  const crowd = await crowdOn(cluster, namespace, {
    clients,
    isServed: (scene) => (file.unlabelled ? areReady : isAtRest)(scene, file.nodes),
    backOffSeconds: BACK_OFF,
    isEmqxWatched: true,
    lifeSeconds: LIFE_SECONDS,
  });
  const { scene } = crowd;
  const kubectl = (...words: string[]) => cluster.kubectl(['--namespace', namespace, ...words]);
  const sets = await watchVersions<SetObject>(cluster, `/apis/apps/v1/namespaces/${namespace}/statefulsets`);
  const abandon = () => Promise.allSettled([crowd.leave(), sets.stop()]);
  underway.add(abandon);
  const journey: Journey = {
    crowd,
    file,
    sets,
    kubectl,
    edit: (value) => kubectl('set', 'env', `statefulset/${EMQX.name}`, `EDIT=${value}`),
    leaving: () => [...scene.pods.values()].filter(({ isDeleting }) => isDeleting).map(({ name }) => name),
    active: () => scene.blueGreen?.active ?? '',
    async sizes() {
      const { items } = (await cluster.get(['--namespace', namespace, 'statefulsets'])) as {
        items: SetObject[];
      };
      return Object.fromEntries(items.map(({ metadata: { name }, spec }) => [name, spec.replicas]));
    },
    async untilRest(nodes, isExpected, phase) {
      const since = Date.now();
      const isRest = () =>
        isAtRest(scene, nodes, phase) &&
        isExpected(scene.blueGreen?.active ?? '') &&
        // What was seen of the clients is no older than the rest.
        (scene.second?.atMs ?? 0) > since &&
        areClientsBack(scene, clients);
      await crowd.until('nothing is left to do', isRest, REST_MS);
      const running = Object.entries(await journey.sizes()).filter(([, size]) => size > 0);
      expect(running).toEqual([[journey.active(), nodes]]);
    },
    tollSince: (fromMs) => tollOf(scene, fromMs),
    mostFull: (fromMs, size) => mostFull(sets.seen, fromMs, size),
    async end() {
      underway.delete(abandon);
      const { connected, sessionsLost, messages } = await crowd.leave();
      await sets.stop();
      expect({ connected, sessionsLost, lost: messages.lost }).toEqual({
        connected: clients,
        sessionsLost: 0,
        lost: 0,
      });
      expect(messages.acknowledged).toBeGreaterThan(0);
    },
  };
  return journey;
}

/** All pods are, and clients may come. */
function areReady({ pods, endpoints }: Scene, size: number): boolean {
  return pods.size === size && endpoints?.ready.length === size;
}

/** One set has pods, all serve, and Sluice has nothing to do. */
function isAtRest(
  { blueGreen, pods, endpoints, nodes }: Scene,
  size: number,
  phase: Phase = 'Stable',
): boolean {
  const all = [...pods.values()];
  return (
    blueGreen?.phase === phase &&
    blueGreen.active === blueGreen.wanted &&
    all.length === size &&
    all.every(
      ({ name, isReady, isDeleting }) => isReady && !isDeleting && setOfPod(name) === blueGreen.active,
    ) &&
    endpoints?.ready.length === size &&
    // Not asked before there are clients.
    (nodes === undefined || nodes.nodes.filter(isServing).length === size)
  );
}

function mostFull(seen: readonly Version<SetObject>[], fromMs: number, size: number): number {
  const full = new Set<string>();
  let most = 0;
  for (const { atMs, type, object } of seen) {
    const { name, deletionTimestamp } = object.metadata;
    if (type === 'DELETED' || deletionTimestamp !== undefined || object.spec.replicas < size)
      full.delete(name);
    else full.add(name);
    if (atMs >= fromMs) most = Math.max(most, full.size);
  }
  return most;
}

/** What every stretch of a journey promises: at most one disconnect of a client from each set that it has to leave. */
export function expectKept(toll: Toll, { left, nodes }: { left: string[]; nodes: number }): void {
  expect(Object.keys(toll.mostFrom).sort()).toEqual([...left].sort());
  expect(Object.values(toll.mostFrom).every((most) => most === 1)).toBe(true);
  expect(toll).toMatchObject({ disconnects: toll.evictions, refusals: [], sessionsLost: 0 });
  expect(toll.minReadyEndpoints).toBeGreaterThan(0);
  expect(toll.minServingNodes).toBeGreaterThanOrEqual(nodes);
}
