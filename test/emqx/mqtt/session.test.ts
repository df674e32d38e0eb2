import { describe, expect, it } from '@jest/globals';
import type { Message, Qos } from './message.js';
import { Session, type Delivery, type SessionJson } from './session.js';

const limits = { maxInflight: 2, maxQueue: 3 };

function message(id: string, fields: Partial<Message> = {}): Message {
  return {
    id,
    from: 'p',
    topic: 't',
    payload: Buffer.from(id),
    qos: 1,
    retain: false,
    at: 0,
    expiresAt: undefined,
    properties: undefined,
    ...fields,
  };
}

function delivery(id: string, qos: Qos = 1, fields: Partial<Message> = {}): Delivery {
  return { message: message(id, fields), qos, retain: false, subscriptionId: undefined };
}

function ids(outgoing: readonly Delivery[]): string[] {
  return outgoing.map(({ message: { id } }) => id);
}

describe('session', () => {
  it('sends as much as the window has room for, and more after each acknowledgement', () => {
    const session = new Session('c', limits, 0);
    for (const id of ['a', 'b', 'c']) session.enqueue(delivery(id));
    const sent = session.take(0);
    expect(ids(sent)).toEqual(['a', 'b']);
    expect(ids(session.take(0))).toEqual([]);
    expect(session.acknowledge(sent[0]!.packetId!)).toBe(true);
    expect(session.acknowledge(sent[0]!.packetId!)).toBe(false);
    expect(ids(session.take(0))).toEqual(['c']);
  });

  it("keeps to the client's receive maximum", () => {
    const session = new Session('c', limits, 0);
    session.receiveMaximum = 1;
    for (const id of ['a', 'b']) session.enqueue(delivery(id));
    expect(ids(session.take(0))).toEqual(['a']);
  });

  it('sends again, marked, what was not acknowledged, with the packet ids it had', () => {
    const session = new Session('c', limits, 0);
    session.enqueue(delivery('a'));
    const [sent] = session.take(0);
    expect(session.resume().again).toMatchObject([
      { packetId: sent?.packetId, dup: true, message: { id: 'a' } },
    ]);
  });

  it('releases QoS 2 only once', () => {
    const session = new Session('c', limits, 0);
    session.enqueue(delivery('a', 2));
    const { packetId = 0 } = session.take(0)[0]!;
    expect(session.release(packetId)).toBe(true);
    expect(session.resume()).toEqual({ again: [], releases: [packetId] });
    expect(session.receive(9)).toBe(true);
    expect(session.receive(9)).toBe(false);
    expect(session.complete(9)).toBe(true);
  });

  it('drops the oldest when the queue is full, and what has expired', () => {
    const session = new Session('c', limits, 0);
    for (const id of ['a', 'b', 'c', 'd'])
      session.enqueue(delivery(id, 1, id === 'c' ? { expiresAt: 5 } : {}));
    expect(session.dropped).toBe(1);
    expect(ids(session.take(10))).toEqual(['b', 'd']);
  });

  it('moves with all it holds, and drops what came over both nodes', () => {
    const old = new Session('c', { maxInflight: 1, maxQueue: 10 }, 0);
    old.expirySeconds = Infinity;
    old.disconnectedAt = 5;
    for (const id of ['a', 'b', 'c']) old.enqueue(delivery(id));
    old.take(0);
    const fresh = new Session('c', { maxInflight: 10, maxQueue: 10 }, 0);
    fresh.watchDoubles();
    for (const id of ['c', 'd', 'd']) fresh.enqueue(delivery(id));
    fresh.fill(JSON.parse(JSON.stringify(old.toJson())) as SessionJson);
    expect(ids(fresh.resume().again)).toEqual(['a']);
    expect(ids(fresh.take(0))).toEqual(['b', 'c', 'd']);
    expect(fresh.enqueue(delivery('b'))).toBe(false);
    expect(fresh).toMatchObject({ expirySeconds: Infinity, disconnectedAt: 5 });
  });

  it('ends its expiry after the disconnect', () => {
    const session = new Session('c', limits, 0);
    session.expirySeconds = 10;
    expect(session.endsAt).toBeUndefined();
    session.disconnectedAt = 1_000;
    expect(session.endsAt).toBe(11_000);
  });
});
