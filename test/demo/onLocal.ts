import type { LocalCluster } from '../cluster/index.js';
import type { Strategy, UpgradeSettings } from '../fleet/evidence.js';
import type { Report } from '../fleet/report.js';
import { IMAGES, applyEmqx, deleteNamespace, loadEmqx, makeNamespace, setImage } from './emqx.js';
import { localStage } from './localStage.js';
import { bundlePrograms } from './programs.js';
import { runUpgrade } from './upgrade.js';
import type { UpgradeOptions } from './upgrade.js';

/** What one test's upgrade is; all but the first three have the demo's values. */
export interface LocalUpgrade extends Partial<
  Pick<UpgradeOptions, 'before' | 'edit' | 'alongside' | 'show' | 'outDir'>
> {
  /** Made for this upgrade and deleted after it. */
  namespace: string;
  clients: number;
  strategy: Strategy;
  /** connEvictRate and sessEvictRate. */
  rate?: number;
  waitTakeoverSeconds?: number;
  initialDelaySeconds?: number;
  messagesPerSecond?: number;
  timeoutSeconds?: number;
  say?: (line: string) => void;
  signal?: AbortSignal;
  /** Leaves the namespace as it is after the upgrade. */
  isKept?: boolean;
}

/**
 * One upgrade of the example on the local cluster, from an empty namespace to its report: for tests. Sluice must be
 * installed if the strategy is blue-green.
 */
export async function upgradeOnLocal(cluster: LocalCluster, what: LocalUpgrade): Promise<Report> {
  const { namespace, rate = 200, say = () => undefined } = what;
  const settings: UpgradeSettings = {
    strategy: what.strategy,
    clients: what.clients,
    nodes: 3,
    connEvictRate: rate,
    sessEvictRate: rate,
    waitTakeoverSeconds: what.waitTakeoverSeconds ?? 6,
    initialDelaySeconds: what.initialDelaySeconds ?? 5,
  };
  await loadEmqx(cluster);
  const programs = await bundlePrograms();
  await makeNamespace(cluster, namespace);
  try {
    await applyEmqx(cluster, namespace, { upgrade: settings });
    return await runUpgrade({
      edit: async () => say(await setImage(cluster, namespace, IMAGES.to)),
      ...what,
      cluster,
      stage: localStage(cluster, programs),
      settings,
      messagesPerSecond: what.messagesPerSecond ?? Math.min(300, Math.ceil(what.clients / 2)),
      connectRate: 300,
      timeoutSeconds: what.timeoutSeconds ?? 300,
      say,
      signal: what.signal ?? new AbortController().signal,
    });
  } finally {
    if (!what.isKept) await deleteNamespace(cluster, namespace);
  }
}
