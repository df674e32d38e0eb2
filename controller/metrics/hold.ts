/** By then every Prometheus has scraped once more: there may be two, and a minute between scrapes is long. */
const SETTLE_MS = 60_000;
/** Whoever has not scraped by then does not. */
const MOST_MS = 600_000;

/** Counts of a series that has just begun, held back until its 0 has been scraped: `increase()` sees no other. */
export interface Hold {
  begin(key: string): void;
  /** Counts now, or when whoever scrapes knows the series. */
  count(key: string, tell: () => void): void;
  /** The series is gone, and what was held with it. */
  forget(key: string): void;
  /** A scrape is to be answered: counts what has been held for long enough. */
  scraped(): void;
}

interface Series {
  begunMs: number;
  scrapedMs?: number;
  held: (() => void)[];
}

/** @param nowMs milliseconds on a clock that only goes forward */
export function makeHold(nowMs: () => number): Hold {
  const fresh = new Map<string, Series>();

  function release(key: string, { begunMs, scrapedMs, held }: Series): void {
    const isKnown = scrapedMs !== undefined && nowMs() - scrapedMs >= SETTLE_MS;
    if (!isKnown && nowMs() - begunMs < MOST_MS) return;
    fresh.delete(key);
    for (const tell of held) tell();
  }

  return {
    begin: (key) => fresh.set(key, { begunMs: nowMs(), held: [] }),
    count(key, tell) {
      const series = fresh.get(key);
      if (!series) return tell();
      series.held.push(tell);
      release(key, series);
    },
    forget: (key) => fresh.delete(key),
    scraped() {
      for (const [key, series] of fresh) {
        series.scrapedMs ??= nowMs();
        release(key, series);
      }
    },
  };
}
