import { factsOf, isAhead, isIssuedBy, type Pair } from './pair.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Sidecars know this CA from their pods' environment, which lasts as long as the pods do. */
export const CONTROL_CA_DAYS = 30 * 365;
/** Another can never take its place, so it is valid by any clock that an API server would talk to. */
export const CONTROL_CA_BACKDATE_MS = 10 * 365 * DAY_MS;
export const CLIENT_DAYS = 90;
const RENEW_CLIENT_MS = 30 * DAY_MS;

/** The certificates of the sidecars' control port as they are stored. */
export interface ControlState {
  ca?: Pair;
  /** The controller's own. */
  client?: Pair;
}

/** The same, complete. */
export interface ControlMaterial {
  ca: Pair;
  client: Pair;
}

export type ControlStep =
  { kind: 'makeCa' } | { kind: 'issueClient'; ca: Pair } | { kind: 'rest'; material: ControlMaterial };

/** Chooses the next step. Renewal needs no overlap: both the old and the new client certificate are of the one CA. */
export function planControl({ ca, client }: ControlState, nowMs: number): ControlStep {
  if (!ca) return { kind: 'makeCa' };
  if (!client || !isIssuedBy(client.cert, ca.cert)) return { kind: 'issueClient', ca };
  if (isAhead(client.cert, nowMs)) return { kind: 'issueClient', ca };
  if (factsOf(client.cert).notAfterMs - nowMs < RENEW_CLIENT_MS) return { kind: 'issueClient', ca };
  return { kind: 'rest', material: { ca, client } };
}
