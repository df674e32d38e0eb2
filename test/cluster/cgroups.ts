import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const root = '/sys/fs/cgroup';
/** Controllers that a pod's cgroup needs; with version 1 each has a hierarchy of its own. */
const controllers = [
  'cpuset',
  'cpu',
  'cpuacct',
  'memory',
  'pids',
  'blkio',
  'freezer',
  'devices',
  'hugetlb',
  'systemd',
];

/** Makes the cgroup that all pods will be under. */
export function makeCgroup(name: string): void {
  const unified = join(root, 'cgroup.controllers');
  if (existsSync(unified)) {
    const names = readFileSync(unified, 'utf8').trim().split(' ').filter(Boolean);
    const control = names.map((controller) => `+${controller}`).join(' ');
    writeFileSync(join(root, 'cgroup.subtree_control'), control);
    mkdirSync(join(root, name), { recursive: true });
    return;
  }
  for (const folder of hierarchies()) {
    mkdirSync(join(folder, name), { recursive: true });
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (!existsSync(join(folder, name, file))) continue;
      writeFileSync(join(folder, name, file), readFileSync(join(folder, file), 'utf8'));
    }
  }
}

/** Removes it and all below. Its processes are gone, but the kernel may need a moment to see it. */
export async function removeCgroup(name: string): Promise<void> {
  for (const folder of hierarchies().map((hierarchy) => join(hierarchy, name))) {
    for (let tries = 0; existsSync(folder); tries += 1) {
      try {
        removeEmpty(folder);
      } catch (error) {
        if (tries === 100) throw error;
        await sleep(50);
      }
    }
  }
}

function hierarchies(): string[] {
  if (existsSync(join(root, 'cgroup.controllers'))) return [root];
  return [...controllers, 'unified']
    .map((controller) => join(root, controller))
    .filter((folder) => existsSync(folder));
}

function removeEmpty(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmpty(join(folder, entry.name));
  }
  rmdirSync(folder);
}
