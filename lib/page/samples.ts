/** Counts of one BlueGreen's nodes at one moment; the curves of the page are drawn from a row of them. */
export interface Sample {
  /** Counts up by one from sample to sample, so that a reader can ask for what it has not seen. */
  seq: number;
  /** Milliseconds since the epoch, on the controller's clock. */
  atMs: number;
  /** Clients connected to each node, by EMQX's name of it. */
  clients: Record<string, number>;
  /** Clients evicted since the samples began. */
  evicted: number;
}

/** Numbers that the samples of one BlueGreen may hold: ten minutes of one a second for 33 nodes, or 600 rows. */
const MOST_CELLS = 20_000;
const MOST_ROWS = 600;

/**
 * Adds samples to those before, and keeps them within bounds: of the older half every second one goes, so that a long
 * upgrade stays whole, coarser where it is long ago. Pure.
 */
export function withSamples(before: readonly Sample[], more: readonly Sample[]): Sample[] {
  let all = [...before, ...more];
  while (all.length > 3 && !isWithin(all)) {
    const half = Math.ceil(all.length / 2);
    all = all.filter((_, index) => index === 0 || index >= half || index % 2 === 0);
  }
  return all;
}

/** All rows count as wide as the last: the nodes of one declaration change by a few. */
function isWithin(samples: readonly Sample[]): boolean {
  const nodes = Object.keys(samples.at(-1)?.clients ?? {}).length;
  return samples.length <= MOST_ROWS && samples.length * nodes <= MOST_CELLS;
}

/** A rate is taken over so long at least: EMQX evicts once a second, and the looks at it are not as regular. */
const RATE_OVER_MS = 3_000;

/** Clients evicted per second at each sample but the first. Pure. */
export function evictionsOf(samples: readonly Sample[]): { atMs: number; perSecond: number }[] {
  let from = 0;
  return samples.slice(1).flatMap((sample, index) => {
    while (from < index && sample.atMs - (samples[from + 1]?.atMs ?? 0) >= RATE_OVER_MS) from += 1;
    const first = samples[from];
    if (!first || sample.atMs <= first.atMs) return [];
    const perSecond = ((sample.evicted - first.evicted) * 1000) / (sample.atMs - first.atMs);
    return [{ atMs: sample.atMs, perSecond }];
  });
}
