import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  const me = processOf(process.pid);
  const mine = `${process.pid} ${me?.startTime ?? ''}`;
  try {
    writeFileSync(file, mine, { flag: 'wx' });
    return true;
  } catch {
    // Held, or left behind.
  }
  const [pid = '', startTime = ''] = readFileSync(file, 'utf8').split(' ');
  if (!isAlive({ pid: Number(pid), startTime, argv: [] })) rmSync(file, { force: true });
  return false;
}
