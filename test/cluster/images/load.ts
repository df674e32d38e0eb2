import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { containerdSocket } from '../components.js';
import { whileLocked } from '../lock.js';
import { ensurePackages } from '../packages.js';
import { run } from '../run.js';
import type { Settings } from '../settings.js';
import { busyboxBase, nodeBase, nodeImage, type BaseImage } from './base.js';
import { contentHash } from './content.js';

/** An image of the project's own, to be built where there is no registry. */
export interface ImageBuild {
  /** The image's full name with its tag; not `latest`, which kubelets pull always. */
  readonly name: string;
  /** Further names for the same image. */
  readonly aliases?: readonly string[];
  /** Path of the Dockerfile. Its base must be an argument: `ARG NODE_IMAGE` gets `localhost/node:24`. */
  readonly dockerfile: string;
  /** Folder that the Dockerfile copies from. */
  readonly context: string;
  /** The parts of `context` that it copies; what else changes there then rebuilds nothing. Default: all. */
  readonly inputs?: readonly string[];
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** Stage to build, when not the last. */
  readonly target?: string;
}

export interface Loading {
  readonly settings: Settings;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

const lockMs = 15 * 60_000;

/**
 * Builds an image and gives it to the cluster's containerd; does neither again while the content is the same.
 * `RUN` steps see the host's network, npm settings and npm cache.
 * @throws CommandError with what buildah said
 */
export async function loadImage(image: ImageBuild, loading: Loading): Promise<void> {
  const { settings } = loading;
  const slug = image.name.replace(/[^\w.-]+/g, '-');
  await whileLocked(join(settings.cacheDir, 'images.lock'), lockMs, async () => {
    const { busybox } = await ensurePackages(loading.env, loading.say);
    const bases = [await busyboxBase(settings.cacheDir, busybox), await nodeBase(settings.cacheDir, busybox)];
    const key = keyOf(image, bases);
    const loaded = join(settings.stateDir, 'images', slug);
    if (existsSync(loaded) && readFileSync(loaded, 'utf8') === key) return;
    const archive = join(settings.cacheDir, 'images', `${slug}@${key}.tar`);
    if (!existsSync(archive)) await buildArchive(image, bases, archive, loading);
    await importArchive(settings, archive, image);
    mkdirSync(join(settings.stateDir, 'images'), { recursive: true });
    writeFileSync(loaded, key);
  });
}

/** Gives an image to the cluster's containerd. @param archive a `docker-archive` that names the image */
export async function importArchive(
  settings: Settings,
  archive: string,
  { name, aliases = [] }: { readonly name: string; readonly aliases?: readonly string[] },
): Promise<void> {
  const ctr = ['--address', containerdSocket(settings), '--namespace', 'k8s.io', 'images'];
  await run('ctr', [...ctr, 'import', archive], { timeoutMs: 120_000 });
  if (aliases.length > 0) await run('ctr', [...ctr, 'tag', '--force', name, ...aliases]);
}

function keyOf(image: ImageBuild, bases: readonly BaseImage[]): string {
  const { dockerfile, context, inputs, buildArgs = {}, target = '', aliases = [] } = image;
  return createHash('sha256')
    .update(readFileSync(dockerfile))
    .update(contentHash(context, inputs))
    .update(
      JSON.stringify([
        Object.entries(buildArgs).sort(),
        target,
        aliases,
        bases.map(({ file }) => basename(file)),
      ]),
    )
    .digest('hex')
    .slice(0, 16);
}

async function buildArchive(
  image: ImageBuild,
  bases: readonly BaseImage[],
  archive: string,
  { settings, say }: Loading,
): Promise<void> {
  say(`building image ${image.name}`);
  const store = join(settings.cacheDir, 'buildah');
  await haveBases(store, bases);
  const args = Object.entries({ NODE_IMAGE: nodeImage, ...image.buildArgs });
  await buildah(store, [
    ...['build', '--isolation', 'chroot', '--pull-never', '--layers', '--force-rm', '--network', 'host'],
    ...(await npmVolumes()).flatMap((volume) => ['--volume', volume]),
    ...args.flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...(image.target === undefined ? [] : ['--target', image.target]),
    ...['--file', image.dockerfile, '--tag', image.name, image.context],
  ]);
  const folder = join(settings.cacheDir, 'images');
  const unfinished = join(folder, `unfinished-${process.pid}.tar`);
  try {
    rmSync(unfinished, { force: true });
    await buildah(store, ['push', image.name, `docker-archive:${unfinished}:${image.name}`]);
    forgetOlder(archive);
    renameSync(unfinished, archive);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** Puts the base images into buildah's store, where `FROM` finds them, unless these very files were put before. */
async function haveBases(store: string, bases: readonly BaseImage[]): Promise<void> {
  for (const { name, file } of bases) {
    const marker = join(store, `has-${basename(file)}`);
    if (existsSync(marker)) continue;
    await buildah(store, ['pull', `docker-archive:${file}:${name}`]);
    writeFileSync(marker, '');
  }
}

async function buildah(store: string, args: readonly string[]): Promise<void> {
  mkdirSync(store, { recursive: true });
  // In a mount namespace of its own, so that a build that is killed leaves no mount.
  const words = [
    '--mount',
    'buildah',
    '--root',
    join(store, 'root'),
    '--runroot',
    join(tmpdir(), 'sluice-buildah'),
  ];
  await run('unshare', [...words, '--storage-driver', process.env['STORAGE_DRIVER'] ?? 'overlay', ...args]);
}

/** Lets `RUN npm ci` use the host's npm settings and cache. */
async function npmVolumes(): Promise<string[]> {
  const [user = '', global = ''] = await Promise.all(
    ['userconfig', 'globalconfig'].map(async (key) => (await run('npm', ['config', 'get', key])).trim()),
  );
  const volumes: readonly (readonly [string, string])[] = [
    [user, '/root/.npmrc:ro'],
    [global, '/usr/local/etc/npmrc:ro'],
    [join(homedir(), '.npm'), '/root/.npm'],
  ];
  return volumes.filter(([from]) => existsSync(from)).map(([from, to]) => `${from}:${to}`);
}

function forgetOlder(archive: string): void {
  const prefix = `${basename(archive).split('@')[0] ?? ''}@`;
  const folder = join(archive, '..');
  for (const old of readdirSync(folder).filter((file) => file.startsWith(prefix))) rmSync(join(folder, old));
}
