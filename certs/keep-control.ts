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
  /** What this process knows them to be, from an earlier pass. */
  known?: ControlMaterial | undefined;
  /** A StatefulSet that runs sidecars, as `namespace/name`: they know the CA that they were made with, and no other. */
  findUser: (signal: AbortSignal) => Promise<string | undefined>;
}

/** Somebody asks for another CA though sidecars run that will not know it: this key of the Secret has the value `true`. */
const NEW_CA = 'new-ca';

const MOST_STEPS = 10;

/**
 * One pass over the certificates of the sidecars' control port: makes or renews what is due.
 * @returns what is current
 * @throws Error when the API server refuses, others kept changing the Secret, what it holds is no CA, or it is gone though sidecars run:
 * they know the one that was there. One that is gone is written again by whoever knows it, and made anew where no sidecar runs
 */
export async function keepControl(options: ControlOptions, signal: AbortSignal): Promise<ControlMaterial> {
  const { secrets, controlSecret, now, known } = options;
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    const stored = await secrets.read(controlSecret, signal);
    const step = planControl(parseControl(controlSecret, stored), now());
    switch (step.kind) {
      case 'makeCa': {
        if (!stored && known) {
          await secrets.write(controlSecret, dataOf(known), stored, signal);
          break;
        }
        const user = stored ? undefined : await options.findUser(signal);
        if (user !== undefined) throw new Error(whyNoCa(controlSecret, user));
        const life = { nowMs: now(), days: CONTROL_CA_DAYS, backdateMs: CONTROL_CA_BACKDATE_MS };
        const ca = await makeCa('sluice control', life);
        await secrets.write(controlSecret, { 'ca.crt': ca.cert, 'ca.key': ca.key }, stored, signal);
        break;
      }
      case 'issueClient': {
        const usage = { kind: 'client', name: 'sluice-controller' } as const;
        const client = await issue(step.ca, usage, { nowMs: now(), days: CLIENT_DAYS });
        await secrets.write(controlSecret, dataOf({ ca: step.ca, client }), stored, signal);
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

function dataOf({ ca, client }: ControlMaterial): Record<string, string> {
  return { 'ca.crt': ca.cert, 'ca.key': ca.key, 'tls.crt': client.cert, 'tls.key': client.key };
}

function whyNoCa(secret: string, user: string): string {
  return (
    `secret ${secret} is gone, and sidecars run (such as those of StatefulSet ${user}) that know no other CA than the one in it: put it ` +
    `back from a backup. Without one, kubectl create secret generic ${secret} --from-literal=${NEW_CA}=true has another CA made; pods that ` +
    'run already go on and drain when they are deleted, but do not know it'
  );
}

function parseControl(name: string, stored: StoredSecret | undefined): ControlState {
  if (!stored || stored.data[NEW_CA] === 'true') return {};
  const ca = asPair(stored.data['ca.crt'], stored.data['ca.key']);
  if (!ca) {
    throw new Error(
      `secret ${name} has no readable CA (ca.crt with its ca.key) and is left as it is; restore it, or delete it: ` +
        'a controller that knows the CA still writes it again, and without any sidecar another one is made',
    );
  }
  const client = asPair(stored.data['tls.crt'], stored.data['tls.key']);
  return { ca, ...(client ? { client } : {}) };
}
