import { build } from 'esbuild';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { issue, makeCa } from '../../../../certs/issue.js';
import type { Pair } from '../../../../certs/pair.js';
import { inject } from '../../../../controller/inject/inject.js';
import type { JsonObject } from '../../../../lib/json.js';
import { DEFAULT_SPEC, type BlueGreenSpec } from '../../../../lib/types.js';
import { busyboxImage, until, type LocalCluster } from '../../../cluster/index.js';
import { parseManifests } from '../../../demo/manifest.js';
import { standInImage } from '../../../emqx/image.js';
import type { Assignment, Sighting } from './witness.js';

const IMAGE = 'localhost/sluice:gate';
const KEY = { key: 'gate-test', secret: 'a secret with = and spaces' };
const AUTHORIZATION = `Basic ${Buffer.from(`${KEY.key}:${KEY.secret}`).toString('base64')}`;

export interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string };
  spec: { nodeName: string };
  status: {
    phase: string;
    podIP: string;
    conditions: { type: string; status: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

export interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount: number;
  containerID: string;
  state: {
    running?: { startedAt: string };
    waiting?: { reason: string };
    terminated?: { exitCode: number; finishedAt: string };
  };
}

/** Loads the two images that the tests' pods run. */
export async function loadImages(cluster: LocalCluster): Promise<void> {
  await cluster.loadImage(await standInImage('5.8.8'));
  await cluster.loadImage({
    name: IMAGE,
    dockerfile: 'Dockerfile',
    context: '.',
    inputs: ['package.json', 'package-lock.json', 'scripts', 'lib', 'sidecar'],
    buildArgs: { BUSYBOX_IMAGE: busyboxImage, PROGRAMS: 'sidecar' },
  });
}

export interface SetOptions {
  namespace: string;
  replicas: number;
  spec: Partial<BlueGreenSpec>;
  /** What a user changes in the template, before it is injected. */
  edit?: (template: JsonObject) => void;
}

/** The control port's certificates, made once. */
let control: { ca: Pair; client: Pair } | undefined;

export async function controlPair(): Promise<{ ca: Pair; client: Pair }> {
  if (control) return control;
  const life = { nowMs: Date.now(), days: 2 };
  const ca = await makeCa('gate test', life);
  control = { ca, client: await issue(ca, { kind: 'client', name: 'controller' }, life) };
  return control;
}

/**
 * Applies the example of the README as a revision set: its template with what the controller injects, in a namespace
 * with Pod Security `restricted`, EMQX with a read-only root. Resolves when all pods are Ready.
 */
export async function startSet(
  cluster: LocalCluster,
  { namespace, replicas, spec, edit }: SetOptions,
): Promise<Pod[]> {
  const { ca } = await controlPair();
  const labels = Object.fromEntries(
    ['enforce', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
  );
  await cluster.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } }]);
  const objects = parseManifests(readFileSync('examples/emqx.yaml', 'utf8')) as unknown as JsonObject[];
  const set = objects.find(({ kind }) => kind === 'StatefulSet') as {
    metadata: JsonObject;
    spec: JsonObject;
  };
  const template = set.spec['template'] as JsonObject;
  const emqx = ((template['spec'] as JsonObject)['containers'] as JsonObject[])[0] as JsonObject;
  (emqx['securityContext'] as JsonObject)['readOnlyRootFilesystem'] = true;
  edit?.(template);
  const injected = inject(template, {
    revision: 'gate',
    spec: { ...DEFAULT_SPEC, ...spec },
    sidecar: {
      image: IMAGE,
      imagePullPolicy: 'IfNotPresent',
      resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '128Mi' } },
      controlCa: ca.cert,
      metricsPort: 9441,
    },
    headlessService: 'emqx-headless',
    secretName: 'emqx-api-key',
    isOwnSecret: true,
  });
  if (injected.kind === 'refused') throw new Error(injected.message);
  set.metadata['labels'] = { app: 'emqx' };
  set.spec = { ...set.spec, replicas, template: injected.template };
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'emqx-api-key' },
    stringData: { ...KEY, bootstrap: `${KEY.key}:${KEY.secret}\n` },
  };
  const placed = [secret, ...objects].map((object) => {
    const metadata = object['metadata'] as JsonObject;
    return { ...object, metadata: { ...metadata, namespace } };
  });
  await cluster.apply(placed);
  return until(
    `${replicas} pods of ${namespace} are Ready`,
    async () => {
      const pods = await podsOf(cluster, namespace);
      return pods.length === replicas && pods.every(isReady) ? pods : undefined;
    },
    { timeoutMs: 180_000, everyMs: 500 },
  );
}

export async function podsOf(cluster: LocalCluster, namespace: string): Promise<Pod[]> {
  const { items } = (await cluster.get(['--namespace', namespace, 'pods', '--selector', 'app=emqx'])) as {
    items: Pod[];
  };
  return items.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

export const isReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  pod.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

export function container(pod: Pod, name: 'emqx' | 'sluice'): ContainerStatus {
  const statuses = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])];
  const found = statuses.find((status) => status.name === name);
  if (!found) throw new Error(`${pod.metadata.name} has no status of ${name}`);
  return found;
}

/** Clients on pods, and what a witness in the cluster's network saw of them. */
export interface Witness {
  sightings: Sighting[];
  /** Resolves with the first sighting that fits, past or to come. */
  first: (what: string, fits: (sighting: Sighting) => boolean, timeoutMs: number) => Promise<Sighting>;
  stop: () => Promise<void>;
}

const sent = new Set<Witness>();

/** Stops the witnesses that a test has left. */
export async function recallWitnesses(): Promise<void> {
  await Promise.all([...sent].map((witness) => witness.stop()));
}

export async function sendWitness(
  cluster: LocalCluster,
  pods: Pod[],
  load: { clients: number; persistent: number },
): Promise<Witness> {
  const file = join('out', 'e2e', 'witness.cjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'witness.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'warning',
  });
  const assignment: Assignment = {
    authorization: AUTHORIZATION,
    ...load,
    pods: pods.map(({ metadata, status }) => ({ name: metadata.name, ip: status.podIP })),
  };
  const child = cluster.spawnInNetwork('node', [file, JSON.stringify(assignment)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const witness = listen(child);
  sent.add(witness);
  return witness;
}

function listen(child: ChildProcess): Witness {
  if (!child.stdout) throw new Error('the witness has no output');
  const sightings: Sighting[] = [];
  createInterface(child.stdout).on('line', (line) => sightings.push(JSON.parse(line) as Sighting));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    sightings,
    first: (what, fits, timeoutMs) => until(what, () => sightings.find(fits), { timeoutMs, everyMs: 50 }),
    stop: () => {
      child.kill();
      return ended;
    },
  };
}

/** Sessions that a pod's own EMQX node holds. */
export async function sessionsOf(cluster: LocalCluster, pod: Pod | undefined): Promise<number> {
  const ip = pod?.status.podIP ?? '';
  const words = ['--silent', '--fail', '--header', `Authorization: ${AUTHORIZATION}`];
  const nodes = JSON.parse(
    await cluster.runInNetwork('curl', [...words, `http://${ip}:18083/api/v5/nodes`]),
  ) as { node: string; connections?: number }[];
  const own = nodes.find(({ node }) => node.includes(`@${pod?.metadata.name}.`));
  return own?.connections ?? -1;
}

/** The pod (this one, not a successor) as it is now; undefined when it is gone. */
export async function podNow(
  cluster: LocalCluster,
  namespace: string,
  { metadata }: Pod,
): Promise<Pod | undefined> {
  return (await podsOf(cluster, namespace)).find(({ metadata: { uid } }) => uid === metadata.uid);
}

/** Resolves with the time in ms since the epoch at which the pod was gone. */
export function goneMs(
  cluster: LocalCluster,
  namespace: string,
  pod: Pod,
  timeoutMs: number,
): Promise<number> {
  return until(
    `${pod.metadata.name} is gone`,
    async () => ((await podNow(cluster, namespace, pod)) ? undefined : Date.now()),
    { timeoutMs, everyMs: 500 },
  );
}
