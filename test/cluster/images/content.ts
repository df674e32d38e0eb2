import { createHash, type Hash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What no Dockerfile of ours copies, and what is large or changes all the time. */
const left = new Set(['.git', 'node_modules', 'out', 'coverage']);

/**
 * One hash over names, modes and contents below a folder; times do not count.
 * @param inputs only these parts of it (paths below `folder`); default all, `.git`, `node_modules`, `out` and
 * `coverage` apart
 * @throws Error when an input is missing
 */
export function contentHash(folder: string, inputs?: readonly string[]): string {
  const hash = createHash('sha256');
  if (inputs) for (const input of [...inputs].sort()) add(hash, folder, input);
  else addChildren(hash, folder, '');
  return hash.digest('hex');
}

function add(hash: Hash, folder: string, path: string): void {
  const stat = lstatSync(join(folder, path));
  hash.update(`${path}\0${stat.mode}\0`);
  if (stat.isDirectory()) addChildren(hash, folder, path);
  else if (stat.isSymbolicLink()) hash.update(readlinkSync(join(folder, path)));
  else if (stat.isFile()) hash.update(`${stat.size}\0`).update(readFileSync(join(folder, path)));
}

function addChildren(hash: Hash, folder: string, path: string): void {
  for (const entry of readdirSync(join(folder, path)).sort()) {
    if (!left.has(entry)) add(hash, folder, join(path, entry));
  }
}
