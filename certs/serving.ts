import { BACKDATE_MS } from './issue.js';
import { factsOf, isAhead, isIssuedBy, type Pair } from './pair.js';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

export const SERVING_DAYS = 90;
export const SERVING_CA_DAYS = 730;
/** With this left, the next one is made: time enough for a controller that was away for weeks. */
const RENEW_SERVING_MS = 30 * DAY_MS;
/** More than a serving certificate's whole life, so that none is ever cut short by its CA. */
const RENEW_CA_MS = 180 * DAY_MS;
/**
 * How long everybody is given to notice a change: API servers a new bundle (seconds), webhooks a new certificate
 * (half a minute), kubelets a new version of a mounted Secret (two minutes).
 */
export const SETTLE_MS = HOUR_MS;

/** The webhook's certificates as they are stored. */
export interface ServingState {
  /** The CA that signs; absent before the first. */
  ca?: Pair;
  /** Earlier CAs (PEM certificates) that API servers must still trust. */
  previousCas: string[];
  /** What the webhook shows; absent before the first. */
  serving?: Pair;
  /** By which the webhook knows API servers that ask about Scales. A new one comes with each certificate. */
  scaleToken?: string;
  /** The one before, which the webhook takes too while it is here. */
  previousScaleToken?: string;
}

export type ServingStep =
  /** Make a CA; the one before joins the previous ones. Nothing is signed with it before everybody trusts it. */
  | { kind: 'makeCa' }
  /** Issue a serving certificate with the CA. */
  | { kind: 'issue'; because: string }
  /** Put a token beside a certificate that has none. */
  | { kind: 'makeScaleToken' }
  /** Everybody shows certificates of the present CA: the earlier ones need no trust any more. */
  | { kind: 'forgetPreviousCas' }
  /** Nobody asks by the earlier token any more. */
  | { kind: 'forgetPreviousScaleToken' }
  | { kind: 'rest' };

/**
 * Chooses the next step so that at every moment, and for any order in which API servers and webhooks notice a
 * change, the certificate shown is one that the bundle vouches for.
 */
export function planServing(state: ServingState, dnsNames: string[], nowMs: number): ServingStep {
  const { ca, serving, previousCas, scaleToken, previousScaleToken } = state;
  if (!ca || isAhead(ca.cert, nowMs) || leftMs(ca.cert, nowMs) < RENEW_CA_MS) return { kind: 'makeCa' };
  if (!serving) return { kind: 'issue', because: 'there is none' };
  if (isAhead(serving.cert, nowMs)) return { kind: 'issue', because: 'it is not valid yet' };

  const isCurrent = isIssuedBy(serving.cert, ca.cert);
  const isTrusted =
    isCurrent ||
    previousCas.some((previous) => !isAhead(previous, nowMs) && isIssuedBy(serving.cert, previous));
  if (!isTrusted) return { kind: 'issue', because: 'no CA of ours has signed it' };
  const names = new Set(factsOf(serving.cert).dnsNames);
  if (!dnsNames.every((name) => names.has(name))) return { kind: 'issue', because: 'it lacks a name' };
  if (scaleToken === undefined) return { kind: 'makeScaleToken' };

  const left = leftMs(serving.cert, nowMs);
  if (left < SETTLE_MS) return { kind: 'issue', because: 'it ends now' };
  const isCaSettled = ageMs(ca.cert, nowMs) >= SETTLE_MS;
  if (!isCurrent && isCaSettled) return { kind: 'issue', because: 'its CA has a successor' };
  if (left < RENEW_SERVING_MS && isCaSettled) return { kind: 'issue', because: 'it ends soon' };
  if (isCurrent && previousCas.length > 0 && ageMs(serving.cert, nowMs) >= SETTLE_MS) {
    return { kind: 'forgetPreviousCas' };
  }
  if (previousScaleToken !== undefined && ageMs(serving.cert, nowMs) >= 2 * SETTLE_MS) {
    return { kind: 'forgetPreviousScaleToken' };
  }
  return { kind: 'rest' };
}

/** What the API servers are to trust: PEM certificates, one after the other, the newest first. */
export function bundleOf({ ca, previousCas }: ServingState): string {
  return [...(ca ? [ca.cert] : []), ...previousCas].map((cert) => `${cert.trim()}\n`).join('');
}

/** By which API servers are to ask about Scales: a new token only when every webhook has certainly read it. */
export function scaleTokenOf(
  { serving, scaleToken, previousScaleToken }: ServingState,
  nowMs: number,
): string | undefined {
  const isSettled = serving === undefined || ageMs(serving.cert, nowMs) >= SETTLE_MS;
  return isSettled ? scaleToken : (previousScaleToken ?? scaleToken);
}

function leftMs(cert: string, nowMs: number): number {
  return factsOf(cert).notAfterMs - nowMs;
}

/** Since it was made, which is later than it is valid from. */
function ageMs(cert: string, nowMs: number): number {
  return nowMs - factsOf(cert).notBeforeMs - BACKDATE_MS;
}
