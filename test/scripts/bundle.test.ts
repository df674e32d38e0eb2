import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';

jest.setTimeout(60_000);

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Names of the SDK's own that are not shortened. */
const SDK = /OTLPTraceExporter|NodeSDK/;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-bundle-'));
  execFileSync(process.execPath, ['scripts/bundle.ts', folder, 'controller', 'webhook', 'sidecar'], {
    cwd: ROOT,
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (file: string): string => readFileSync(join(folder, file), 'utf8');

/** A file and all that it imports before it runs. */
function loaded(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known;
  known.add(file);
  for (const [, path = ''] of read(file).matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+)"/g))
    loaded(path, known);
  return known;
}

it.each(['controller', 'webhook'])(
  '%s has the SDK of OpenTelemetry apart, and loads it on demand',
  (program) => {
    const atStart = loaded(`${program}.js`);
    expect([...atStart].filter((file) => SDK.test(read(file)))).toEqual([]);
    const apart = readdirSync(folder).filter((file) => !atStart.has(file) && file.startsWith(`${program}-`));
    expect(apart.filter((file) => SDK.test(read(file)))).not.toEqual([]);
  },
);

it('sidecar has nothing of it', () => {
  expect(read('sidecar.cjs')).not.toMatch(SDK);
});
