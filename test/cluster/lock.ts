import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isAlive, processOf } from './processes.js';
import { until } from './wait.js';

/**
 * Does `work` while no other process of the machine that asks for the same file does; a lock whose holder is
 * gone counts as free.
 * @throws WaitError when the holder keeps it longer than `timeoutMs`
 */
export async function whileLocked<T>(file: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  await until(`the lock ${file}`, () => (take(file) ? true : undefined), { timeoutMs });
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file: string): boolean {
  const own = `${file}.${process.pid}.${randomUUID()}`;
  writeFileSync(own, `${process.pid} ${processOf(process.pid)?.startTime ?? ''}`);
  try {
    // A link is there with its whole text, or not at all.
    linkSync(own, file);
    return true;
  } catch {
    forgetStale(file, own);
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Takes a lock away whose holder is gone. */
function forgetStale(file: string, own: string): void {
  const seen = readFileSync(file, 'utf8');
  if (isHeld(seen)) return;
  const aside = `${own}.stale`;
  renameSync(file, aside);
  // Somebody else may have done the same and taken the lock since it was read: then it is theirs.
  if (readFileSync(aside, 'utf8') !== seen) linkSync(aside, file);
  rmSync(aside);
}

function isHeld(text: string): boolean {
  const [pid = '', startTime = ''] = text.split(' ');
  return isAlive({ pid: Number(pid), startTime, argv: [] });
}
