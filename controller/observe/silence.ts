import type { Logger } from '../../lib/log.js';
import { SidecarError } from '../sidecars.js';

/** Notes which sidecars are heard, and logs each cause of a silence once until the sidecar is heard again. */
export interface Silence {
  heard(pod: string): void;
  silent(pod: string, cause: unknown): void;
}

/** What may be remembered before it starts afresh; a cause is then logged once more. */
const LIMIT = 5_000;

const HINT =
  'the sidecar does not take the certificate of the controller: it was started with another control CA; bring back the Secret of the control CA as it was then';

export function makeSilence(log: Pick<Logger, 'warn'>): Silence {
  const told = new Map<string, string>();
  return {
    heard: (pod) => void told.delete(pod),
    silent(pod, cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      if (told.get(pod) === message) return;
      if (told.size >= LIMIT) told.clear();
      told.set(pod, message);
      const hint = cause instanceof SidecarError && cause.isTurnedAway ? { hint: HINT } : {};
      log.warn({ pod, err: cause, ...hint }, 'a sidecar cannot be heard');
    },
  };
}
