import { describe, expect, it } from '@jest/globals';
import { drainSpanIdOf } from '../../lib/telemetry/traceparent.js';
import { drainSpan, type EndedDrain } from '../../sidecar/drain-span.js';

const pod = { namespace: 'mq', name: 'emqx-b-0', uid: 'b0' };
const upgrade = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
const drain = (change: Partial<EndedDrain> = {}): EndedDrain => ({
  upgrade,
  boot: 'boot-1',
  ...{ beganMs: 1_000, endedMs: 9_000 },
  counts: { clients: 70, sessions: 90 },
  gate: { kind: 'drained' },
  states: [
    { state: 'evicting_conns', at: new Date(2_000).toISOString(), clients: 60, sessions: 90 },
    { state: 'prohibiting', at: new Date(9_100).toISOString(), clients: 0, sessions: 0 },
  ],
  ...change,
});

describe("the span of a node's drain", () => {
  it('says what there was to do, and how far it was in each state', () => {
    expect(drainSpan(pod, drain())).toEqual({
      ...{ traceId: upgrade.traceId, spanId: expect.any(String), parentSpanId: drainSpanIdOf(upgrade, 'b0') },
      ...{ name: 'evacuation', kind: 'internal', scope: 'sluice.dev/sidecar', startMs: 1_000, endMs: 9_000 },
      attributes: {
        'k8s.namespace.name': 'mq',
        'k8s.pod.name': 'emqx-b-0',
        'k8s.pod.uid': 'b0',
        'sluice.drain.clients': 70,
        'sluice.drain.sessions': 90,
      },
      events: [
        {
          name: 'evicting_conns',
          atMs: 2_000,
          attributes: { 'sluice.drain.clients': 60, 'sluice.drain.sessions': 90 },
        },
        // seen a moment after the gate had
        {
          name: 'prohibiting',
          atMs: 9_000,
          attributes: { 'sluice.drain.clients': 0, 'sluice.drain.sessions': 0 },
        },
      ],
    });
  });

  it('is the same again, and another one for another start of EMQX', () => {
    const { spanId } = drainSpan(pod, drain());
    expect(spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(drainSpan(pod, drain()).spanId).toBe(spanId);
    expect(drainSpan(pod, drain({ boot: 'boot-2' })).spanId).not.toBe(spanId);
  });

  it('counts nothing where EMQX has no evacuation', () => {
    const span = drainSpan(pod, drain({ states: [], counts: { clients: 0, sessions: 0 } }));
    expect(Object.keys(span.attributes).filter((name) => name.startsWith('sluice.'))).toEqual([]);
    expect(span.events).toEqual([]);
  });

  it('does not end before it began, whatever the clock did', () => {
    expect(drainSpan(pod, drain({ endedMs: 500 }))).toMatchObject({ startMs: 1_000, endMs: 1_000 });
  });

  it.each([
    {
      gate: { kind: 'gaveUp', detail: 'no other node can take sessions', sessionsLost: 7 } as const,
      error: '7 sessions lost: no other node can take sessions',
      attributes: { 'error.type': 'gaveUp', 'sluice.drain.sessions_lost': 7 },
    },
    {
      gate: { kind: 'draining', detail: 'evicting_conns: 3 clients left' } as const,
      error: 'the pod stopped before its node was drained: evicting_conns: 3 clients left',
      attributes: { 'error.type': 'stopped' },
    },
  ])('tells that it $gate.kind', ({ gate, ...expected }) => {
    expect(drainSpan(pod, drain({ gate }))).toMatchObject(expected);
  });
});
