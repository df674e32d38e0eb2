import { useCluster } from '../cluster/index.js';
import type { Cluster } from '../cluster/index.js';
import { settingsFrom } from '../cluster/settings.js';
import { isUp } from '../cluster/status.js';
import type { Report } from '../fleet/report.js';
import type { Stage } from './crew.js';
import { IMAGES, applyEmqx, deleteNamespace, loadEmqx, makeNamespace, setImage } from './emqx.js';
import { installSluice } from './install.js';
import { jobStage } from './jobStage.js';
import type { Terminal } from './live.js';
import { localStage } from './localStage.js';
import type { Replacement } from './manifest.js';
import { bundlePrograms } from './programs.js';
import type { DemoSettings } from './settings.js';
import { runUpgrade } from './upgrade.js';

/** Where the demo runs. */
export interface DemoShell {
  env: NodeJS.ProcessEnv;
  say: (line: string) => void;
  /** Shows the live view above which `say` writes. */
  show: Terminal['show'];
  signal: AbortSignal;
}

/** What the cluster has been given for the upgrade. */
interface Scenery {
  stage: Stage;
  /** Image that the upgrade changes to. */
  toImage: string;
  replacement?: Replacement;
}

/** From nothing to the report: cluster, images, Sluice, EMQX, fleet, edit. Cleans up after itself unless kept. */
export async function runDemo(settings: DemoSettings, shell: DemoShell): Promise<Report> {
  const { upgrade, namespace } = settings;
  const isOurs = !(await isUp(settingsFrom(shell.env)));
  if (isOurs && !shell.env['CONTEXT']) shell.say('the cluster comes up');
  const cluster = await useCluster({ env: shell.env, say: shell.say });
  try {
    const { stage, toImage, replacement } = await scenery(cluster, settings, shell);
    if (upgrade.strategy === 'blue-green') await installSluice(cluster, shell);
    await makeNamespace(cluster, namespace);
    await applyEmqx(cluster, namespace, { upgrade, replacement });
    return await runUpgrade({
      cluster,
      stage,
      settings: upgrade,
      namespace,
      messagesPerSecond: settings.messagesPerSecond,
      connectRate: settings.connectRate,
      timeoutSeconds: settings.upgradeTimeoutSeconds,
      edit: async () => shell.say(await setImage(cluster, namespace, toImage)),
      say: shell.say,
      show: (scene) => shell.show(scene, upgrade.clients),
      outDir: settings.outDir,
      signal: shell.signal,
    });
  } finally {
    if (settings.isKept) tellHowToReach(cluster, namespace, shell);
    else await clear(cluster, namespace, isOurs);
  }
}

/** A local cluster that was not up before is taken down; any other loses only what the demo made in it. */
async function clear(cluster: Cluster, namespace: string, isOurs: boolean): Promise<void> {
  if (cluster.kind === 'local' && isOurs) await cluster.down();
  else await deleteNamespace(cluster, namespace);
}

async function scenery(cluster: Cluster, { namespace }: DemoSettings, { env }: DemoShell): Promise<Scenery> {
  switch (cluster.kind) {
    case 'local':
      await loadEmqx(cluster);
      return { stage: localStage(cluster, await bundlePrograms()), toImage: IMAGES.to };
    case 'given': {
      const { emqxImageFrom, emqxImageTo, emqxLicense, fleetImage } = cluster.given;
      return {
        stage: jobStage(cluster, { namespace, image: fleetImage, env }),
        toImage: emqxImageTo,
        replacement: { image: emqxImageFrom, license: emqxLicense },
      };
    }
  }
}

function tellHowToReach(cluster: Cluster, namespace: string, { say }: DemoShell): void {
  const words = ['kubectl', ...cluster.kubectlArgs, '--namespace', namespace];
  say(`kept: ${words.join(' ')} get statefulsets,pods,services`);
  if (cluster.kind === 'local')
    say(`take it down with: make cluster-down SLUICE_CLUSTER=${cluster.settings.name}`);
}
