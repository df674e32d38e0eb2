import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from '../run.js';

/** What an image says of itself beside its files. */
export interface ImageConfig {
  readonly env?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
}

/**
 * Packs a folder as a one-layer image in a `docker-archive` file, which containerd and buildah both read.
 * All files belong to root. The file is there as a whole or not at all.
 * @param name the image's full name with its tag
 */
export async function packImage(
  folder: string,
  name: string,
  config: ImageConfig,
  file: string,
): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const work = mkdtempSync(join(dirname(file), 'unfinished-'));
  try {
    const layer = join(work, 'layer.tar');
    await run('tar', [
      '--numeric-owner',
      '--owner=0',
      '--group=0',
      '--sort=name',
      '-C',
      folder,
      '-cf',
      layer,
      '.',
    ]);
    const image = {
      architecture: arch() === 'x64' ? 'amd64' : arch(),
      os: 'linux',
      config: { Env: config.env ?? [], Entrypoint: config.entrypoint ?? null, Cmd: config.command ?? null },
      // buildah counts these against the layers.
      history: [{ created_by: 'sluice test cluster' }],
      rootfs: { type: 'layers', diff_ids: [`sha256:${await sha256Of(layer)}`] },
    };
    writeFileSync(join(work, 'config.json'), JSON.stringify(image));
    const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }];
    writeFileSync(join(work, 'manifest.json'), JSON.stringify(manifest));
    await run('tar', ['-C', work, '-cf', join(work, 'image'), 'manifest.json', 'config.json', 'layer.tar']);
    renameSync(join(work, 'image'), file);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
