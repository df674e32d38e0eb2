import { setTimeout as pause } from 'node:timers/promises';
import type { LocalCluster } from '../cluster/index.js';
import { cgroupCpuSecondsOf, memoryOf, peakRssKbOf } from './proc.js';
import type { ProcessFigures } from './report.js';
import { median, rounded } from './stats.js';

const EVERY_MS = 1_000;

/**
 * Watches a container for some seconds: memory of all its processes each second, CPU of its cgroup over all of them.
 * @throws Error when it has no process
 */
export async function watchContainer(
  cluster: LocalCluster,
  containerId: string,
  { seconds, signal }: { seconds: number; signal: AbortSignal },
): Promise<ProcessFigures & { processes: number }> {
  const pids = (): number[] => cluster.processesOfContainer(containerId).map(({ pid }) => pid);
  const [first] = pids();
  if (first === undefined) throw new Error(`container ${containerId} has no process`);
  const beganMs = performance.now();
  const cpuBefore = cgroupCpuSecondsOf(first);
  const seen: { rssKb: number; pssKb: number; processes: number }[] = [];
  while (performance.now() - beganMs < seconds * 1000) {
    await pause(EVERY_MS, undefined, { signal });
    const now = pids();
    seen.push({ ...memoryOf(now), processes: now.length });
  }
  const cpuSeconds = cgroupCpuSecondsOf(first) - cpuBefore;
  const everKb = pids().reduce((sum, pid) => sum + peakRssKbOf(pid), 0);
  const elapsedSeconds = (performance.now() - beganMs) / 1000;
  return {
    rssMb: rounded(median(seen.map(({ rssKb }) => rssKb)) / 1000, 1),
    peakRssMb: rounded(Math.max(everKb, ...seen.map(({ rssKb }) => rssKb)) / 1000, 1),
    pssMb: rounded(median(seen.map(({ pssKb }) => pssKb)) / 1000, 1),
    cpuPercent: rounded((100 * cpuSeconds) / elapsedSeconds, 2),
    processes: median(seen.map(({ processes }) => processes)),
  };
}
