import type { Transport } from './kube/transport.js';

/**
 * Milliseconds since the epoch on a clock that only goes forward: what the wall clock said at start, and the time that
 * has passed since. A jump of the wall clock in mid-life changes nothing.
 */
function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

/** {@link now} is known once an answer has come by {@link send}. */
export interface ServerClock {
  send: Transport;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Answers tell whole seconds. */
const SECOND_MS = 1_000;
/** So far apart may be two who follow the API server's clock, one of whom has only begun to. */
export const APART_MS = SECOND_MS;

/**
 * The API server's clock, by which it notes when a deletion was asked for: what the first answer to `transport` says that it
 * was there, and the time that has passed here since. Told in whole seconds, so it is up to one behind at first, and comes closer with each
 * answer that was given earlier in its second. Our own wall clock, however far apart, is nobody's business; nor is any jump of either
 * afterwards.
 */
export function followServer(transport: Transport): ServerClock {
  let firstMs: number | undefined;
  let aheadMs = 0;
  return {
    send: async (request) => {
      const answer = await transport(request);
      const { statusCode = 0, headers } = answer;
      const dateMs = Date.parse(headers.date ?? '');
      // Errors may be a proxy's own.
      const isServers = statusCode >= 200 && statusCode < 300 && !Number.isNaN(dateMs);
      if (!isServers) return answer;
      const leastMs = dateMs - steadyNow();
      if (firstMs === undefined) aheadMs = firstMs = leastMs;
      else if (leastMs > aheadMs && leastMs < firstMs + SECOND_MS) aheadMs = leastMs;
      return answer;
    },
    now: () => steadyNow() + aheadMs,
  };
}
