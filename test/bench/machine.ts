import { arch, cpus, loadavg, release } from 'node:os';
import { run } from '../cluster/run.js';
import type { Machine } from './report.js';
import { rounded } from './stats.js';

/** What the figures were measured on, and how busy it was before. */
export async function machineNow(): Promise<Machine> {
  const [first] = cpus();
  return {
    cpu: first?.model ?? 'unknown CPU',
    cores: cpus().length,
    node: process.versions.node,
    go: (await run('go', ['version'])).replace(/^go version /, '').trim(),
    kernel: `${release()} ${arch()}`,
    loadAverageBefore: rounded(loadavg()[0] ?? 0, 2),
  };
}
