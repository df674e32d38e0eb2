import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Files of the page by path, whole in memory: they are small, and the image's alone. */
export type Assets = Record<string, { type: string; body: string }>;

const FILES = {
  '/': ['index.html', 'html'],
  '/page.js': ['page.js', 'text/javascript'],
  '/page.css': ['page.css', 'css'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
} as const;

/**
 * Reads what `scripts/bundle.ts` has made of `page/`.
 * @throws Error where a file is not there
 */
export async function readAssets(folder: string): Promise<Assets> {
  const entries = Object.entries(FILES).map(async ([path, [file, type]]) => {
    return [path, { type, body: await readFile(join(folder, file), 'utf8') }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
