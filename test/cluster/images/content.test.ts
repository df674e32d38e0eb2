import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentHash } from './content.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-content-'));
  mkdirSync(join(folder, 'src'));
  mkdirSync(join(folder, 'node_modules'));
  writeFileSync(join(folder, 'src', 'a.js'), 'a');
  writeFileSync(join(folder, 'other'), 'o');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

it.each<{ when: string; change: () => void; inputs?: string[]; changes: boolean }>([
  {
    when: 'a file’s text changes',
    change: () => writeFileSync(join(folder, 'src/a.js'), 'b'),
    changes: true,
  },
  { when: 'a file is added', change: () => writeFileSync(join(folder, 'src/b.js'), ''), changes: true },
  {
    when: 'a file is renamed',
    change: () => renameSync(join(folder, 'src/a.js'), join(folder, 'src/c.js')),
    changes: true,
  },
  { when: 'a mode changes', change: () => chmodSync(join(folder, 'src/a.js'), 0o700), changes: true },
  { when: 'only a time changes', change: () => utimesSync(join(folder, 'src/a.js'), 1, 1), changes: false },
  {
    when: 'a module is installed',
    change: () => writeFileSync(join(folder, 'node_modules/m'), ''),
    changes: false,
  },
  {
    when: 'something beside the inputs changes',
    change: () => writeFileSync(join(folder, 'other'), 'p'),
    inputs: ['src'],
    changes: false,
  },
])('when $when, the hash changes: $changes', ({ change, inputs, changes }) => {
  const before = contentHash(folder, inputs);
  change();
  expect(contentHash(folder, inputs) !== before).toBe(changes);
});
