import { accessSync, constants, statSync } from 'node:fs';
import { arch } from 'node:os';
import { delimiter, join } from 'node:path';
import { build, buildFolder, releaseFolder } from './build.js';
import { catalog, type Program, type ProgramName } from './catalog.js';
import { download, Reachable } from './download.js';
import { tryRun } from './run.js';
import { parseVersion, show } from './versions.js';

export type Programs = Readonly<Record<ProgramName, string>>;

export interface Search {
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
  /** Told one line for each thing a user may wonder about: a candidate skipped, a download, a build. */
  readonly say: (line: string) => void;
  readonly catalog?: Record<ProgramName, Program>;
  /** Builds what was found nowhere; tests pass their own. */
  readonly build?: typeof build;
}

/** A program that its environment variable names but that will not do, or that is to be had nowhere. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

/**
 * Finds each program: its environment variable, else the PATH, else the cache, else the official release,
 * else a build. What is too old is skipped with a line; builds run one after the other.
 * @returns absolute paths
 * @throws ProgramError
 */
export async function resolvePrograms<Name extends ProgramName>(
  names: readonly Name[],
  search: Search,
): Promise<Readonly<Record<Name, string>>> {
  const known = search.catalog ?? catalog();
  const reachable = new Reachable(names.map((name) => known[name].release(goArch()).url));
  const found: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const program = known[name];
    found[name] =
      (await fromVariable(name, program, search)) ??
      (await fromPath(name, program, search)) ??
      fromCache(name, program, search) ??
      (await fromRelease(name, program, search, reachable)) ??
      (await fromBuild(name, program, search));
  }
  return found as Record<Name, string>;
}

async function fromVariable(
  name: ProgramName,
  program: Program,
  { env }: Search,
): Promise<string | undefined> {
  const path = env[program.variable];
  if (path === undefined || path === '') return undefined;
  const verdict = await judge(path, program);
  // Somebody asked for this very file, so passing over it in silence would mislead.
  if (verdict !== 'good')
    throw new ProgramError(`${program.variable}=${path} will not do as ${name}: ${verdict}`);
  return path;
}

async function fromPath(
  name: ProgramName,
  program: Program,
  { env, say }: Search,
): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter((entry) => entry !== '')) {
    const path = join(folder, name);
    if (!isExecutable(path)) continue;
    const verdict = await judge(path, program);
    if (verdict === 'good') return path;
    say(`skipping ${path}: ${verdict}`);
  }
  return undefined;
}

function fromCache(name: ProgramName, program: Program, { cacheDir }: Search): string | undefined {
  const folders = [buildFolder(cacheDir, program.build), releaseFolder(cacheDir, program.build)];
  const places = folders.map((folder) => join(folder, name));
  return places.find(isExecutable);
}

async function fromRelease(
  name: ProgramName,
  program: Program,
  { cacheDir, say }: Search,
  reachable: Reachable,
): Promise<string | undefined> {
  const release = program.release(goArch());
  if (!(await reachable.of(release.url))) return undefined;
  const path = join(releaseFolder(cacheDir, program.build), name);
  say(`downloading ${release.url}`);
  try {
    await download(release, path);
    return path;
  } catch (cause) {
    say(`no download of ${name}: ${cause instanceof Error ? cause.message : String(cause)}`);
    return undefined;
  }
}

async function fromBuild(name: ProgramName, program: Program, search: Search): Promise<string> {
  const { cacheDir, say } = search;
  say(`building ${program.build} from Go modules (once; some minutes)`);
  const begun = performance.now();
  try {
    await (search.build ?? build)(cacheDir, program.build);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ProgramError(
      `${name} (${program.wants}) is not in ${program.variable}, the PATH, the cache or an official release, ` +
        `and cannot be built: ${why}`,
      { cause },
    );
  }
  say(`built ${program.build} in ${Math.round((performance.now() - begun) / 1000)} s`);
  return join(buildFolder(cacheDir, program.build), name);
}

/** Runs the program to hear its version. @returns `'good'`, or what is wrong with it */
async function judge(path: string, { versionArgs, accepts, wants }: Program): Promise<string> {
  let said: string;
  try {
    const { stdout, stderr } = await tryRun(path, versionArgs, { timeoutMs: 10_000 });
    said = `${stdout}\n${stderr}`;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
  const version = parseVersion(said);
  if (!version) return 'it does not say its version';
  return accepts(version) ? 'good' : `its version is ${show(version)}, wanted is ${wants}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function goArch(): string {
  const node = arch();
  return node === 'x64' ? 'amd64' : node;
}
