import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run, tryRun } from './run.js';

/** Debian packages, and a program or file by which each is known to be there already. */
const wanted: readonly {
  readonly package: string;
  readonly program?: string;
  readonly files?: readonly string[];
}[] = [
  { package: 'containerd', program: 'containerd' },
  { package: 'containerd', program: 'ctr' },
  { package: 'runc', program: 'runc' },
  { package: 'iptables', program: 'iptables' },
  { package: 'conntrack', program: 'conntrack' },
  { package: 'iproute2', program: 'ip' },
  { package: 'util-linux', program: 'nsenter' },
  { package: 'buildah', program: 'buildah' },
  // Scrapes, rules and the dashboard's queries are tried on a real one; promtool comes with it.
  { package: 'prometheus', program: 'prometheus' },
  { package: 'prometheus', program: 'promtool' },
  // The page is looked at in a real browser.
  { package: 'chromium', program: 'chromium' },
  // The Lua that Argo CD runs health checks in is a 5.1.
  { package: 'lua5.1', program: 'lua5.1' },
];
const pluginFolders = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];
const plugins = ['ptp', 'host-local', 'loopback', 'portmap'];

export interface SystemPrograms {
  readonly cniFolder: string;
  /** A statically linked busybox. */
  readonly busybox: string;
}

export class PackageError extends Error {
  override readonly name = 'PackageError';
}

/**
 * Installs what the distribution has to give and is not there yet.
 * @throws PackageError that lists all that is missing, when it cannot be installed
 */
export async function ensurePackages(
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<SystemPrograms> {
  const missing = await missingPackages(env);
  if (missing.length > 0) await install(missing, say);
  const left = missing.length > 0 ? await missingPackages(env) : [];
  const cniFolder = findPlugins();
  const busybox = await findBusybox(env);
  if (left.length > 0 || cniFolder === undefined || busybox === undefined) {
    throw new PackageError(`installed, and still not found: ${left.join(' ')}`);
  }
  return { cniFolder, busybox };
}

async function missingPackages(env: NodeJS.ProcessEnv): Promise<string[]> {
  const missing = wanted
    .filter(({ program }) => program !== undefined && !onPath(program, env))
    .map((entry) => entry.package);
  if (findPlugins() === undefined) missing.push('containernetworking-plugins');
  if ((await findBusybox(env)) === undefined) missing.push('busybox-static');
  return [...new Set(missing)];
}

async function install(missing: readonly string[], say: (line: string) => void): Promise<void> {
  const names = missing.join(' ');
  if (process.getuid?.() !== 0) throw new PackageError(`missing, and only root can install them: ${names}`);
  if (!onPath('apt-get', process.env)) {
    throw new PackageError(
      `missing, and there is no apt-get here to install them (Debian's names): ${names}`,
    );
  }
  say(`installing ${names}`);
  // Without this a package's service would start beside the cluster's own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const args = ['install', '-y', '--no-install-recommends', ...missing];
  const first = await tryRun('apt-get', args, { env });
  if (first.code === 0) return;
  await run('apt-get', ['update'], { env });
  await run('apt-get', args, { env });
}

function findPlugins(): string | undefined {
  return pluginFolders.find((folder) => plugins.every((plugin) => existsSync(join(folder, plugin))));
}

async function findBusybox(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const path = onPath('busybox', env);
  if (path === undefined) return undefined;
  // `ldd` ends with 1 for a static program.
  const { code } = await tryRun('ldd', [path]);
  return code === 0 ? undefined : path;
}

function onPath(program: string, env: NodeJS.ProcessEnv): string | undefined {
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/bin'];
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
