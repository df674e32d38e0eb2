import { setTimeout as sleep } from 'node:timers/promises';

export class WaitError extends Error {
  override readonly name = 'WaitError';
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Looks again until `look` returns something; what it throws counts as nothing yet.
 * @param what the condition in words, for the error
 * @throws WaitError with the last thing that `look` threw as its cause
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  { timeoutMs, everyMs = 100, signal }: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const seen = await look();
      if (seen !== undefined) return seen;
    } catch (error) {
      cause = error;
    }
    signal?.throwIfAborted();
    if (performance.now() > deadline) {
      const last = cause instanceof Error ? `; last: ${cause.message}` : '';
      throw new WaitError(`not within ${timeoutMs} ms: ${what}${last}`, { cause });
    }
    await sleep(everyMs, undefined, signal ? { signal } : {});
  }
}
