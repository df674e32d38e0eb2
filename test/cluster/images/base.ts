import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { run } from '../run.js';
import { busyboxImage } from '../components.js';
import { projectRoot } from '../settings.js';
import { packImage } from './archive.js';

/** Node and npm on busybox: what stands in for the official `node` image where there is no registry. */
export const nodeImage = 'localhost/node:24';

export interface BaseImage {
  readonly name: string;
  /** A `docker-archive`. */
  readonly file: string;
}

/** Packs the busybox image, unless the cache has it. @param busybox path of a static busybox */
export async function busyboxBase(cacheDir: string, busybox: string): Promise<BaseImage> {
  const file = cached(cacheDir, 'busybox', [busybox]);
  if (!existsSync(file)) {
    await inScratch(async (root) => {
      await layBusybox(root, busybox);
      await packImage(root, busyboxImage, { env: ['PATH=/bin'], command: ['sleep', '2147483647'] }, file);
    });
  }
  return { name: busyboxImage, file };
}

/** Packs the Node image from the project's own pinned Node and this machine's npm, unless the cache has it. */
export async function nodeBase(cacheDir: string, busybox: string): Promise<BaseImage> {
  const node = realpathSync(join(projectRoot(), 'node_modules', 'node', 'bin', 'node'));
  const npm = join((await run('npm', ['root', '--global'])).trim(), 'npm');
  const file = cached(cacheDir, 'node', [node, busybox, join(npm, 'package.json')]);
  if (!existsSync(file)) {
    await inScratch(async (root) => {
      await layBusybox(root, busybox);
      await layNode(root, node);
      layNpm(root, npm);
      const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
      await packImage(root, nodeImage, { env: [path, 'NODE_VERSION=24'], command: ['node'] }, file);
    });
  }
  return { name: nodeImage, file };
}

async function layBusybox(root: string, busybox: string): Promise<void> {
  for (const folder of ['bin', 'etc', 'home/node', 'root', 'usr/bin', 'tmp', 'var']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  chmodSync(join(root, 'tmp'), 0o1777);
  copyFileSync(busybox, join(root, 'bin', 'busybox'));
  const applets = (await run(busybox, ['--list']))
    .split('\n')
    .filter((name) => name !== '' && name !== 'busybox');
  for (const applet of applets) symlinkSync('busybox', join(root, 'bin', applet));
  symlinkSync('/bin/busybox', join(root, 'usr/bin/env'));
  const users = [
    'root:x:0:0:root:/root:/bin/sh',
    'node:x:1000:1000::/home/node:/bin/sh',
    'nobody:x:65534:65534::/:/bin/sh',
  ];
  const groups = ['root:x:0:', 'node:x:1000:', 'nogroup:x:65534:'];
  writeFileSync(join(root, 'etc/passwd'), `${users.join('\n')}\n`);
  writeFileSync(join(root, 'etc/group'), `${groups.join('\n')}\n`);
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
}

async function layNode(root: string, node: string): Promise<void> {
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  copyFileSync(node, join(root, 'usr/local/bin/node'));
  const listed = await run('ldd', [node]);
  const libraries = [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  for (const library of libraries) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}

function layNpm(root: string, npm: string): void {
  const modules = 'usr/local/lib/node_modules';
  mkdirSync(join(root, modules), { recursive: true });
  cpSync(npm, join(root, modules, 'npm'), { recursive: true, dereference: true });
  for (const program of ['npm', 'npx']) {
    symlinkSync(`../lib/node_modules/npm/bin/${program}-cli.js`, join(root, 'usr/local/bin', program));
  }
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  if (!existsSync(certificates)) return;
  mkdirSync(join(root, dirname(certificates)), { recursive: true });
  copyFileSync(certificates, join(root, certificates));
}

async function inScratch(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-rootfs-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bump when what is laid into the images changes. */
const layout = '2';

function cached(cacheDir: string, name: string, contents: readonly string[]): string {
  const hash = createHash('sha256').update(layout);
  for (const path of contents) hash.update(basename(path)).update(readFileSync(path));
  return join(cacheDir, 'images', `${name}-${hash.digest('hex').slice(0, 12)}.tar`);
}
