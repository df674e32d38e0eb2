import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Everything that tells one local cluster from another: where it keeps its files, and its addresses. */
export interface Settings {
  /** At most nine characters: it is part of a network device's name. */
  readonly name: string;
  /** All that a running cluster writes; gone after `down`. */
  readonly stateDir: string;
  /** What was built or downloaded; outlives clusters and checkouts. */
  readonly cacheDir: string;
  readonly netns: string;
  /** The host's end of the link; from in here nothing can be reached but the node. */
  readonly hostDevice: string;
  readonly hostAddress: string;
  readonly nodeAddress: string;
  readonly nodeName: string;
  /** Parent of every pod's cgroup, under each controller. */
  readonly cgroup: string;
  readonly kubeconfig: string;
}

export const podRange = '10.244.0.0/16';
export const serviceRange = '10.96.0.0/16';
export const kubernetesServiceAddress = '10.96.0.1';
export const clusterDomain = 'cluster.local';
export const apiPort = 6443;

export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/**
 * Reads the cluster's name and folders from the environment.
 * @param env `SLUICE_CLUSTER` (a name; default `main`), `SLUICE_STATE` (a folder for the state of all
 * clusters; default `/var/lib/sluice`), `SLUICE_CACHE`, `XDG_CACHE_HOME`
 * @throws SettingsError for a name that cannot be part of a device's name, or a state folder under `/run`
 */
export function settingsFrom(env: NodeJS.ProcessEnv): Settings {
  const name = env['SLUICE_CLUSTER'] ?? 'main';
  if (!/^[a-z0-9]{1,9}$/.test(name)) {
    throw new SettingsError(`SLUICE_CLUSTER is ${JSON.stringify(name)}: give 1 to 9 of a-z and 0-9`);
  }
  const stateRoot = env['SLUICE_STATE'] ?? '/var/lib/sluice';
  if (/^\/(var\/)?run(\/|$)/.test(stateRoot)) {
    throw new SettingsError(
      `SLUICE_STATE is ${stateRoot}: the cluster has a /run of its own and would not see it`,
    );
  }
  const stateDir = join(stateRoot, name);
  const link = `10.231.${createHash('sha256').update(name).digest()[0] ?? 0}`;
  return {
    name,
    stateDir,
    cacheDir: env['SLUICE_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice'),
    netns: `sluice-${name}`,
    hostDevice: `sluice${name}`,
    hostAddress: `${link}.1`,
    nodeAddress: `${link}.2`,
    nodeName: `sluice-${name}`,
    cgroup: `sluice-${name}`,
    kubeconfig: join(stateDir, 'kubeconfig'),
  };
}

/** The checkout's root, seen from the source as well as from `dist/`: the first folder up with a git-kept manifest. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no package.json above ${import.meta.url}`);
    folder = parent;
  }
  return folder;
}
