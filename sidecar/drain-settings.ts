import type { DrainSettings } from '../lib/control.js';
import { isObject, type Json } from '../lib/json.js';

/** Settings that are not what {@link DrainSettings} says; the message names the field and what is allowed. */
export class InvalidSettings extends Error {
  override readonly name = 'InvalidSettings';
}

/** Names in `drain.conf` are those of {@link DrainSettings}. */
type NumberName =
  'connEvictRate' | 'sessEvictRate' | 'waitTakeover' | 'waitHealthCheck' | 'noRecipientSeconds';

/** Smallest and greatest: rates at which EMQX would still be asked sensible things, waits of at most one day. */
const BOUNDS: Record<NumberName, readonly [number, number]> = {
  connEvictRate: [1, 1_000_000],
  sessEvictRate: [1, 1_000_000],
  waitTakeover: [0, 86_400],
  waitHealthCheck: [0, 86_400],
  noRecipientSeconds: [1, 86_400],
};
const POLICIES = ['Refuse', 'Paced', 'None'] as const;
const NODE_NAME = /^[^\s@/"\\=]{1,255}@[^\s@/"\\=]{1,255}$/;
const MAX_RECIPIENTS = 1000;

/**
 * Reads settings from the body of a request.
 * @throws InvalidSettings
 */
export function parseSettings(raw: Json): DrainSettings {
  if (!isObject(raw)) throw new InvalidSettings('the body must be a JSON object');
  const number = (name: NumberName) => numberOf(name, raw[name]);
  return {
    connEvictRate: number('connEvictRate'),
    sessEvictRate: number('sessEvictRate'),
    waitTakeover: number('waitTakeover'),
    waitHealthCheck: number('waitHealthCheck'),
    noRecipientSeconds: number('noRecipientSeconds'),
    withoutEvacuation: policyOf(raw['withoutEvacuation']),
    recipients: recipientsOf(raw['recipients']),
  };
}

/**
 * Reads settings from the lines of `drain.conf`, other lines left aside.
 * @throws InvalidSettings
 */
export function settingsOfConf(text: string): DrainSettings {
  const lines = text.split('\n').map((line) => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1)] as const;
  });
  const values = new Map(lines);
  const number = (name: NumberName) => numberOf(name, Number(values.get(name) || NaN));
  return {
    connEvictRate: number('connEvictRate'),
    sessEvictRate: number('sessEvictRate'),
    waitTakeover: number('waitTakeover'),
    waitHealthCheck: number('waitHealthCheck'),
    noRecipientSeconds: number('noRecipientSeconds'),
    withoutEvacuation: policyOf(values.get('withoutEvacuation')),
    recipients: recipientsOf((values.get('recipients') ?? '').split(' ').filter(Boolean)),
  };
}

/** Writes `drain.conf`, which the gate reads at each look: `name=value` lines, never evaluated. */
export function confOf(
  settings: DrainSettings,
  apiPort: number,
  key: { key: string; secret: string },
): string {
  const authorization = `Basic ${Buffer.from(`${key.key}:${key.secret}`).toString('base64')}`;
  const { recipients, ...others } = settings;
  return Object.entries({ authorization, apiPort, ...others, recipients: recipients.join(' ') })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function numberOf(name: NumberName, value: Json | undefined): number {
  const [least, most] = BOUNDS[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InvalidSettings(`${name} must be a whole number from ${least} to ${most}`);
}

function policyOf(value: Json | undefined): DrainSettings['withoutEvacuation'] {
  const found = POLICIES.find((policy) => policy === value);
  if (found) return found;
  throw new InvalidSettings(`withoutEvacuation must be one of ${POLICIES.join(', ')}`);
}

function recipientsOf(value: Json | undefined): string[] {
  if (Array.isArray(value) && value.length <= MAX_RECIPIENTS && value.every(isNodeName)) return value;
  throw new InvalidSettings(`recipients must be at most ${MAX_RECIPIENTS} names of EMQX nodes (name@host)`);
}

/** Whether `value` can be the name of an EMQX node. */
export function isNodeName(value: Json | undefined): value is string {
  return typeof value === 'string' && NODE_NAME.test(value);
}
