/**
 * Runs every check and every test, one after the other, and prints the true sum; `make test` calls it, and `make test-long` with
 * `long` for those that take longer.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { sum, tallyOf, type Tally } from './tally.js';

const isLong = process.argv[2] === 'long';
const OUT = isLong ? 'out/test-long' : 'out/test';
const MINUTE_MS = 60_000;

interface Run {
  name: string;
  /** npm script and its arguments. */
  args: string[];
  /** Bound on the whole run; past it, it counts as failed. */
  limitMs: number;
  /** A jest run is counted by its summary, any other by its exit code. */
  isJest?: boolean;
}

// The first time on a machine this builds Kubernetes from source.
const CLUSTER: Run = { name: 'cluster', args: ['cluster', '--', 'up'], limitMs: 45 * MINUTE_MS };
const RUNS: Run[] = [
  { name: 'lint', args: ['lint'], limitMs: 5 * MINUTE_MS },
  { name: 'format', args: ['format'], limitMs: 5 * MINUTE_MS },
  { name: 'types', args: ['types'], limitMs: 5 * MINUTE_MS },
  { name: 'cycles', args: ['cycles'], limitMs: 5 * MINUTE_MS },
  CLUSTER,
  { name: 'unit', args: ['test:unit', '--'], limitMs: 25 * MINUTE_MS, isJest: true },
  { name: 'conformance', args: ['test:conformance', '--'], limitMs: 10 * MINUTE_MS, isJest: true },
  // What counts seconds, loads the machine or looks at all of it; then what mostly waits, two files at a time.
  { name: 'e2e-alone', args: ['test:e2e:alone', '--'], limitMs: 40 * MINUTE_MS, isJest: true },
  { name: 'e2e', args: ['test:e2e:lanes', '--'], limitMs: 40 * MINUTE_MS, isJest: true },
];
const LONG_RUNS: Run[] = [
  CLUSTER,
  { name: 'long', args: ['test:long', '--'], limitMs: 60 * MINUTE_MS, isJest: true },
];

async function main(): Promise<void> {
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  const rows: { name: string; tally: Tally; seconds: number }[] = [];
  for (const run of isLong ? LONG_RUNS : RUNS) {
    const began = performance.now();
    const tally = await count(run);
    rows.push({ name: run.name, tally, seconds: Math.round((performance.now() - began) / 1000) });
  }
  const total = sum(rows.map(({ tally }) => tally));
  console.log('');
  for (const { name, tally, seconds } of rows) {
    console.log(
      `${name.padEnd(12)} ${String(tally.passed).padStart(5)} passed ${String(tally.failed).padStart(4)} failed ${String(seconds).padStart(5)} s`,
    );
  }
  const line = `${total.passed} passed, ${total.failed} failed`;
  writeFileSync(`${OUT}/summary.txt`, `${line}\n`);
  console.log(line);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

async function count({ name, args, limitMs, isJest = false }: Run): Promise<Tally> {
  console.log(`\n== ${name}`);
  const file = `${OUT}/${name}.json`;
  const code = await npmRun(isJest ? [...args, '--json', `--outputFile=${file}`] : args, limitMs);
  if (!isJest) return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  const tally = tallyOf(readJson(file));
  // Jest may fail after its summary was written (a handle that was left open and killed, say).
  return code !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

/** Exit code of an npm script; its output is ours, except jest's JSON, which goes to its file. */
function npmRun(args: string[], limitMs: number): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '-s', ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    const timer = setTimeout(() => {
      console.error(`${args[0]}: stopped after ${limitMs / MINUTE_MS} minutes`);
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, limitMs);
    child.on('error', () => resolve(1));
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(code ?? 1);
    });
  });
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

await main();
