import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../lib/json.js';
import { authorizationOfConf, confOf, parseSettings, settingsOfConf } from '../../sidecar/drain-settings.js';

const good = {
  connEvictRate: 100,
  sessEvictRate: 200,
  waitTakeover: 0,
  waitHealthCheck: 5,
  noRecipientSeconds: 40,
  withoutEvacuation: 'Paced',
  recipients: ['emqx@green-0.emqx-headless.mq.svc.cluster.local'],
  staySeconds: 60,
} satisfies JsonObject;

it('are read from a request, written to drain.conf and read back', () => {
  const settings = parseSettings(good);
  const conf = confOf(settings, 18083, 'Basic azpzPQ==');
  expect(settingsOfConf(conf)).toEqual(good);
  expect(conf).toMatch(/^authorization=Basic azpzPQ==\napiPort=18083\n/);
  expect(authorizationOfConf(conf)).toBe('Basic azpzPQ==');
  expect(authorizationOfConf(confOf(settings, 18083, undefined))).toBeUndefined();
});

it('of a controller that does not know of a stay have none', () => {
  const { staySeconds, ...before } = good;
  expect(staySeconds).toBeGreaterThan(0);
  expect(parseSettings(before).staySeconds).toBe(0);
});

const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

it.each([
  { what: 'the trace context of an upgrade', told: traceparent, is: traceparent },
  { what: 'none', told: '', is: '' },
  { what: 'what is none', told: 'key=x\nauthorization=mine', is: '' },
  { what: 'another type', told: 7, is: undefined },
])('are kept with $what', ({ told, is }) => {
  const settings = parseSettings({ ...good, traceparent: told });
  expect(settings.traceparent).toBe(is);
  expect(settingsOfConf(confOf(settings, 18083, undefined))).toEqual(settings);
});

describe('are refused with a message that names the field', () => {
  it.each<[string, JsonObject]>([
    ['connEvictRate', { connEvictRate: 0 }],
    ['connEvictRate', { connEvictRate: 1.5 }],
    ['sessEvictRate', { sessEvictRate: '7' }],
    ['waitTakeover', { waitTakeover: -1 }],
    ['waitHealthCheck', { waitHealthCheck: 1e9 }],
    ['noRecipientSeconds', { noRecipientSeconds: 0 }],
    ['staySeconds', { staySeconds: -1 }],
    ['withoutEvacuation', { withoutEvacuation: 'Whatever' }],
    ['recipients', { recipients: 'emqx@a' }],
    ['recipients', { recipients: ['emqx@a b'] }],
    ['recipients', { recipients: ['emqx@a\nkey=x'] }],
    ['recipients', { recipients: ['emqx@a","b@c'] }],
    ['recipients', { recipients: Array.from({ length: 1001 }, () => 'emqx@a') }],
  ])('%s: %j', (field, differs) => {
    expect(() => parseSettings({ ...good, ...differs })).toThrow(new RegExp(`^${field} must be `));
  });
});
