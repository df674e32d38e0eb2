import type { Logger } from '../../lib/log.js';
import { SidecarError } from '../sidecars.js';

/** Notes which sidecars are heard, and logs each cause of a silence once until the sidecar is heard again. */
export interface Silence {
  /** @param pod `namespace/name` */
  heard(pod: string): void;
  /** @returns whether the sidecar has turned the controller away so often in a row that it was no connection lost by chance */
  silent(pod: string, cause: unknown): boolean;
}

/** What may be remembered before it starts afresh; a cause is then logged once more. */
const LIMIT = 5_000;

/** A program that dies between handshake and answer looks the same once; the next attempt finds nobody there. */
const SURE_AFTER = 3;

const HINT =
  'the sidecar does not take the certificate of the controller: it was started with another control CA; bring back the Secret of the control CA as it was then';

/** @param onSilence called each time that one is not heard */
export function makeSilence(log: Pick<Logger, 'warn'>, onSilence: (cause: unknown) => void): Silence {
  const told = new Map<string, string>();
  const turnedAway = new Map<string, number>();
  return {
    heard(pod) {
      told.delete(pod);
      turnedAway.delete(pod);
    },
    silent(pod, cause) {
      onSilence(cause);
      if (told.size >= LIMIT || turnedAway.size >= LIMIT) {
        told.clear();
        turnedAway.clear();
      }
      const isTurnedAway = cause instanceof SidecarError && cause.isTurnedAway;
      const times = isTurnedAway ? (turnedAway.get(pod) ?? 0) + 1 : 0;
      turnedAway.set(pod, times);
      const hint = times >= SURE_AFTER ? HINT : undefined;
      const message = `${cause instanceof Error ? cause.message : String(cause)} ${hint ?? ''}`;
      if (told.get(pod) !== message) {
        told.set(pod, message);
        const [namespace = '', name = ''] = pod.split('/');
        log.warn({ namespace, pod: name, err: cause, hint }, 'a sidecar cannot be heard');
      }
      return times >= SURE_AFTER;
    },
  };
}
