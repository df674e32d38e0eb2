import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isApiReady, isNodeReady } from './api.js';
import { makeCgroup } from './cgroups.js';
import { dependents, foundations, type Component } from './components.js';
import { lockFile, removeAll } from './down.js';
import { enterAll, makeEnclosure, spawnDetached } from './enclosure.js';
import { writeIdentities } from './identities.js';
import { busyboxBase } from './images/base.js';
import { importArchive } from './images/load.js';
import { whileLocked } from './lock.js';
import { ensurePackages } from './packages.js';
import { firstObjects, volumeFolders } from './objects.js';
import type { Process } from './processes.js';
import { programNames } from './catalog.js';
import { resolvePrograms, type Programs } from './programs.js';
import { run } from './run.js';
import type { Settings } from './settings.js';
import { isUp, wholeFile } from './status.js';
import { keepSysctls } from './sysctls.js';
import { until } from './wait.js';

export interface Shell {
  readonly env: NodeJS.ProcessEnv;
  /** Told one line for each step that takes a while. */
  readonly say: (line: string) => void;
}

/** A second `up` waits for the first, which may be building. */
const lockMs = 30 * 60_000;
const startMs = 90_000;

/**
 * Brings the cluster up, whatever was left of an earlier one, and returns when its node is Ready. A healthy
 * cluster is left as it is.
 * @throws PackageError, ProgramError, CommandError, WaitError; what had been started is taken down first
 */
export async function up(settings: Settings, shell: Shell): Promise<Programs> {
  return whileLocked(lockFile(settings), lockMs, async () => {
    const system = await ensurePackages(shell.env, shell.say);
    const programs = await resolvePrograms(programNames, { ...shell, cacheDir: settings.cacheDir });
    if (await isUp(settings)) return programs;
    await removeAll(settings);
    const begun = performance.now();
    try {
      await start(settings, programs, system);
    } catch (error) {
      shell.say(`the cluster did not come up; its logs are kept in ${join(settings.stateDir, 'logs')}`);
      await removeAll(settings, { keepLogs: true });
      throw error;
    }
    shell.say(`cluster ${settings.name} ready in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    return programs;
  });
}

async function start(
  settings: Settings,
  programs: Programs,
  { cniFolder, busybox }: { cniFolder: string; busybox: string },
): Promise<void> {
  mkdirSync(settings.stateDir, { recursive: true });
  chmodSync(settings.stateDir, 0o755);
  keepSysctls(join(settings.stateDir, 'sysctls.json'));
  makeCgroup(settings.cgroup);
  writeIdentities(settings);
  for (const folder of volumeFolders(settings)) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
  }
  const holder = await makeEnclosure(settings);
  const launch = (component: Component): void => {
    launchComponent(settings, holder, component, programs);
  };
  foundations(settings, cniFolder).forEach(launch);
  const base = await busyboxBase(settings.cacheDir, busybox);
  await until('containerd', () => importArchive(settings, base.file, base).then(() => true), {
    timeoutMs: startMs,
  });
  await until('the API server', async () => ((await isApiReady(settings)) ? true : undefined), {
    timeoutMs: startMs,
  });
  dependents(settings).forEach(launch);
  await run(programs.kubectl, ['--kubeconfig', settings.kubeconfig, 'apply', '--server-side', '-f', '-'], {
    stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: firstObjects(settings) }),
  });
  await until('the node to be Ready', async () => ((await isNodeReady(settings)) ? true : undefined), {
    timeoutMs: startMs,
  });
  writeFileSync(wholeFile(settings), '');
}

function launchComponent(
  settings: Settings,
  holder: Process,
  component: Component,
  programs: Programs,
): void {
  for (const [path, text] of Object.entries(component.files)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const program = component.program === 'containerd' ? 'containerd' : programs[component.program];
  spawnDetached(settings, component.name, [...enterAll(holder), program, ...component.args]);
}
