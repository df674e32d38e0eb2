import { isObject } from '../../lib/json.js';
import { run } from '../cluster/run.js';
import { cpuSecondsOf } from './proc.js';
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
  const cpuBefore = cpuSecondsOf(server.pid);
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
  const { answered, ...sample } = readResult(output);
  return { ...sample, cpuMicrosPerReview: (cpuSeconds * 1e6) / answered };
}

/**
 * Reads what go-load prints.
 * @returns `answered`: all reviews, those of the warm-up too
 * @throws Error when a figure is missing
 */
export function readResult(output: string): Omit<Sample, 'cpuMicrosPerReview'> & { answered: number } {
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
  };
}
