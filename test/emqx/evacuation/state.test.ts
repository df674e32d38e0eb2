import { describe, expect, it } from '@jest/globals';
import { defaultOptions, evolve, isRefusing, type Evacuation, type Options, type Outcome } from './state.js';

const options: Options = {
  ...defaultOptions,
  waitHealthCheck: 2,
  connEvictRate: 2,
  sessEvictRate: 3,
  waitTakeover: 4,
};
const counts = { connected: 5, sessions: 7 };

function at(state: Exclude<Evacuation['state'], 'disabled'>): Evacuation {
  return { state, options, initial: counts, current: counts };
}

function due(now: Evacuation, connected: number, sessions: number, hasRecipients = true): Outcome {
  return evolve(now, { kind: 'due', counts: { connected, sessions }, hasRecipients });
}

describe('evacuation', () => {
  it.each([
    {
      when: 'clients are left',
      from: at('evicting_conns'),
      connected: 5,
      sessions: 7,
      state: 'evicting_conns',
      act: { kind: 'evict', atMost: 2 },
      dueInMs: 1_000,
    },
    {
      when: 'the health check wait is over',
      from: at('waiting_health_check'),
      connected: 5,
      sessions: 7,
      state: 'evicting_conns',
      act: { kind: 'evict', atMost: 2 },
      dueInMs: 1_000,
    },
    {
      when: 'no client is left',
      from: at('evicting_conns'),
      connected: 0,
      sessions: 7,
      state: 'waiting_takeover',
      act: { kind: 'none' },
      dueInMs: 4_000,
    },
    {
      when: 'nothing at all is left',
      from: at('evicting_conns'),
      connected: 0,
      sessions: 0,
      state: 'waiting_takeover',
      act: { kind: 'none' },
      dueInMs: 4_000,
    },
    {
      when: 'the takeover wait is over',
      from: at('waiting_takeover'),
      connected: 0,
      sessions: 7,
      state: 'evicting_sessions',
      act: { kind: 'move', atMost: 3 },
      dueInMs: 1_000,
    },
    {
      when: 'the takeover wait is over and no session is left',
      from: at('waiting_takeover'),
      connected: 0,
      sessions: 0,
      state: 'prohibiting',
      act: { kind: 'none' },
      dueInMs: undefined,
    },
    {
      when: 'no session is left',
      from: at('evicting_sessions'),
      connected: 0,
      sessions: 0,
      state: 'prohibiting',
      act: { kind: 'none' },
      dueInMs: undefined,
    },
    {
      when: 'it is over',
      from: at('prohibiting'),
      connected: 0,
      sessions: 0,
      state: 'prohibiting',
      act: { kind: 'none' },
      dueInMs: undefined,
    },
  ])('when $when, goes to $state', ({ from, connected, sessions, state, act, dueInMs }) => {
    const outcome = due(from, connected, sessions);
    expect({ state: outcome.next.state, act: outcome.act, dueInMs: outcome.dueInMs }).toEqual({
      state,
      act,
      dueInMs,
    });
  });

  it('waits 30 s when nobody can take the sessions', () => {
    expect(due(at('evicting_sessions'), 0, 7, false)).toMatchObject({
      act: { kind: 'none' },
      dueInMs: 30_000,
      next: { state: 'evicting_sessions' },
    });
  });

  it('shows the count before each eviction, and the initial sessions until they are moved', () => {
    const first = due(at('evicting_conns'), 4, 7).next;
    expect(first).toMatchObject({ current: { connected: 4, sessions: 7 } });
    const waiting = due(first, 0, 6).next;
    expect(waiting).toMatchObject({ state: 'waiting_takeover', current: { connected: 0, sessions: 7 } });
    expect(due(waiting, 0, 6).next).toMatchObject({
      initial: counts,
      current: { connected: 0, sessions: 6 },
    });
  });

  it('starts with the health check wait, resumes without it', () => {
    expect(evolve({ state: 'disabled' }, { kind: 'start', options, counts })).toMatchObject({
      next: { state: 'waiting_health_check' },
      dueInMs: 2_000,
    });
    expect(evolve({ state: 'disabled' }, { kind: 'resume', options, counts })).toMatchObject({
      next: { state: 'evicting_conns' },
      dueInMs: 0,
    });
  });

  it.each([
    'waiting_health_check',
    'evicting_conns',
    'waiting_takeover',
    'evicting_sessions',
    'prohibiting',
  ] as const)('stops in %s', (state) => {
    expect(evolve(at(state), { kind: 'stop' })).toEqual({
      next: { state: 'disabled' },
      act: { kind: 'none' },
      dueInMs: undefined,
    });
  });

  it('refuses clients from evicting_conns on', () => {
    const states = [
      'waiting_health_check',
      'evicting_conns',
      'waiting_takeover',
      'evicting_sessions',
      'prohibiting',
    ] as const;
    expect(states.map((state) => isRefusing(at(state)))).toEqual([false, true, true, true, true]);
    expect(isRefusing({ state: 'disabled' })).toBe(false);
  });
});
