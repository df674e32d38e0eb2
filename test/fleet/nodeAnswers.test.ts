import { describe, expect, it } from '@jest/globals';
import { NO_EVACUATION, nodesSeen, parseEvacuation, parseNodes } from './nodeAnswers.js';
import type { PodAnswers } from './nodeAnswers.js';
import { isServing } from './observations.js';

const NOW = 100_000;
const nodeOf = (pod: string) => `emqx@${pod}.headless.demo.svc.cluster.local`;

/** `lists` names the pods whose nodes this one calls running. */
function answers(pod: string, lists: string[], changes: Partial<PodAnswers> = {}): PodAnswers {
  const listed = [...new Set([pod, ...lists])].map((name) => ({
    node: nodeOf(name),
    isRunning: lists.includes(name),
    clients: 7,
    sessions: 9,
  }));
  return { pod, answeredMs: NOW - 100, listed, evacuation: NO_EVACUATION, ...changes };
}

const servingOf = (all: PodAnswers[]) =>
  nodesSeen(all, NOW)
    .filter(isServing)
    .map(({ node }) => node.split(/[@.]/)[1]);

describe('who serves', () => {
  const all = ['a', 'b', 'c'];
  it.each<{ when: string; all: PodAnswers[]; serving: string[] }>([
    { when: 'all see each other', all: all.map((pod) => answers(pod, all)), serving: all },
    { when: 'one is alone', all: [answers('a', ['a'])], serving: ['a'] },
    {
      when: 'a fresh node knows only itself',
      all: [answers('a', ['a', 'b']), answers('b', ['a', 'b']), answers('c', ['c'])],
      serving: ['a', 'b'],
    },
    {
      when: 'one refuses connections',
      all: [answers('a', all), answers('b', all), answers('c', all, { answeredMs: -Infinity })],
      serving: ['a', 'b'],
    },
    {
      when: 'one has been silent for 6 s',
      all: [answers('a', all), answers('b', all), answers('c', all, { answeredMs: NOW - 6000 })],
      serving: ['a', 'b'],
    },
    {
      when: 'one is called stopped by the others',
      all: [answers('a', ['a', 'b']), answers('b', ['a', 'b']), answers('c', all)],
      serving: ['a', 'b'],
    },
    {
      when: 'one waits for its health check, and one evicts',
      all: [
        answers('a', all),
        answers('b', all, { evacuation: { ...NO_EVACUATION, state: 'waiting_health_check' } }),
        answers('c', all, { evacuation: { ...NO_EVACUATION, state: 'evicting_conns' } }),
      ],
      serving: ['a', 'b'],
    },
  ])('when $when: $serving', ({ all: heard, serving }) => expect(servingOf(heard)).toEqual(serving));
});

describe('parseNodes', () => {
  it('calls sessions what EMQX calls connections', () => {
    const raw = [
      { node: 'emqx@a', node_status: 'running', connections: 30, live_connections: 20 },
      { node: 'emqx@b', node_status: 'stopped', role: 'core' },
    ];
    expect(parseNodes(raw)).toEqual([
      { node: 'emqx@a', isRunning: true, clients: 20, sessions: 30 },
      { node: 'emqx@b', isRunning: false, clients: 0, sessions: 0 },
    ]);
  });

  it('refuses what is no list', () => expect(() => parseNodes({ code: 'NOT_FOUND' })).toThrow(TypeError));
});

describe('parseEvacuation', () => {
  const stats = {
    initial_connected: 200,
    current_connected: 100,
    initial_sessions: 230,
    current_sessions: 230,
  };
  it.each([
    { raw: { status: 'disabled' }, evacuation: NO_EVACUATION },
    {
      raw: { status: 'enabled', process: 'evacuation', state: 'evicting_conns', stats },
      evacuation: { state: 'evicting_conns', initialClients: 200, sessionsLeft: 230 },
    },
    {
      raw: { status: 'enabled', process: 'rebalance', state: 'evicting_conns', stats },
      evacuation: NO_EVACUATION,
    },
    { raw: { status: 'enabled', process: 'evacuation', state: 'dancing', stats }, evacuation: NO_EVACUATION },
  ])('$raw', ({ raw, evacuation }) => expect(parseEvacuation(raw)).toEqual(evacuation));
});
