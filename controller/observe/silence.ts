import type { Logger } from '../../lib/log.js';

/** Notes which sidecars are heard, and logs each cause of a silence once until the sidecar is heard again. */
export interface Silence {
  heard(pod: string): void;
  silent(pod: string, cause: unknown): void;
}

/** What may be remembered before it starts afresh; a cause is then logged once more. */
const LIMIT = 5_000;

/** A sidecar that knows another control CA closes the connection in the handshake, and says no more than that. */
const HINT =
  'a connection that is closed at once (ECONNRESET) may mean that the pod knows another control CA: restore its Secret, or make a new revision';

export function makeSilence(log: Pick<Logger, 'warn'>): Silence {
  const told = new Map<string, string>();
  return {
    heard: (pod) => void told.delete(pod),
    silent(pod, cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      if (told.get(pod) === message) return;
      if (told.size >= LIMIT) told.clear();
      told.set(pod, message);
      log.warn({ pod, err: cause, hint: HINT }, 'a sidecar cannot be heard');
    },
  };
}
