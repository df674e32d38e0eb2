import { describe, expect, it } from '@jest/globals';
import { MessageLedger } from './ledger.js';

/** `c2` arrives on connection 2, `d2` likewise with DUP; `r` is repeated by its publisher, `a` acknowledged. */
function book(events: string): MessageLedger {
  const ledger = new MessageLedger(1);
  const sequence = ledger.publish(0);
  for (const event of events.split(' ').filter(Boolean)) {
    const connection = Number(event.slice(1));
    if (event === 'a') ledger.acknowledge(0, sequence);
    else if (event === 'r') ledger.repeat(0, sequence);
    else ledger.arrive({ subscriber: 0, sequence, isDup: event.startsWith('d'), connection });
  }
  return ledger;
}

describe('MessageLedger', () => {
  it.each<{ when: string; events: string; lost?: number; duplicated?: number; redelivered?: number }>([
    { when: 'it arrives once', events: 'a c1' },
    { when: 'it arrives before its PUBACK', events: 'c1 a' },
    { when: 'it was acknowledged and never arrives', events: 'a', lost: 1 },
    { when: 'it was never acknowledged, nobody promised it', events: '' },
    { when: 'it arrives first as a DUP, on the next connection', events: 'a d2' },
    { when: 'a DUP follows on the next connection', events: 'a c1 d2', redelivered: 1 },
    { when: 'a DUP follows on the same connection', events: 'a c1 d1', duplicated: 1 },
    { when: 'a copy without DUP follows', events: 'a c1 c1', duplicated: 1 },
    { when: 'a copy without DUP follows on the next connection', events: 'a c1 c2', duplicated: 1 },
    { when: 'it was sent twice and arrives twice', events: 'r a c1 c1', redelivered: 1 },
    {
      when: 'it was sent twice and arrives three times',
      events: 'r a c1 c1 c1',
      redelivered: 1,
      duplicated: 1,
    },
    { when: 'it was sent twice, and both copies come again', events: 'r a c1 c1 d2 d2', redelivered: 3 },
  ])('$when', ({ events, lost = 0, duplicated = 0, redelivered = 0 }) => {
    expect(book(events).totals()).toMatchObject({ lost, duplicated, redelivered });
  });

  it('knows what is still on its way', () => {
    const ledger = book('a');
    expect(ledger.outstanding).toBe(1);
    ledger.arrive({ subscriber: 0, sequence: 0, isDup: false, connection: 1 });
    expect(ledger.outstanding).toBe(0);
  });

  it('refuses an arrival of what nobody sent', () => {
    expect(() => book('').arrive({ subscriber: 0, sequence: 7, isDup: false, connection: 1 })).toThrow(
      RangeError,
    );
  });
});
