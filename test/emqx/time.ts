/** Cancels what was planned; harmless when it has already run. */
export type Cancel = () => void;

/** The time that a part of the node sees. Tests pass their own. */
export interface Clock {
  /** Wall clock, milliseconds. */
  now(): number;
  /** Runs `act` once, `ms` milliseconds (before scaling) from now. */
  after(ms: number, act: () => void): Cancel;
}

/** The machine's clock; waits are multiplied by `scale`, so 0.01 makes EMQX's seconds 10 ms long. */
export function systemClock(scale = 1): Clock {
  return {
    now: () => Date.now(),
    after: (ms, act) => {
      // Node runs longer ones at once.
      const timer = setTimeout(act, Math.min(ms * scale, 2 ** 31 - 1));
      return () => clearTimeout(timer);
    },
  };
}

/** Resolves after `ms` on `clock`. */
export function wait(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

/** Settles as `work` does, or rejects with `what` after `ms` real milliseconds. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`${what}: no answer in ${ms} ms`)), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
