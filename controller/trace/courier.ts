import type { Tracing } from '../../lib/telemetry/tracing.js';
import type { BlueGreenStatus } from '../../lib/types.js';
import { rootIdOf, spansOf, type Subject, type TracedRecord } from './spans.js';

/** Brings the traces of upgrades to their receiver, from what their records in the status say. */
export interface Courier {
  /**
   * Sends what the records tell and the receiver has not acknowledged yet. It returns at once and never fails; what could not be sent is
   * sent at a later look. Nothing waits in memory but which spans were acknowledged: the records are the queue.
   * @param status as stored: what is told twice must be the same twice
   * @returns after how many milliseconds another look is worth it; Infinity: when the records have changed
   */
  look(key: string, subject: Subject, status: Partial<Pick<BlueGreenStatus, 'upgrade' | 'history'>>): number;
  /** Whether the whole trace of an ended upgrade has been acknowledged; undefined where none of it is sent, for it is not sampled. */
  hasBrought(key: string, record: TracedRecord): boolean | undefined;
  forget(key: string): void;
}

interface Errand {
  acknowledged: Set<string>;
  isUnderWay: boolean;
  failures: number;
  notBeforeMs: number;
}

/** A receiver answers within milliseconds. */
const ANSWER_MS = 500;
const BACKOFF_MS = { first: 1_000, most: 60_000 };

/** @param now milliseconds of any clock that goes forward */
export function makeCourier(tracing: Pick<Tracing, 'send' | 'isSampled'>, now: () => number): Courier {
  const errands = new Map<string, Errand>();

  function errandOf(key: string): Errand {
    const errand = errands.get(key) ?? {
      acknowledged: new Set<string>(),
      ...{ isUnderWay: false, failures: 0, notBeforeMs: 0 },
    };
    errands.set(key, errand);
    return errand;
  }

  return {
    look(key, subject, { upgrade, history = [] }) {
      const errand = errandOf(key);
      const records: TracedRecord[] = [...(upgrade ? [upgrade] : []), ...history];
      const spans = records
        .filter(({ id, traced }) => traced === false && tracing.isSampled(id))
        .flatMap((record) => spansOf(record, subject));
      const ids = new Set(spans.map(({ spanId }) => spanId));
      for (const id of errand.acknowledged) if (!ids.has(id)) errand.acknowledged.delete(id);
      if (errand.isUnderWay) return ANSWER_MS;
      const left = spans.filter(({ spanId }) => !errand.acknowledged.has(spanId));
      if (left.length === 0) return Infinity;
      if (now() < errand.notBeforeMs) return errand.notBeforeMs - now();
      errand.isUnderWay = true;
      tracing
        .send(left)
        .then(
          () => {
            for (const { spanId } of left) errand.acknowledged.add(spanId);
            errand.failures = 0;
          },
          () => {
            errand.failures += 1;
            const waitMs = Math.min(BACKOFF_MS.first * 2 ** (errand.failures - 1), BACKOFF_MS.most);
            errand.notBeforeMs = now() + waitMs;
          },
        )
        .finally(() => (errand.isUnderWay = false));
      return ANSWER_MS;
    },
    hasBrought: (key, record) =>
      tracing.isSampled(record.id)
        ? errands.get(key)?.acknowledged.has(rootIdOf(record)) === true
        : undefined,
    forget: (key) => void errands.delete(key),
  };
}
