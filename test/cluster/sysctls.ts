import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a kubelet sets for the whole machine when it starts (its `setupKernelTunables`). */
const touched = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
];

/** Keeps the machine's own values in `file`, so that they can be given back even after a crash. */
export function keepSysctls(file: string): void {
  const values = touched
    .filter((name) => existsSync(pathOf(name)))
    .map((name) => [name, readFileSync(pathOf(name), 'utf8').trim()]);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(Object.fromEntries(values)));
}

/** Gives back what was kept. Nothing happens when nothing was. */
export function restoreSysctls(file: string): void {
  if (!existsSync(file)) return;
  const values = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  for (const [name, value] of Object.entries(values)) {
    if (readFileSync(pathOf(name), 'utf8').trim() !== value) writeFileSync(pathOf(name), value);
  }
}

function pathOf(name: string): string {
  return join('/proc/sys', name);
}
