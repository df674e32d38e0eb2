import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalCluster } from '../cluster/index.js';
import { benchController, clearController } from './controller.js';
import { machineNow } from './machine.js';
import { benchReaction } from './reaction.js';
import { goalsOf, missedOf, type BenchReport, type Figures } from './report.js';
import { onCluster, setScene, type Shell } from './scene.js';
import { benchSidecar } from './sidecar.js';
import type { BenchSettings, Part } from './settings.js';
import { rounded } from './stats.js';
import { benchWebhooks } from './webhooks.js';

/** Runs the parts, each on its own: what fails leaves its figures out, and its goals missed. Writes `report.json`. */
export async function runBench(settings: BenchSettings, shell: Shell): Promise<BenchReport> {
  const { parts, outDir } = settings;
  const startedAt = new Date();
  mkdirSync(outDir, { recursive: true });
  const machine = await machineNow();
  const figures: Figures = {};
  const failures: string[] = [];
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    shell.signal.throwIfAborted();
    try {
      await work();
    } catch (error) {
      shell.signal.throwIfAborted();
      failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      shell.say(`failed: ${failures.at(-1)}`);
    }
  };
  if (parts.includes('webhook')) {
    await attempt('webhook', async () => {
      figures.webhook = await benchWebhooks(settings, shell);
    });
  }
  if (parts.some((part) => part !== 'webhook')) {
    await attempt('cluster', () =>
      onCluster({ name: settings.cluster, isKept: settings.isKept }, shell, async (cluster) => {
        await setScene(cluster, shell);
        await benchOnCluster(cluster, settings, { shell, figures, attempt });
      }),
    );
  }
  const goals = goalsOf(figures, parts);
  const report: BenchReport = {
    startedAt: startedAt.toISOString(),
    seconds: rounded((Date.now() - startedAt.getTime()) / 1000),
    machine,
    parts,
    ...figures,
    goals,
    missed: missedOf(goals),
    failures,
  };
  writeFileSync(join(outDir, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  return report;
}

interface Run {
  shell: Shell;
  figures: Figures;
  attempt: (what: Part, work: () => Promise<void>) => Promise<void>;
}

async function benchOnCluster(
  cluster: LocalCluster,
  { parts, restSeconds, edits, declarations }: BenchSettings,
  { shell, figures, attempt }: Run,
): Promise<void> {
  const { signal } = shell;
  if (parts.includes('sidecar')) {
    await attempt('sidecar', async () => {
      figures.sidecar = await benchSidecar(cluster, { restSeconds, signal });
    });
  }
  if (parts.includes('reaction')) {
    await attempt('reaction', async () => {
      figures.reaction = await benchReaction(cluster, { edits, ...shell });
    });
  }
  if (parts.includes('controller')) {
    await attempt('controller', async () => {
      try {
        figures.controller = await benchController(cluster, { declarations, restSeconds, ...shell });
      } finally {
        await clearController(cluster);
      }
    });
  }
}
