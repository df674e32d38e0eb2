import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BUSYBOX, SCRIPTS } from './gate-share.js';

jest.setTimeout(20_000);

let folder: string;
let child: ChildProcess | undefined;
let output: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-run-'));
  await mkdir(join(folder, 'share'));
  await mkdir(join(folder, 'key'));
  await writeFile(join(folder, 'key/key'), 'a-key\n');
  await writeFile(join(folder, 'key/secret'), `s3cret=${'x'.repeat(80)}`);
  output = '';
});
afterEach(async () => {
  if (child?.exitCode === null) child.kill('SIGKILL');
  child = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** Starts run.sh with a program of busybox's shell in place of the sidecar's; it counts its starts in a file. */
async function start(program: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const file = join(folder, 'program.sh');
  await writeFile(file, `echo started >> ${folder}/starts\n${program}\n`);
  child = spawn(BUSYBOX, ['sh', join(SCRIPTS, 'run.sh')], {
    env: {
      SLUICE_SHARE: join(folder, 'share'),
      SLUICE_KEY_DIR: join(folder, 'key'),
      SLUICE_BUSYBOX: BUSYBOX,
      SLUICE_PROGRAM: `${BUSYBOX} sh ${file}`,
      ...env,
    },
  });
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
}

async function become<T>(what: string, look: () => Promise<T | false>): Promise<T> {
  for (let tries = 0; tries < 400; tries += 1) {
    const seen = await look().catch(() => false as const);
    if (seen !== false) return seen;
    await sleep(25);
  }
  throw new Error(`never: ${what}`);
}

const text = (file: string) => readFile(join(folder, file), 'utf8');
const starts = async () => (await text('starts')).split('\n').length - 1;
const started = (times: number) => become(`${times} starts`, async () => (await starts()) >= times && times);

/** The program has said what SIGTERM is to do. */
const trapped = () => become('the trap', async () => (await text('starts')).includes('trapped') && true);

function ended(): Promise<{ code: number | null; seconds: number }> {
  const began = performance.now();
  return new Promise((resolve) =>
    child?.once('exit', (code) => resolve({ code, seconds: (performance.now() - began) / 1000 })),
  );
}

it('installs the gate and the first settings before the program starts', async () => {
  await start('exec /bin/busybox sleep 60', { SLUICE_CONN_EVICT_RATE: '77', SLUICE_API_PORT: '8081' });
  await started(1);
  const conf = await text('share/drain.conf');
  expect(conf).toContain(
    `authorization=Basic ${Buffer.from(`a-key:s3cret=${'x'.repeat(80)}`).toString('base64')}\n`,
  );
  expect(conf).toContain('\napiPort=8081\nconnEvictRate=77\n');
  expect((await stat(join(folder, 'share/drain.conf'))).mode & 0o777).toBe(0o440);
  expect((await stat(join(folder, 'share/bin/busybox'))).mode & 0o777).toBe(0o555);
  for (const file of ['gate.sh', 'drain.sh', 'evacuation.sh', 'started.sh']) {
    expect(await text(`share/bin/${file}`)).toBe(await readFile(join(SCRIPTS, file), 'utf8'));
  }
  expect(await text('share/bin/ready-to-gate')).toBe('');
});

it.each<[string, () => Promise<void>]>([
  ['no key', () => rm(join(folder, 'key/key'))],
  ['an empty key', () => writeFile(join(folder, 'key/key'), '\n')],
  ['an empty secret', () => writeFile(join(folder, 'key/secret'), '')],
])('with %s says so, lets EMQX not start, and goes on once it is there', async (_what, spoil) => {
  await spoil();
  await start('exec /bin/busybox sleep 5', { SLUICE_API_KEY_SECRET: 'mine' });
  await become('it is told', () =>
    Promise.resolve(/missing or empty: put them into Secret mine/.test(output) && true),
  );
  const [line = ''] = output.split('\n').filter((each) => each.includes('missing or empty'));
  expect(Object.keys(JSON.parse(line) as object)).toEqual(['level', 'time', 'program', 'msg']);
  // the program can tell the controller
  await started(1);
  expect(await text('share/drain.conf')).toMatch(/^apiPort=/);
  await expect(stat(join(folder, 'share/bin/ready-to-gate'))).rejects.toThrow('ENOENT');
  await writeFile(join(folder, 'key/key'), 'a-key');
  await writeFile(join(folder, 'key/secret'), 'its-secret');
  await become('the gate is open', () => stat(join(folder, 'share/bin/ready-to-gate')));
  expect(await text('share/drain.conf')).toContain(Buffer.from('a-key:its-secret').toString('base64'));
  expect(await starts()).toBe(1);
});

it('keeps the last key, and EMQX going, when the Secret has lost it', async () => {
  await writeFile(join(folder, 'share/drain.conf'), 'authorization=Basic b2xk\napiPort=18083\n');
  await writeFile(join(folder, 'key/secret'), '');
  await start('exec /bin/busybox sleep 60');
  await started(1);
  await become('the gate is open', () => stat(join(folder, 'share/bin/ready-to-gate')));
  expect(await text('share/drain.conf')).toMatch(/^authorization=Basic b2xk\n/);
});

it('keeps the settings last told when it starts again, and takes the key of now', async () => {
  const told =
    'authorization=Basic b2xk\napiPort=18083\nconnEvictRate=5\nrecipients=emqx@green-0 emqx@green-1\n';
  await writeFile(join(folder, 'share/drain.conf'), told);
  await chmod(join(folder, 'share/drain.conf'), 0o440);
  await start('exec /bin/busybox sleep 60', { SLUICE_CONN_EVICT_RATE: '77' });
  await started(1);
  const conf = await text('share/drain.conf');
  expect(conf.replace(/^authorization=.*\n/, '')).toBe(told.replace(/^authorization=.*\n/, ''));
  expect(conf).toMatch(/^authorization=Basic YS1r/);
});

it('starts a program that crashes again, each time a little later, and does not end', async () => {
  await start('exit 3');
  await started(3);
  const waits = output
    .split('\n')
    .flatMap((line) => (line ? [JSON.parse(line) as { afterSeconds: number }] : []));
  expect(waits.map(({ afterSeconds }) => afterSeconds).slice(0, 2)).toEqual([1, 2]);
  expect(child?.exitCode).toBeNull();
});

it('hands SIGTERM on and ends with the program', async () => {
  await start(
    `trap 'echo stopped >> ${folder}/starts; exit 0' TERM; echo trapped >> ${folder}/starts; while :; do /bin/busybox sleep 0.1; done`,
  );
  await trapped();
  const end = ended();
  child?.kill('SIGTERM');
  expect(await end).toMatchObject({ code: 0 });
  expect(await text('starts')).toBe('started\ntrapped\nstopped\n');
});

it('ends within seconds although the program hangs, and at once while it waits to start it again', async () => {
  await start(`trap '' TERM; echo trapped >> ${folder}/starts; while :; do /bin/busybox sleep 1; done`);
  await trapped();
  const hung = ended();
  child?.kill('SIGTERM');
  const { code, seconds } = await hung;
  expect(code).toBe(0);
  expect(seconds).toBeLessThan(8);

  await start('exit 3');
  await started(5);
  const end = ended();
  child?.kill('SIGTERM');
  expect((await end).seconds).toBeLessThan(2);
});
