import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { paceOf, secondsToLeave, type LeavingNode, type Pace } from '../../lib/eta.js';
import { DEFAULT_SPEC } from '../../lib/types.js';

const pace: Pace = { connEvictRate: 200, sessEvictRate: 200, waitTakeoverSeconds: 6, atOnce: 1 };
const node = (clients: number, drain?: LeavingNode['drain'], sessions = clients): LeavingNode => ({
  load: { clients, sessions },
  ...(drain && { drain }),
});

describe('the time that nodes take to leave', () => {
  it.each<{ when: string; nodes: LeavingNode[]; seconds: number }>([
    { when: 'nobody leaves', nodes: [], seconds: 0 },
    { when: 'one node waits for its turn', nodes: [node(1000)], seconds: 1 + 5 + 6 + 5 },
    {
      when: 'three leave one after the other',
      nodes: [node(1033), node(936), node(1031)],
      seconds: 13 + 12 + 13 + 5,
    },
    { when: 'a node is empty', nodes: [node(0)], seconds: 1 + 5 },
    { when: 'sessions of nobody are moved', nodes: [node(200, undefined, 600)], seconds: 1 + 1 + 6 + 2 + 5 },
    {
      when: 'clients are being evicted',
      nodes: [node(500, { state: 'evicting_conns', initial: { clients: 1000, sessions: 1000 } }, 1000)],
      seconds: 3 + 6 + 5,
    },
    {
      when: 'clients are awaited, and it is not known since when',
      nodes: [node(0, { state: 'waiting_takeover', initial: { clients: 1000, sessions: 1000 } }, 1000)],
      seconds: 6 + 5,
    },
    {
      when: 'clients are awaited, as the clock says for 4 s',
      nodes: [
        node(0, { state: 'waiting_takeover', initial: { clients: 1000, sessions: 1000 }, forSeconds: 10 }),
      ],
      seconds: 2 + 5,
    },
    {
      when: 'the wait is over by the clock',
      nodes: [
        node(0, { state: 'waiting_takeover', initial: { clients: 1000, sessions: 1200 }, forSeconds: 60 }),
      ],
      seconds: 1 + 5,
    },
    {
      when: 'sessions are being moved',
      nodes: [node(0, { state: 'evicting_sessions' }, 401)],
      seconds: 3 + 5,
    },
    { when: 'the last one is drained', nodes: [node(0, { state: 'prohibiting' })], seconds: 5 },
    {
      when: 'the last one was drained 3 s ago, and others earlier',
      nodes: [9, 3].map((ago) => node(0, { state: 'prohibiting', doneForSeconds: ago })),
      seconds: 2,
    },
    {
      when: 'one is drained, the next not begun',
      nodes: [node(0, { state: 'prohibiting' }), node(200)],
      seconds: 8 + 5,
    },
    {
      when: 'one has stopped, one drains, one is to come',
      nodes: [node(0, { state: 'prohibiting' }), node(0, { state: 'evicting_sessions' }, 400), node(200)],
      seconds: 2 + 8 + 5,
    },
  ])('when $when', ({ nodes, seconds }) => expect(secondsToLeave(nodes, pace)).toBe(seconds));

  it('with two at once is that of the longer row', () => {
    const two = { ...pace, atOnce: 2 };
    expect(secondsToLeave([node(1000), node(200), node(200)], two)).toBe(8 + 8 + 5);
  });
});

it('nodes that drain at once share the rate', () => {
  const updateStrategy = { ...DEFAULT_SPEC.updateStrategy };
  expect(paceOf({ updateStrategy, maxConcurrentDrains: 3 })).toEqual({
    connEvictRate: 333,
    sessEvictRate: 333,
    waitTakeoverSeconds: 10,
    atOnce: 3,
  });
});

describe('in an upgrade as it was recorded, of 3,000 clients on three nodes', () => {
  const { pace, looks } = JSON.parse(
    readFileSync(new URL('recorded/drain.json', import.meta.url), 'utf8'),
  ) as Recorded;
  const [whole = 0] = looks.map(({ leftSeconds }) => leftSeconds);
  const errorAt = ({ leftSeconds, nodes }: Recorded['looks'][number]): number =>
    Math.abs(secondsToLeave(nodes, pace) - leftSeconds) / leftSeconds;

  it('what is said at a quarter of the drain is within a tenth of the truth', () => {
    const quarter = looks.find(({ leftSeconds }) => leftSeconds <= 0.75 * whole);
    expect(quarter && errorAt(quarter)).toBeLessThan(0.1);
  });

  it('whatever is said before its last tenth is within a fifth', () => {
    const early = looks.filter(({ leftSeconds }) => leftSeconds > 0.1 * whole);
    expect(early.length).toBeGreaterThan(30);
    expect(Math.max(...early.map(errorAt))).toBeLessThan(0.2);
  });
});

/** Looks at an upgrade on the local cluster, about one a second, with the seconds that it took from then on. */
interface Recorded {
  pace: Pace;
  looks: { leftSeconds: number; nodes: LeavingNode[] }[];
}
