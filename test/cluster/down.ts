import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeCgroup } from './cgroups.js';
import { removeEnclosure } from './enclosure.js';
import { whileLocked } from './lock.js';
import type { Settings } from './settings.js';
import { restoreSysctls } from './sysctls.js';

/** An `up` under way may be building its programs. */
const lockMs = 30 * 60_000;

/** The lock that `up` and `down` share; beside the state folder, which comes and goes. */
export function lockFile({ stateDir }: Settings): string {
  return `${stateDir}.lock`;
}

/** Takes the cluster down, and waits for an `up` under way first. @throws Error when something does not go away */
export async function takeDown(settings: Settings): Promise<void> {
  await whileLocked(lockFile(settings), lockMs, () => removeAll(settings));
}

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
