import { readFileSync } from 'node:fs';
import { useCluster } from '../cluster/index.js';
import type { Cluster, LocalCluster } from '../cluster/index.js';
import { standInImage } from '../emqx/image.js';
import type { Report } from '../fleet/report.js';
import type { Stage } from './crew.js';
import { installSluice } from './install.js';
import { jobStage } from './jobStage.js';
import { showLive } from './live.js';
import type { Screen } from './live.js';
import { localStage } from './localStage.js';
import { blueGreenManifests, emqxManifests } from './manifest.js';
import type { Manifest, Replacement } from './manifest.js';
import { bundlePrograms } from './programs.js';
import type { DemoSettings } from './settings.js';
import { EMQX, runUpgrade } from './upgrade.js';

/** Where the demo runs. */
export interface DemoShell {
  env: NodeJS.ProcessEnv;
  say: (line: string) => void;
  screen: Screen;
  signal: AbortSignal;
}

/** What a cluster has been given for the upgrade. */
interface Scenery {
  stage: Stage;
  /** Image that the upgrade changes to. */
  toImage: string;
  replacement?: Replacement;
}

/** From nothing to the report: cluster, images, Sluice, EMQX, fleet, edit. Cleans up after itself unless kept. */
export async function runDemo(settings: DemoSettings, shell: DemoShell): Promise<Report> {
  const { upgrade, namespace } = settings;
  shell.say('the cluster comes up');
  const cluster = await useCluster({ env: shell.env, say: shell.say });
  const { stage, toImage, replacement } = await scenery(cluster, settings, shell);
  if (upgrade.strategy === 'blue-green') await installSluice(cluster, shell);
  await makeNamespace(cluster, namespace);
  try {
    for (const manifest of manifestsOf(settings, replacement)) {
      await cluster.kubectl(['--namespace', namespace, 'apply', '--filename', '-'], {
        stdin: JSON.stringify(manifest),
      });
    }
    return await runUpgrade({
      cluster,
      stage,
      settings: upgrade,
      namespace,
      messagesPerSecond: settings.messagesPerSecond,
      connectRate: settings.connectRate,
      timeoutSeconds: settings.upgradeTimeoutSeconds,
      edit: async () => {
        const words = ['set', 'image', `statefulset/${EMQX.name}`, `${EMQX.container}=${toImage}`];
        const { code, stdout, stderr } = await cluster.tryKubectl(['--namespace', namespace, ...words]);
        shell.say(`$ kubectl ${words.join(' ')}\n${stderr}${stdout}`.trimEnd());
        if (code !== 0) throw new Error(`kubectl set image ended with ${code}`);
      },
      say: shell.say,
      show: (scene) => showLive(scene, shell.screen, upgrade.clients),
      outDir: settings.outDir,
      signal: shell.signal,
    });
  } finally {
    if (settings.isKept) tellHowToReach(cluster, namespace, shell);
    else await deleteNamespace(cluster, namespace);
  }
}

async function scenery(cluster: Cluster, { namespace }: DemoSettings, shell: DemoShell): Promise<Scenery> {
  switch (cluster.kind) {
    case 'local':
      await loadEmqx(cluster);
      return { stage: localStage(cluster, await bundlePrograms()), toImage: 'emqx/emqx-enterprise:5.8.9' };
    case 'given': {
      const { emqxImageFrom, emqxImageTo, emqxLicense, fleetImage } = cluster.given;
      return {
        stage: jobStage(cluster, { namespace, image: fleetImage, env: shell.env }),
        toImage: emqxImageTo,
        replacement: { image: emqxImageFrom, license: emqxLicense },
      };
    }
  }
}

/** The example names the real image; here the stand-in goes by that name. */
async function loadEmqx(cluster: LocalCluster): Promise<void> {
  for (const version of ['5.8.8', '5.8.9']) await cluster.loadImage(await standInImage(version));
}

function manifestsOf({ upgrade }: DemoSettings, replacement: Replacement | undefined): Manifest[] {
  const emqx = emqxManifests(readFileSync('examples/emqx.yaml', 'utf8'), upgrade, replacement);
  if (upgrade.strategy === 'rolling') return emqx;
  return [...blueGreenManifests(readFileSync('examples/bluegreen.yaml', 'utf8'), upgrade), ...emqx];
}

/** A namespace left by a run that was killed is deleted first: its EMQX may be anywhere in an upgrade. */
async function makeNamespace(cluster: Cluster, namespace: string): Promise<void> {
  await deleteNamespace(cluster, namespace);
  await cluster.kubectl(['create', 'namespace', namespace]);
}

/** Long enough for every drain that has nowhere to go. */
const DELETE_TIMEOUT_MS = 240_000;

async function deleteNamespace(cluster: Cluster, namespace: string): Promise<void> {
  await cluster.kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=230s'], {
    timeoutMs: DELETE_TIMEOUT_MS,
  });
}

function tellHowToReach(cluster: Cluster, namespace: string, { say }: DemoShell): void {
  const words = ['kubectl', ...cluster.kubectlArgs, '--namespace', namespace];
  say(`kept: ${words.join(' ')} get statefulsets,pods,services`);
  if (cluster.kind === 'local') say('take it down with: make cluster-down');
}
