import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeCgroup } from './cgroups.js';
import { removeEnclosure } from './enclosure.js';
import type { Settings } from './settings.js';
import { restoreSysctls } from './sysctls.js';

/**
 * Takes the cluster down and removes all it left on the machine: processes, namespaces, mounts, cgroups, files.
 * Works on whatever a crash left too, and on nothing at all.
 * @param options keepLogs: leave the folder `logs`
 */
export async function removeAll(settings: Settings, options: { keepLogs?: boolean } = {}): Promise<void> {
  await removeEnclosure(settings);
  await removeCgroup(settings.cgroup);
  restoreSysctls(join(settings.stateDir, 'sysctls.json'));
  if (!options.keepLogs) {
    rmSync(settings.stateDir, { recursive: true, force: true });
    return;
  }
  for (const entry of readdirSync(settings.stateDir).filter((name) => name !== 'logs')) {
    rmSync(join(settings.stateDir, entry), { recursive: true, force: true });
  }
}
