import { isObject } from '../../lib/json.js';
import { run } from '../cluster/run.js';
import { busySeconds, cpuSecondsOf } from './proc.js';
import { LOAD_CORE, type Built, type WebhookServer } from './servers.js';
import { SERVER_NAME } from './names.js';

/** What one measurement of one webhook showed. */
export interface Sample {
  connections: number;
  reviewsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  bodyBytes: number;
  /** Protocol and cipher of the connections. */
  tls: string;
  /** What the webhook's process itself used, whoever else was on its core. */
  cpuMicrosPerReview: number;
  /** What everything but the webhook and its load used, in per cent of one core. */
  foreignCpuPercent: number;
}

export interface LoadOptions {
  connections: number;
  warmSeconds: number;
  seconds: number;
  reviewFile: string;
}

/** Asks a webhook the same review for some seconds. @throws CommandError when an answer is wrong or missing */
export async function measure(server: WebhookServer, built: Built, options: LoadOptions): Promise<Sample> {
  const { connections, warmSeconds, seconds, reviewFile } = options;
  const beganMs = performance.now();
  const [cpuBefore, busyBefore] = [cpuSecondsOf(server.pid), busySeconds()];
  const output = await run(
    'taskset',
    [
      ...['--cpu-list', String(LOAD_CORE), built.goLoad, '-url', server.url],
      ...['-ca', `${built.tlsDir}/ca.crt`, '-name', SERVER_NAME, '-review', reviewFile],
      ...['-connections', String(connections), '-warm', `${warmSeconds}s`, '-time', `${seconds}s`],
    ],
    { timeoutMs: (warmSeconds + seconds + 30) * 1000 },
  );
  const cpuSeconds = cpuSecondsOf(server.pid) - cpuBefore;
  const elapsedSeconds = (performance.now() - beganMs) / 1000;
  const { answered, loadCpuSeconds, ...sample } = readResult(output);
  const foreignSeconds = busySeconds() - busyBefore - cpuSeconds - loadCpuSeconds;
  return {
    ...sample,
    cpuMicrosPerReview: (cpuSeconds * 1e6) / answered,
    foreignCpuPercent: (100 * Math.max(0, foreignSeconds)) / elapsedSeconds,
  };
}

/**
 * Reads what go-load prints.
 * @returns `answered`: all reviews, those of the warm-up too; `loadCpuSeconds`: its own CPU
 * @throws Error when a figure is missing
 */
export function readResult(
  output: string,
): Omit<Sample, 'cpuMicrosPerReview' | 'foreignCpuPercent'> & { answered: number; loadCpuSeconds: number } {
  const result: unknown = JSON.parse(output);
  const number = (name: string): number => {
    const value = isObject(result) ? result[name] : undefined;
    if (typeof value !== 'number') throw new Error(`go-load gives no ${name}: ${output}`);
    return value;
  };
  return {
    connections: number('connections'),
    reviewsPerSecond: number('reviewsPerSecond'),
    p50Ms: number('p50Ms'),
    p99Ms: number('p99Ms'),
    maxMs: number('maxMs'),
    bodyBytes: number('bodyBytes'),
    tls: isObject(result) && typeof result['tls'] === 'string' ? result['tls'] : '',
    answered: number('answered'),
    loadCpuSeconds: number('cpuSeconds'),
  };
}
