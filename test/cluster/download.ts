import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Release } from './catalog.js';
import { run } from './run.js';

/** How long a release host is given, once, to answer at all. */
const answerMs = 5_000;
/** A download that has begun may take this long. */
const downloadMs = 300_000;

/** Tells which hosts answer anything within 5 s. They are asked when it first matters, all at once, and only once. */
export class Reachable {
  readonly #origins: ReadonlySet<string>;
  #asked: ReadonlyMap<string, Promise<boolean>> | undefined;

  /** @param urls of everything that may be asked for later */
  constructor(urls: readonly string[]) {
    this.#origins = new Set(urls.map((url) => new URL(url).origin));
  }

  async of(url: string): Promise<boolean> {
    this.#asked ??= new Map([...this.#origins].map((origin) => [origin, answers(origin)]));
    return (await this.#asked.get(new URL(url).origin)) ?? false;
  }
}

async function answers(origin: string): Promise<boolean> {
  try {
    const answer = await fetch(origin, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    });
    return answer.status < 500;
  } catch {
    return false;
  }
}

/**
 * Downloads a release, checks its SHA-256, and puts the program at `target`, there as a whole or not at all.
 * @throws Error when it cannot be had or its sum is another
 */
export async function download(release: Release, target: string): Promise<void> {
  const [archive, sums] = await Promise.all([bytesOf(release.url), bytesOf(release.sumUrl)]);
  const wanted = sumFor(basename(new URL(release.url).pathname), sums.toString('utf8'));
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== wanted)
    throw new Error(`${release.url}: SHA-256 is ${actual}, ${release.sumUrl} says ${wanted}`);
  const folder = join(target, '..');
  mkdirSync(folder, { recursive: true });
  const unfinished = mkdtempSync(join(folder, 'unfinished-'));
  try {
    const file = join(unfinished, 'download');
    writeFileSync(file, archive);
    if (release.member !== undefined) await run('tar', ['-xzf', file, '-C', unfinished, release.member]);
    const program = release.member === undefined ? file : join(unfinished, release.member);
    chmodSync(program, 0o755);
    renameSync(program, target);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Picks a file's sum from `<sum>` alone, or from lines of `<sum>  <file>`. @throws Error when it is not there */
export function sumFor(file: string, sums: string): string {
  for (const line of sums.split('\n')) {
    const [sum, name] = line.trim().split(/\s+\*?/);
    if (sum !== undefined && /^[0-9a-f]{64}$/.test(sum) && (name === undefined || name === file)) return sum;
  }
  throw new Error(`no SHA-256 of ${file} among the published sums`);
}

async function bytesOf(url: string): Promise<Buffer> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(downloadMs) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}
