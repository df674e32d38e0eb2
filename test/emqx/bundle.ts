import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeWhole } from '../whole.js';

/** Bundles the stand-in into one file, whole or not at all, and returns its path. Takes a tenth of a second. */
export async function bundleStandIn(outfile = 'out/emqx/standin.cjs'): Promise<string> {
  // Beside the source, or beside its compiled form in dist.
  const source = fileURLToPath(new URL('./standin.ts', import.meta.url));
  const entry = existsSync(source) ? source : fileURLToPath(new URL('./standin.js', import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    write: false,
    logLevel: 'warning',
  });
  const path = resolve(outfile);
  writeWhole(path, outputFiles[0]?.contents ?? new Uint8Array());
  return path;
}
