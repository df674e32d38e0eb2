import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processOf, type Process } from './processes.js';
import type { Settings } from './settings.js';

/** The processes of one container, found by its cgroup and named by their ids on the machine. */
export function processesOfContainer(settings: Settings, containerId: string): Process[] {
  const folder = findCgroup(settings, containerId.replace(/^\w+:\/\//, ''));
  if (folder === undefined) return [];
  try {
    const pids = readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
    return pids.flatMap((pid) => processOf(Number(pid)) ?? []);
  } catch {
    return []; // It ended in between.
  }
}

/**
 * Kills every process of a container with SIGKILL, as a crash would; what they start meanwhile dies too.
 * @returns how many were killed
 */
export async function killContainer(settings: Settings, containerId: string): Promise<number> {
  const killed = new Set<number>();
  for (let tries = 0; tries < 100; tries += 1) {
    // A container's cgroup may hold zombies for a moment; they have no words.
    const alive = processesOfContainer(settings, containerId).filter(({ argv }) => argv.length > 0);
    if (alive.length === 0) break;
    for (const { pid } of alive) if (kill(pid)) killed.add(pid);
    await sleep(10);
  }
  return killed.size;
}

/** @returns whether it was there; one that has ended since it was listed is not */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    // Not an `instanceof`: in a jest test Node's own errors are of another realm.
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ESRCH')
      return false;
    throw error;
  }
}

function findCgroup({ cgroup }: Settings, id: string): string | undefined {
  const roots = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].map((root) => join(root, cgroup));
  const root = roots.find((folder) => existsSync(folder));
  if (root === undefined) return undefined;
  const found = foldersBelow(root).find((path) => path.endsWith(`/${id}`));
  return found === undefined ? undefined : join(root, found);
}

/** Cgroups of other containers may go while they are listed. */
function foldersBelow(root: string): string[] {
  for (let tries = 1; ; tries += 1) {
    try {
      return readdirSync(root, { recursive: true, encoding: 'utf8' });
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}
