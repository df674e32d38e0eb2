import { DRAIN_BOUNDS, MOST_NODES, type DrainNumber } from '../lib/bounds.js';
import type { DrainSettings } from '../lib/control.js';
import { isObject, type Json } from '../lib/json.js';
import { parseTraceparent } from '../lib/telemetry/traceparent.js';

/** Settings that are not what {@link DrainSettings} says; the message names the field and what is allowed. */
export class InvalidSettings extends Error {
  override readonly name = 'InvalidSettings';
}

const POLICIES = ['Refuse', 'Paced', 'None'] as const;
const NODE_NAME = /^[^\s@/"\\=]{1,255}@[^\s@/"\\=]{1,255}$/;

/**
 * Reads settings from the body of a request.
 * @throws InvalidSettings
 */
export function parseSettings(raw: Json): DrainSettings {
  if (!isObject(raw)) throw new InvalidSettings('the body must be a JSON object');
  const number = (name: DrainNumber) => numberOf(name, raw[name]);
  return {
    connEvictRate: number('connEvictRate'),
    sessEvictRate: number('sessEvictRate'),
    waitTakeover: number('waitTakeover'),
    waitHealthCheck: number('waitHealthCheck'),
    noRecipientSeconds: number('noRecipientSeconds'),
    withoutEvacuation: policyOf(raw['withoutEvacuation']),
    recipients: recipientsOf(raw['recipients']),
    // A controller of before, or the first settings of a pod, do not name it.
    staySeconds: raw['staySeconds'] === undefined ? 0 : number('staySeconds'),
    ...traceOf(raw['traceparent']),
  };
}

/**
 * Reads settings from the lines of `drain.conf`, other lines left aside.
 * @throws InvalidSettings
 */
export function settingsOfConf(text: string): DrainSettings {
  const values = text.split('\n').map((line): [string, Json] => {
    const [name, value] = splitAt(line);
    if (name === 'recipients') return [name, value.split(' ').filter(Boolean)];
    return [name, name in DRAIN_BOUNDS && value !== '' ? Number(value) : value];
  });
  return parseSettings({ recipients: [], ...Object.fromEntries(values) });
}

/** What `drain.conf` has the gate show EMQX; undefined when there was no key yet. */
export function authorizationOfConf(text: string): string | undefined {
  const values = new Map(text.split('\n').map(splitAt));
  return values.get('authorization');
}

/** Writes `drain.conf`, which the gate reads at each look: `name=value` lines, named as in {@link DrainSettings}, never evaluated. */
export function confOf(settings: DrainSettings, apiPort: number, authorization: string | undefined): string {
  const { recipients, ...others } = settings;
  const values = { apiPort, ...others, recipients: recipients.join(' ') };
  return Object.entries(authorization === undefined ? values : { authorization, ...values })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** One that is none costs a span, and nothing else. */
function traceOf(told: Json | undefined): Pick<DrainSettings, 'traceparent'> {
  if (typeof told !== 'string') return {};
  return { traceparent: parseTraceparent(told) ? told : '' };
}

function splitAt(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, Math.max(at, 0)), line.slice(at + 1)];
}

function numberOf(name: DrainNumber, value: Json | undefined): number {
  const [least, most] = DRAIN_BOUNDS[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InvalidSettings(`${name} must be a whole number from ${least} to ${most}`);
}

function policyOf(value: Json | undefined): DrainSettings['withoutEvacuation'] {
  const found = POLICIES.find((policy) => policy === value);
  if (found) return found;
  throw new InvalidSettings(`withoutEvacuation must be one of ${POLICIES.join(', ')}`);
}

function recipientsOf(value: Json | undefined): string[] {
  if (Array.isArray(value) && value.length <= MOST_NODES && value.every(isNodeName)) return value;
  throw new InvalidSettings(`recipients must be at most ${MOST_NODES} names of EMQX nodes (name@host)`);
}

/** Whether `value` can be the name of an EMQX node. */
export function isNodeName(value: Json | undefined): value is string {
  return typeof value === 'string' && NODE_NAME.test(value);
}
