import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeWhole } from '../whole.js';

/** Paths of the two programs that run beside the cluster. */
export interface Programs {
  fleet: string;
  watch: string;
}

/** The packages are CommonJS and call `require`, which an ES module does not have. */
const REQUIRE =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** Bundles the fleet and the observer, a file each, whole or not at all. Takes a tenth of a second. */
export async function bundlePrograms(outDir = 'out/fleet'): Promise<Programs> {
  const { outputFiles } = await build({
    entryPoints: { fleet: sourceOf('main'), watch: sourceOf('watchMain') },
    outdir: outDir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: { js: REQUIRE },
    write: false,
    logLevel: 'warning',
  });
  for (const { path, contents } of outputFiles) writeWhole(path, contents);
  return { fleet: resolve(outDir, 'fleet.mjs'), watch: resolve(outDir, 'watch.mjs') };
}

/** Beside this file's source, or beside its compiled form in dist. */
function sourceOf(name: string): string {
  const source = fileURLToPath(new URL(`../fleet/${name}.ts`, import.meta.url));
  return existsSync(source) ? source : source.replace(/\.ts$/, '.js');
}
