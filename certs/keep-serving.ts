import { randomBytes } from 'node:crypto';
import { isScaleToken, PREVIOUS_SCALE_TOKEN_KEY, SCALE_TOKEN_KEY, scalePathOf } from '../lib/scale-path.js';
import { unreachable } from '../lib/unreachable.js';
import { issue, makeCa } from './issue.js';
import { asPair, splitBundle, type Pair } from './pair.js';
import type { Publish, Published } from './publish.js';
import type { SecretStore, StoredSecret } from './secrets.js';
import {
  bundleOf,
  planServing,
  scaleTokenOf,
  SERVING_CA_DAYS,
  SERVING_DAYS,
  type ServingState,
} from './serving.js';

export interface ServingOptions {
  secrets: SecretStore;
  publish: Publish;
  /** Secret of the CA (`ca.crt`, `ca.key`, `previous.crt`), for the controller alone. */
  caSecret: string;
  /** Secret of the serving certificate (`tls.crt`, `tls.key`, its CA as `ca.crt`; `scale.token`, `scale.token.previous`), which the webhook reads. */
  tlsSecret: string;
  /** Names that the API server calls the webhook by. */
  dnsNames: string[];
  /** Milliseconds since 1970, as the wall clock has it now: others judge certificates by theirs. */
  now: () => number;
}

/** The webhook's certificates, complete. */
export interface ServingMaterial {
  ca: Pair;
  serving: Pair;
}

/** More steps than any state needs; a conflict costs one. */
const MOST_STEPS = 10;

/**
 * One pass over the webhook's certificates: makes or renews what is due, and publishes the bundle. The bundle goes
 * out before any certificate that needs it, so a pass may be cut short anywhere and the next one goes on.
 * @returns what is current
 * @throws Error when the API server refuses, or others kept changing the Secrets
 */
export async function keepServing(options: ServingOptions, signal: AbortSignal): Promise<ServingMaterial> {
  const { secrets, publish, caSecret, tlsSecret, dnsNames, now } = options;
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    const [storedCa, storedTls] = [
      await secrets.read(caSecret, signal),
      await secrets.read(tlsSecret, signal),
    ];
    const state = parseState(storedCa, storedTls);
    if (state.ca) await publish(publishedOf(state, now()), signal);
    const step = planServing(state, dnsNames, now());
    switch (step.kind) {
      case 'makeCa': {
        const ca = await makeCa('sluice webhook', { nowMs: now(), days: SERVING_CA_DAYS });
        const previousCas = [...(state.ca ? [state.ca.cert] : []), ...state.previousCas];
        await secrets.write(caSecret, caData(ca, previousCas), storedCa, signal);
        break;
      }
      case 'issue': {
        if (!state.ca) throw new Error('a certificate is planned without a CA');
        const usage = { kind: 'server', dnsNames } as const;
        const { cert, key } = await issue(state.ca, usage, { nowMs: now(), days: SERVING_DAYS });
        const published = scaleTokenOf(state, now());
        const data = {
          'tls.crt': cert,
          'tls.key': key,
          'ca.crt': state.ca.cert,
          [SCALE_TOKEN_KEY]: makeScaleToken(),
          ...(published !== undefined && { [PREVIOUS_SCALE_TOKEN_KEY]: published }),
        };
        await secrets.write(tlsSecret, data, storedTls, signal);
        break;
      }
      case 'makeScaleToken': {
        const data = { ...storedTls?.data, [SCALE_TOKEN_KEY]: makeScaleToken() };
        await secrets.write(tlsSecret, data, storedTls, signal);
        break;
      }
      case 'forgetPreviousScaleToken': {
        const data = { ...storedTls?.data };
        delete data[PREVIOUS_SCALE_TOKEN_KEY];
        await secrets.write(tlsSecret, data, storedTls, signal);
        break;
      }
      case 'forgetPreviousCas':
        if (state.ca) await secrets.write(caSecret, caData(state.ca, []), storedCa, signal);
        break;
      case 'rest':
        return materialOf(state);
      default:
        unreachable(step);
    }
  }
  throw new Error(`secrets ${caSecret} and ${tlsSecret} were changed by others all the time`);
}

/** At rest both are there. */
function materialOf({ ca, serving }: ServingState): ServingMaterial {
  if (!ca || !serving) throw new Error('at rest without a CA or without a certificate');
  return { ca, serving };
}

/**
 * Everything that was a CA of ours stays trusted until it is forgotten on purpose: also one whose key is lost, or
 * that only the serving certificate's Secret remembers.
 */
function parseState(ca: StoredSecret | undefined, tls: StoredSecret | undefined): ServingState {
  const authority = asPair(ca?.data['ca.crt'], ca?.data['ca.key']);
  const serving = asPair(tls?.data['tls.crt'], tls?.data['tls.key']);
  const known = [ca?.data['ca.crt'], ca?.data['previous.crt'], tls?.data['ca.crt']];
  const trusted = new Set(splitBundle(known.join('\n')));
  if (authority) trusted.delete(splitBundle(authority.cert)[0] ?? '');
  const token = tls?.data[SCALE_TOKEN_KEY];
  const previousToken = tls?.data[PREVIOUS_SCALE_TOKEN_KEY];
  return {
    previousCas: [...trusted],
    ...(authority ? { ca: authority } : {}),
    ...(serving ? { serving } : {}),
    ...(isScaleToken(token) ? { scaleToken: token } : {}),
    ...(isScaleToken(previousToken) ? { previousScaleToken: previousToken } : {}),
  };
}

function publishedOf(state: ServingState, nowMs: number): Published {
  const scaleToken = scaleTokenOf(state, nowMs);
  return { bundle: bundleOf(state), ...(scaleToken && { scalePath: scalePathOf(scaleToken) }) };
}

function makeScaleToken(): string {
  return randomBytes(32).toString('hex');
}

function caData(ca: Pair, previousCas: string[]): Record<string, string> {
  return { 'ca.crt': ca.cert, 'ca.key': ca.key, 'previous.crt': previousCas.join('') };
}
