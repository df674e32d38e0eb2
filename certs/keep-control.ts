import { unreachable } from '../lib/unreachable.js';
import {
  CLIENT_DAYS,
  CONTROL_CA_BACKDATE_MS,
  CONTROL_CA_DAYS,
  planControl,
  type ControlMaterial,
  type ControlState,
} from './control.js';
import { issue, makeCa } from './issue.js';
import { asPair } from './pair.js';
import type { SecretStore, StoredSecret } from './secrets.js';

export interface ControlOptions {
  secrets: SecretStore;
  /** Secret with `ca.crt`, `ca.key`, `tls.crt` and `tls.key`, for the controller alone. */
  controlSecret: string;
  /** Milliseconds since 1970, as the wall clock has it now: others judge certificates by theirs. */
  now: () => number;
}

const MOST_STEPS = 10;

/**
 * One pass over the certificates of the sidecars' control port: makes or renews what is due.
 * @returns what is current
 * @throws Error when the API server refuses, others kept changing the Secret, or what it holds is no CA: running
 * sidecars may know the one that was there, so only a Secret that is missing is made
 */
export async function keepControl(options: ControlOptions, signal: AbortSignal): Promise<ControlMaterial> {
  const { secrets, controlSecret, now } = options;
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    const stored = await secrets.read(controlSecret, signal);
    const step = planControl(parseControl(controlSecret, stored), now());
    switch (step.kind) {
      case 'makeCa': {
        const life = { nowMs: now(), days: CONTROL_CA_DAYS, backdateMs: CONTROL_CA_BACKDATE_MS };
        const ca = await makeCa('sluice control', life);
        await secrets.write(controlSecret, { 'ca.crt': ca.cert, 'ca.key': ca.key }, stored, signal);
        break;
      }
      case 'issueClient': {
        const usage = { kind: 'client', name: 'sluice-controller' } as const;
        const client = await issue(step.ca, usage, { nowMs: now(), days: CLIENT_DAYS });
        const data = {
          'ca.crt': step.ca.cert,
          'ca.key': step.ca.key,
          'tls.crt': client.cert,
          'tls.key': client.key,
        };
        await secrets.write(controlSecret, data, stored, signal);
        break;
      }
      case 'rest':
        return step.material;
      default:
        unreachable(step);
    }
  }
  throw new Error(`secret ${controlSecret} was changed by others all the time`);
}

function parseControl(name: string, stored: StoredSecret | undefined): ControlState {
  if (!stored) return {};
  const ca = asPair(stored.data['ca.crt'], stored.data['ca.key']);
  if (!ca) {
    throw new Error(
      `secret ${name} has no readable CA (ca.crt with its ca.key) and is left as it is; restore it, or delete it to ` +
        'have another made, which sidecars that run already will not know',
    );
  }
  const client = asPair(stored.data['tls.crt'], stored.data['tls.key']);
  return { ca, ...(client ? { client } : {}) };
}
