import { describe, expect, it } from '@jest/globals';
import { eventsOf, leaderIn, makeAsked } from '../../../controller/page/ask.js';
import type { JsonObject } from '../../../lib/json.js';

const NOW = Date.parse('2026-01-01T12:00:00Z');

describe('events', () => {
  it('are the latest first, whichever time they have', () => {
    const raw = [
      { type: 'Normal', reason: 'A', message: 'a', lastTimestamp: '2026-01-01T11:00:00Z' },
      {
        type: 'Warning',
        reason: 'B',
        message: 'b',
        lastTimestamp: null,
        metadata: { creationTimestamp: '2026-01-01T11:30:00Z' },
      },
    ];
    expect(eventsOf(raw).map(({ type, reason }) => `${type} ${reason}`)).toEqual(['Warning B', 'Normal A']);
  });

  it('are asked for once in five seconds, however many look, and only those of that BlueGreen', async () => {
    let nowMs = NOW;
    const asked: string[] = [];
    const kube = {
      get: () => Promise.reject(new Error('not asked')),
      list: (path: string, { fieldSelector }: { fieldSelector?: string }) => {
        asked.push(`${path} ${fieldSelector}`);
        return Promise.resolve<JsonObject[]>([]);
      },
    };
    const asking = makeAsked(
      { kube, lease: { namespace: 's', name: 'l' }, now: () => nowMs },
      new AbortController().signal,
    );
    await Promise.all([asking.events('mqtt', 'emqx'), asking.events('mqtt', 'emqx')]);
    expect(asked).toEqual([
      '/api/v1/namespaces/mqtt/events involvedObject.kind=BlueGreen,involvedObject.name=emqx',
    ]);
    nowMs += 5_000;
    await asking.events('mqtt', 'emqx');
    expect(asked).toHaveLength(2);
  });

  it('that cannot be read are none that could be shown', async () => {
    const failing = (): Promise<never> => Promise.reject(new Error('403'));
    const tools = {
      kube: { get: failing, list: failing },
      lease: { namespace: 's', name: 'l' },
      now: () => NOW,
    };
    const asked = makeAsked(tools, new AbortController().signal);
    expect(await asked.events('mqtt', 'emqx')).toBeUndefined();
    expect(await asked.leader()).toBeUndefined();
  });
});

describe('the leader', () => {
  const lease = (renewTime: string): JsonObject => ({
    spec: { holderIdentity: 'b', leaseDurationSeconds: 15, renewTime },
  });
  it('is who holds the Lease, and nobody when it is old', () => {
    expect(leaderIn(lease('2026-01-01T11:59:58.000000Z'), NOW)).toBe('b');
    expect(leaderIn(lease('2026-01-01T11:58:00.000000Z'), NOW)).toBe('');
  });
});
