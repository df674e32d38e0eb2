import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { reportOf } from '../fleet/compile.js';
import type { Evidence, UpgradeSettings } from '../fleet/evidence.js';
import { kubeConfigFor, watchKube } from '../fleet/kubeWatch.js';
import type { Report } from '../fleet/report.js';
import type { AnyCluster } from '../cluster/index.js';
import { pointWatch, readFleet, readWatch } from './crew.js';
import type { Running, Stage } from './crew.js';
import { EMQX } from './emqx.js';
import { Scene, SceneTimeout } from './scene.js';
import { areClientsBack, isUpgraded, isWhole, whatIsMissing } from './state.js';

/** One upgrade under load, on a cluster where everything is installed and the StatefulSet is applied. */
export interface UpgradeOptions {
  cluster: AnyCluster;
  stage: Stage;
  settings: UpgradeSettings;
  namespace: string;
  messagesPerSecond: number;
  connectRate: number;
  /** Longest wait for the upgrade itself. */
  timeoutSeconds: number;
  /** What has gone wrong already when the edit comes, if anything; the clients are connected then. */
  before?: () => Promise<void>;
  /** What the user does. */
  edit: (scene: Scene) => Promise<void>;
  /** What goes wrong meanwhile, if anything; begins with the edit, and the upgrade is not over before it is. */
  alongside?: (scene: Scene, signal: AbortSignal) => Promise<void>;
  /** Told when the next part begins. */
  say: (line: string) => void;
  /** Sees everything as it happens: the live view. */
  show?: (scene: Scene) => () => void;
  /** Folder for the records; absent for none. */
  outDir?: string;
  signal: AbortSignal;
}

const START_TIMEOUT_MS = 180_000;
/** Back-off, settling and a poll of the brokers. */
const RETURN_TIMEOUT_MS = 30_000;
/** At the end, for messages still on their way. */
const SETTLE_SECONDS = 15;

/**
 * Waits for the EMQX cluster to be whole, puts the fleet on it, makes the edit, waits for the upgrade to end, and
 * reports. An upgrade that does not end in time is reported too, as a broken promise.
 * @throws SceneTimeout when it does not come as far as the edit
 */
export async function runUpgrade(options: UpgradeOptions): Promise<Report> {
  const { cluster, stage, settings, signal: given } = options;
  const scene = new Scene();
  const over = new AbortController();
  const signal = AbortSignal.any([given, over.signal]);
  const hide = options.show?.(scene);
  try {
    await watch(scene, kubeConfigFor(cluster.kubectlArgs), options, signal);
    const watching = await stage.startWatch();
    const watched = readWatch(watching, scene);
    pointWatch(watching, scene);
    await untilWhole(scene, options);
    options.say(`${settings.clients} clients connect`);
    const fleet = await startFleet(options);
    const sailed = readFleet(fleet, scene);
    await scene.until('the fleet is complete', () => scene.fleet.some(({ kind }) => kind === 'ready'), {
      timeoutMs: START_TIMEOUT_MS + (settings.clients / options.connectRate) * 1000,
      signal,
    });
    await untilClientsBack(scene, options);
    await options.before?.();
    const times = await upgrade(scene, options, signal);
    await untilClientsBack(scene, options).catch(ignoreTimeout);
    options.say('the fleet returns');
    await fleet.stop();
    await sailed;
    await watching.stop();
    await watched;
    const evidence: Evidence = {
      settings,
      ...times,
      fleet: scene.fleet,
      observations: scene.observations,
    };
    const report = reportOf(evidence);
    if (options.outDir !== undefined) writeAll(options.outDir, report, evidence);
    return report;
  } finally {
    hide?.();
    over.abort();
    await stage.clear();
  }
}

async function watch(
  scene: Scene,
  config: KubeConfig,
  { namespace, settings }: UpgradeOptions,
  signal: AbortSignal,
): Promise<void> {
  await watchKube({
    config,
    target: {
      namespace,
      service: EMQX.name,
      podSelector: EMQX.selector,
      container: EMQX.container,
      blueGreen: settings.strategy === 'blue-green' ? EMQX.name : '',
    },
    write: (seen) => scene.observe(seen),
    signal,
  });
}

async function untilWhole(scene: Scene, { settings, signal, say }: UpgradeOptions): Promise<void> {
  const { strategy, nodes } = settings;
  say(`${nodes} EMQX nodes start and join`);
  try {
    await scene.until('EMQX is whole', () => isWhole(scene, strategy, nodes), {
      timeoutMs: START_TIMEOUT_MS,
      signal,
    });
  } catch (error) {
    if (!(error instanceof SceneTimeout)) throw error;
    throw new SceneTimeout(`${error.message}; so far ${whatIsMissing(scene, strategy, nodes)}`);
  }
}

async function startFleet(options: UpgradeOptions): Promise<Running> {
  const { cluster, stage, namespace, settings } = options;
  const service = (await cluster.get(['--namespace', namespace, 'service', EMQX.name])) as {
    spec: { clusterIP: string };
  };
  const seconds = options.timeoutSeconds + (START_TIMEOUT_MS + RETURN_TIMEOUT_MS) / 1000;
  return stage.startFleet([
    ...['--host', service.spec.clusterIP, '--port', String(EMQX.mqttPort)],
    ...['--clients', String(settings.clients), '--connect-rate', String(options.connectRate)],
    ...['--messages', String(options.messagesPerSecond)],
    ...['--duration', String(Math.ceil(seconds + settings.clients / options.connectRate))],
    ...['--settle', String(SETTLE_SECONDS)],
  ]);
}

async function upgrade(
  scene: Scene,
  options: UpgradeOptions,
  signal: AbortSignal,
): Promise<Pick<Evidence, 'startedMs' | 'endedMs' | 'hasEnded'>> {
  const { strategy, nodes } = options.settings;
  const blue = new Set([...scene.pods.values()].map(({ revision }) => revision));
  const startedMs = Date.now();
  options.say('the image is changed');
  await options.edit(scene);
  let endedMs = 0;
  const end = scene
    .until('the upgrade', () => isUpgraded(scene, strategy, nodes, blue), {
      timeoutMs: options.timeoutSeconds * 1000,
      signal,
    })
    .finally(() => (endedMs = Date.now()));
  try {
    await Promise.all([end, options.alongside?.(scene, signal)]);
    return { startedMs, endedMs, hasEnded: true };
  } catch (error) {
    if (!(error instanceof SceneTimeout)) throw error;
    options.say(`${error.message}; so far ${whatIsMissing(scene, strategy, nodes)}`);
    return { startedMs, endedMs: Date.now(), hasEnded: false };
  }
}

async function untilClientsBack(scene: Scene, { settings, signal }: UpgradeOptions): Promise<void> {
  await scene.until('all clients are connected', () => areClientsBack(scene, settings.clients), {
    timeoutMs: RETURN_TIMEOUT_MS,
    signal,
  });
}

function ignoreTimeout(error: unknown): void {
  if (!(error instanceof SceneTimeout)) throw error;
}

/** The report, and the evidence that it was made from. */
function writeAll(folder: string, report: Report, { fleet, observations, ...summary }: Evidence): void {
  mkdirSync(folder, { recursive: true });
  const lines = (records: readonly object[]) =>
    records.map((record) => `${JSON.stringify(record)}\n`).join('');
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(join(folder, 'upgrade.json'), `${JSON.stringify(summary)}\n`);
  writeFileSync(join(folder, 'fleet.jsonl'), lines(fleet));
  writeFileSync(join(folder, 'observations.jsonl'), lines(observations));
}
