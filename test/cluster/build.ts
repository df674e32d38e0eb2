import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import {
  coreDnsVersion,
  helmVersion,
  kubernetesPrograms,
  kubernetesVersion,
  type BuildName,
} from './catalog.js';
import { run } from './run.js';
import { projectRoot } from './settings.js';

/** Where in the cache a build's programs lie; its name changes with whatever would change the programs. */
export function buildFolder(cacheDir: string, build: BuildName): string {
  switch (build) {
    case 'kubernetes': {
      const hash = createHash('sha256');
      for (const file of ['main.go', 'go.mod', 'go.sum'])
        hash.update(readFileSync(join(sourceFolder(), file)));
      return join(cacheDir, `kubernetes-${kubernetesVersion}-${hash.digest('hex').slice(0, 12)}`);
    }
    case 'coredns':
      return join(cacheDir, `coredns-${coreDnsVersion}`);
    case 'helm':
      return join(cacheDir, `helm-${helmVersion}`);
  }
}

/** Where in the cache the programs of official releases lie. */
export function releaseFolder(cacheDir: string, build: BuildName): string {
  const versions = { kubernetes: kubernetesVersion, coredns: coreDnsVersion, helm: helmVersion };
  return join(cacheDir, `${build}-${versions[build]}-release`);
}

/**
 * Builds programs from Go modules into the cache: there as a whole, or not at all.
 * @throws CommandError with the compiler's last lines
 */
export async function build(cacheDir: string, name: BuildName): Promise<void> {
  const folder = buildFolder(cacheDir, name);
  mkdirSync(cacheDir, { recursive: true });
  const unfinished = mkdtempSync(join(cacheDir, 'unfinished-'));
  try {
    await compile(name, unfinished);
    rmSync(folder, { recursive: true, force: true });
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

async function compile(name: BuildName, folder: string): Promise<void> {
  const env = { ...process.env, CGO_ENABLED: '0', GOBIN: folder };
  switch (name) {
    case 'kubernetes': {
      const [major = '', minor = ''] = kubernetesVersion.split('.');
      const flags = { gitVersion: `v${kubernetesVersion}`, gitMajor: major, gitMinor: minor };
      const stamps = Object.entries(flags).map(
        ([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`,
      );
      const binary = join(folder, 'programs');
      await run('go', ['build', '-trimpath', '-ldflags', ['-s -w', ...stamps].join(' '), '-o', binary, '.'], {
        cwd: sourceFolder(),
        env,
      });
      for (const program of kubernetesPrograms) symlinkSync('programs', join(folder, program));
      return;
    }
    case 'coredns':
      await install(`github.com/coredns/coredns@v${coreDnsVersion}`, '-s -w', env);
      return;
    case 'helm':
      await install(
        `helm.sh/helm/v3/cmd/helm@v${helmVersion}`,
        `-s -w -X helm.sh/helm/v3/internal/version.version=v${helmVersion}`,
        env,
      );
  }
}

async function install(module: string, linkerFlags: string, env: NodeJS.ProcessEnv): Promise<void> {
  await run('go', ['install', '-trimpath', '-ldflags', linkerFlags, module], { env, cwd: '/' });
}

function sourceFolder(): string {
  const folder = join(projectRoot(), 'test', 'cluster', 'programs');
  if (!existsSync(folder))
    throw new Error(`${folder} is missing: the programs' Go module is part of the checkout`);
  return folder;
}
