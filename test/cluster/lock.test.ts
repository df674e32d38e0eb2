import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whileLocked } from './lock.js';
import { processOf } from './processes.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-lock-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

it('work under one lock never overlaps, and the lock is gone afterwards', async () => {
  const file = join(folder, 'lock');
  let inside = 0;
  let most = 0;
  const work = (): Promise<void> =>
    whileLocked(file, 5_000, async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise(setImmediate);
      inside -= 1;
    });
  await Promise.all([work(), work(), work()]);
  expect(most).toBe(1);
  expect(existsSync(file)).toBe(false);
});

it('the lock of a process that is gone counts as free, also when its id was given out again', async () => {
  const file = join(folder, 'lock');
  const mine = processOf(process.pid)?.startTime ?? '';
  for (const left of ['4194304 1', `${process.pid} ${mine}0`, '']) {
    writeFileSync(file, left);
    await expect(whileLocked(file, 1_000, () => Promise.resolve('done'))).resolves.toBe('done');
  }
});

it('a lock that is held is waited for, and after the time-out named', async () => {
  const file = join(folder, 'lock');
  writeFileSync(file, `${process.pid} ${processOf(process.pid)?.startTime ?? ''}`);
  await expect(whileLocked(file, 200, () => Promise.resolve())).rejects.toThrow(`the lock ${file}`);
});
