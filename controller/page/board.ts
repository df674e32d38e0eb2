import { randomBytes } from 'node:crypto';
import { withSamples, type Sample } from '../../lib/page/samples.js';
import { placeOf, type SeenBlueGreen } from './blue-green.js';
import { sampleOf } from './sampling.js';

/** What this replica has seen of all BlueGreens: the page's memory, and all of it. */
export interface Board {
  saw(blueGreen: SeenBlueGreen): void;
  gone(blueGreen: SeenBlueGreen): void;
  /** The API server is heard, or not. */
  heard(isHeard: boolean): void;
  /** By namespace and name. */
  all(): SeenBlueGreen[];
  one(place: string): SeenBlueGreen | undefined;
  /**
   * Samples of one BlueGreen that came after a mark.
   * @param after a mark of earlier; one that is not of this life gives all there are
   */
  samplesAfter(place: string, after: string): { isWhole: boolean; list: Sample[]; mark: string };
  /** Milliseconds since the epoch; undefined while the API server is heard. */
  deafSinceMs(): number | undefined;
  /** Calls back whenever something has changed; of one BlueGreen, or of any. @returns what ends it */
  listen(place: string | undefined, changed: () => void): () => void;
}

/** BlueGreens whose samples are kept; of more, those that have changed last. */
const MOST_SAMPLED = 50;
/** Samples are so far apart at least. */
const SAMPLE_GAP_MS = 900;

interface Row {
  uid: string;
  /** Of this row's samples among all that ever were, so that another life's mark is told. */
  epoch: string;
  samples: Sample[];
  /** The status that the last sample was made from. */
  from: SeenBlueGreen['status'];
}

/** Calls back after so many milliseconds; keeps no process alive. */
type Later = (run: () => void, ms: number) => void;

const laterByTimer: Later = (run, ms) => void setTimeout(run, ms).unref();

/** An empty board. @param now milliseconds since the epoch */
export function makeBoard(now: () => number, later: Later = laterByTimer): Board {
  const seen = new Map<string, SeenBlueGreen>();
  const rows = new Map<string, Row>();
  const listeners = new Map<() => void, string | undefined>();
  /** Those of which a status came too soon after the last sample, and is to be one when the gap is over: it may be the last. */
  const waiting = new Set<string>();
  let deafSinceMs: number | undefined = now();

  function tell(place?: string): void {
    for (const [changed, of] of listeners) {
      if (place === undefined || of === undefined || of === place) changed();
    }
  }

  function sample(place: string, { uid, status }: SeenBlueGreen): void {
    const known = rows.get(place);
    const row: Row =
      known?.uid === uid ? known : { uid, epoch: randomBytes(4).toString('hex'), samples: [], from: {} };
    const last = row.samples.at(-1);
    const atMs = now();
    if (last && atMs - last.atMs < SAMPLE_GAP_MS) {
      if (waiting.has(place)) return;
      waiting.add(place);
      later(() => catchUp(place), SAMPLE_GAP_MS - (atMs - last.atMs));
      return;
    }
    const next = sampleOf(status, { atMs, before: row.from, last });
    if (!next) return;
    row.samples = withSamples(row.samples, [next]);
    row.from = status;
    rows.delete(place);
    rows.set(place, row);
    for (const oldest of [...rows.keys()].slice(0, Math.max(0, rows.size - MOST_SAMPLED)))
      rows.delete(oldest);
  }

  function catchUp(place: string): void {
    waiting.delete(place);
    const blueGreen = seen.get(place);
    if (!blueGreen || rows.get(place)?.from === blueGreen.status) return;
    sample(place, blueGreen);
    tell(place);
  }

  return {
    saw(blueGreen) {
      const place = placeOf(blueGreen);
      seen.set(place, blueGreen);
      sample(place, blueGreen);
      tell(place);
    },
    gone(blueGreen) {
      const place = placeOf(blueGreen);
      // One that was made anew may have been seen before the old one's end.
      if (seen.get(place)?.uid !== blueGreen.uid) return;
      seen.delete(place);
      rows.delete(place);
      tell(place);
    },
    heard(isHeard) {
      const was = deafSinceMs === undefined;
      deafSinceMs = isHeard ? undefined : (deafSinceMs ?? now());
      if (was !== isHeard) tell();
    },
    all: () => [...seen.values()].sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1)),
    one: (place) => seen.get(place),
    samplesAfter(place, after) {
      const { epoch, samples } = rows.get(place) ?? { epoch: '', samples: [] };
      const [of, seq = ''] = after.split('.');
      const isWhole = epoch === '' || of !== epoch;
      const list = isWhole ? samples : samples.filter((one) => one.seq > Number(seq));
      return { isWhole, list, mark: `${epoch}.${samples.at(-1)?.seq ?? 0}` };
    },
    deafSinceMs: () => deafSinceMs,
    listen(place, changed) {
      listeners.set(changed, place);
      return () => void listeners.delete(changed);
    },
  };
}
