import { expect, it } from '@jest/globals';
import type { DrainSettings } from '../../../lib/control.js';
import { evacuationBody } from '../../../lib/emqx/evacuation-body.js';

const settings: DrainSettings = {
  connEvictRate: 7,
  sessEvictRate: 8,
  waitTakeover: 0,
  waitHealthCheck: 3,
  noRecipientSeconds: 40,
  withoutEvacuation: 'Refuse',
  recipients: [],
};
const rates = { conn_evict_rate: 7, sess_evict_rate: 8 };

it.each([
  { version: '5.0.4', body: { ...rates, wait_takeover: 1 } },
  { version: '5.1.0', body: { ...rates, wait_takeover: 1, wait_health_check: 3 } },
  { version: '5.1.1', body: { ...rates, wait_takeover: 0, wait_health_check: 3 } },
  { version: '6.0.0-rc.1', body: { ...rates, wait_takeover: 0, wait_health_check: 3 } },
  { version: undefined, body: { ...rates, wait_takeover: 1 } },
])('$version accepts $body', ({ version, body }) => {
  expect(evacuationBody(settings, version, [])).toEqual(body);
});

it('names recipients only if there are any', () => {
  expect(evacuationBody(settings, '5.8.9', ['emqx@green']).migrate_to).toEqual(['emqx@green']);
});
