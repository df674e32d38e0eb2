/** One piece of work that is done again and again, each key by itself, a few keys at once. */
export interface Schedule {
  /** The key needs a pass: now, or as soon as the one in progress is over. */
  wake(key: string): void;
  /** Resolves when the last pass in progress has ended; the signal has stopped new ones. */
  idle(): Promise<void>;
}

/** How a pass ended: when the next is due at the latest, or that there is nothing left to look at. */
export type Next = { afterMs: number } | 'forget';

export interface ScheduleOptions {
  /** Passes at once. Each is a handful of requests, so the API server's patience is the limit. */
  concurrency: number;
  /** Between two passes that events ask for, so that a burst of them is one pass. */
  gapMs: number;
  /** Never rejects. */
  pass: (key: string) => Promise<Next>;
}

interface Entry {
  state: 'resting' | 'queued' | 'running';
  isDirty: boolean;
  timer?: NodeJS.Timeout | undefined;
  endedAtMs: number;
  /** Of the timer, on the process's clock. */
  dueAtMs: number;
}

/** A schedule until the signal; each key has at most one pass at a time. */
export function makeSchedule({ concurrency, gapMs, pass }: ScheduleOptions, signal: AbortSignal): Schedule {
  const entries = new Map<string, Entry>();
  const queue: string[] = [];
  const running = new Set<Promise<void>>();

  signal.addEventListener('abort', () => {
    for (const { timer } of entries.values()) clearTimeout(timer);
    queue.length = 0;
  });

  function enqueue(key: string, entry: Entry): void {
    clearTimeout(entry.timer);
    entry.timer = undefined;
    entry.state = 'queued';
    queue.push(key);
    next();
  }

  function next(): void {
    while (!signal.aborted && running.size < concurrency) {
      const key = queue.shift();
      const entry = key === undefined ? undefined : entries.get(key);
      if (key === undefined || !entry) return;
      entry.state = 'running';
      entry.isDirty = false;
      const work = pass(key).then((result) => {
        running.delete(work);
        finish(key, entry, result);
        next();
      });
      running.add(work);
    }
  }

  function finish(key: string, entry: Entry, result: Next): void {
    entry.state = 'resting';
    entry.endedAtMs = performance.now();
    if (signal.aborted) return;
    if (result === 'forget' && !entry.isDirty) {
      entries.delete(key);
      return;
    }
    const afterMs = result === 'forget' ? 0 : result.afterMs;
    arm(key, entry, entry.isDirty ? Math.min(gapMs, afterMs) : afterMs);
  }

  function arm(key: string, entry: Entry, afterMs: number): void {
    clearTimeout(entry.timer);
    if (afterMs <= 0) return enqueue(key, entry);
    entry.dueAtMs = performance.now() + afterMs;
    entry.timer = setTimeout(() => enqueue(key, entry), afterMs);
  }

  return {
    wake(key) {
      if (signal.aborted) return;
      const never = Number.NEGATIVE_INFINITY;
      const entry = entries.get(key) ?? {
        state: 'resting',
        isDirty: false,
        endedAtMs: never,
        dueAtMs: never,
      };
      entries.set(key, entry);
      entry.isDirty = true;
      if (entry.state !== 'resting') return;
      const dueAtMs = entry.endedAtMs + gapMs;
      if (entry.timer === undefined || dueAtMs < entry.dueAtMs) arm(key, entry, dueAtMs - performance.now());
    },
    idle: async () => {
      await Promise.all(running);
    },
  };
}
