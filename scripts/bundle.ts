/**
 * Bundles programs for the image: one file each, without node_modules. What a program imports only on demand goes
 * into files of its own beside it, so that nobody pays for what it does not use.
 *
 *   node scripts/bundle.ts FOLDER PROGRAM…
 *
 * `page` runs in a browser: it goes into a folder of its own, which the controller serves.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

/**
 * Programs bundled as CommonJS, into `<program>.cjs`: an ES module that imports `node:http` makes Node load all that
 * this module could ever export, a fetch client among it: 7 MiB more in every EMQX pod.
 */
const LIGHT = ['sidecar'];

/** Packages in the CommonJS format ask for `require`, which ES modules lack. */
const REQUIRE =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/**
 * Writes `<folder>/<program>.js` (`.cjs` for the sidecar) for each program, from `<program>/main.ts`.
 * @throws Error when a program does not exist or does not compile; esbuild has said why on standard error
 */
export async function bundle(folder: string, programs: string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, '{ "type": "module" }\n');
  if (programs.includes('page')) await bundlePage(`${folder}/page`);
  for (const program of programs.filter((one) => one !== 'page')) {
    const entry = `${program}/main.ts`;
    if (LIGHT.includes(program)) await bundleLight(folder, program, entry);
    else {
      await build({
        ...COMMON,
        entryPoints: { [program]: entry },
        outdir: folder,
        chunkNames: `${program}-[name]-[hash]`,
        splitting: true,
        format: 'esm',
        banner: { js: REQUIRE },
      });
    }
  }
}

const COMMON: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  // Names stay as they are: a stack trace in a log is all that there is to go by.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
};

/** esbuild splits no CommonJS: what is imported on demand is a bundle of its own, `<program>-<module>.cjs`, that shares nothing with it. */
async function bundleLight(folder: string, name: string, entry: string): Promise<void> {
  const onDemand = new Map<string, string>();
  const apart: Plugin = {
    name: 'apart',
    setup(bundler) {
      bundler.onResolve({ filter: /^\.\.?\// }, ({ kind, path, importer, resolveDir }) => {
        if (kind !== 'dynamic-import' || importer.includes('node_modules')) return undefined;
        const file = resolve(resolveDir, path.replace(/\.js$/, '.ts'));
        const part = `${name}-${basename(file, '.ts')}`;
        onDemand.set(part, file);
        return { path: `./${part}.cjs`, external: true };
      });
    },
  };
  await build({
    ...COMMON,
    entryPoints: { [name]: entry },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    // by `require`
    supported: { 'dynamic-import': false },
    plugins: [apart],
  });
  for (const [part, file] of onDemand) await bundleLight(folder, part, file);
}

/** What browsers of the last two years or so know. */
const BROWSERS = ['chrome118', 'firefox118', 'safari17'];
const PAGE_FILES = ['index.html', 'page.css', 'icon.svg'];

/** Writes the page's program, and beside it the files that it needs: nothing comes from elsewhere. */
async function bundlePage(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: { page: 'page/main.ts' },
    outdir: folder,
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: BROWSERS,
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  for (const file of PAGE_FILES) copyFileSync(`page/${file}`, `${folder}/${file}`);
}

if (import.meta.filename === process.argv[1]) {
  const [folder, ...programs] = process.argv.slice(2);
  if (!folder || programs.length === 0) {
    console.error('usage: node scripts/bundle.ts FOLDER PROGRAM…');
    process.exitCode = 2;
  } else {
    await bundle(folder, programs);
  }
}
