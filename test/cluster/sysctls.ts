import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What a kubelet sets for the whole machine when it starts (its `setupKernelTunables`). */
const touched = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
];

/**
 * Keeps the machine's own values in `file`, so that they can be given back even after a crash. Where another
 * cluster runs, they are those that it kept.
 */
export function keepSysctls(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const [other] = keptByOthers(file);
  const values = touched
    .filter((name) => existsSync(pathOf(name)))
    .map((name) => [name, readFileSync(pathOf(name), 'utf8').trim()]);
  writeFileSync(file, other === undefined ? JSON.stringify(Object.fromEntries(values)) : readFileSync(other));
}

/** Gives back what was kept, unless another cluster still runs. Nothing happens when nothing was kept. */
export function restoreSysctls(file: string): void {
  if (!existsSync(file) || keptByOthers(file).length > 0) return;
  const values = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  for (const [name, value] of Object.entries(values)) {
    if (readFileSync(pathOf(name), 'utf8').trim() !== value) writeFileSync(pathOf(name), value);
  }
}

/** The same file of the other clusters, whose folders lie beside this one's. */
function keptByOthers(file: string): string[] {
  const folder = dirname(dirname(file));
  return readdirSync(folder)
    .map((name) => join(folder, name, basename(file)))
    .filter((other) => other !== file && existsSync(other));
}

function pathOf(name: string): string {
  return join('/proc/sys', name);
}
