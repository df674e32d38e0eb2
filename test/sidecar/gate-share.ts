import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const SCRIPTS = join(import.meta.dirname, '../../sidecar/scripts');
/** A static busybox; Debian's package `busybox-static`. */
export const BUSYBOX = process.env['BUSYBOX'] ?? '/bin/busybox';

export interface Run {
  /** Exit code, or null when it was stopped. */
  code: number | null;
  seconds: number;
  output: string;
}

/** A share as the sidecar leaves it for the gate, in a folder of its own. */
export interface Share {
  path: string;
  write: (file: string, text: string) => Promise<void>;
  /** The file's text, '' when it is not there. */
  read: (file: string) => Promise<string>;
  /** Runs a script of the share to its end, but no longer than `limitMs`. */
  run: (
    script: string,
    args?: string[],
    options?: { env?: NodeJS.ProcessEnv; limitMs?: number },
  ) => Promise<Run>;
  files: () => Promise<string[]>;
  remove: () => Promise<void>;
}

export async function makeShare(): Promise<Share> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-share-'));
  await mkdir(join(path, 'bin'));
  await cp(BUSYBOX, join(path, 'bin/busybox'));
  for (const file of await readdir(SCRIPTS)) await cp(join(SCRIPTS, file), join(path, 'bin', file));
  const share: Share = {
    path,
    write: (file, text) => writeFile(join(path, file), text),
    read: (file) => readFile(join(path, file), 'utf8').catch(() => ''),
    files: () => readdir(path),
    remove: () => rm(path, { recursive: true, force: true }),
    run: (script, args = [], { env = {}, limitMs = 20_000 } = {}) => {
      const began = performance.now();
      // No PATH: every tool has to come from the share's busybox.
      const child = spawn(join(path, 'bin/busybox'), ['sh', join(path, 'bin', script), ...args], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      const limit = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), limitMs);
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
      return new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code) => {
          clearTimeout(limit);
          resolve({ code, seconds: (performance.now() - began) / 1000, output });
        });
      });
    },
  };
  await share.write('boot', 'boot-1\n');
  await share.write('joined', 'boot-1\n');
  return share;
}

/** drain.conf with a healthy default for what a test does not name. */
export function conf(port: number, settings: Record<string, string | number> = {}): string {
  const all = {
    authorization: 'Basic a2V5OnNlY3JldA==',
    apiPort: port,
    connEvictRate: 10,
    sessEvictRate: 20,
    waitTakeover: 3,
    waitHealthCheck: 2,
    noRecipientSeconds: 2,
    withoutEvacuation: 'Refuse',
    recipients: '',
    ...settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
