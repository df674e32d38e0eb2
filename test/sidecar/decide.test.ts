import { describe, expect, it } from '@jest/globals';
import {
  decideEvacuation,
  hasNobodyToJoin,
  stayAlone,
  type Alone,
  type EvacuationStep,
  type Peers,
  type Seen,
} from '../../sidecar/decide.js';
import type { RebalanceStatus } from '../../lib/emqx/parse.js';

const evacuating: RebalanceStatus = {
  kind: 'evacuating',
  evacuation: {
    state: 'prohibiting',
    connection_eviction_rate: 1,
    session_eviction_rate: 1,
    connection_goal: 0,
    session_goal: 0,
    session_recipients: [],
    stats: { initial_connected: 0, current_connected: 0, initial_sessions: 0, current_sessions: 0 },
  },
};

function seen(differs: Partial<Seen>): Seen {
  return { boot: 'b2', handled: 'b2', gateBoot: '', isForeign: false, status: { kind: 'idle' }, ...differs };
}

describe('whose the evacuation is', () => {
  it.each<{ when: string; differs: Partial<Seen>; then: EvacuationStep['kind'] }>([
    { when: 'nothing runs', differs: {}, then: 'none' },
    {
      when: 'EMQX has not started yet',
      differs: { boot: '', handled: '', status: evacuating },
      then: 'none',
    },
    {
      when: 'EMQX has just started evacuating',
      differs: { handled: 'b1', status: evacuating },
      then: 'stopLeftOver',
    },
    {
      when: 'its gate ran before the restart',
      differs: { handled: 'b1', gateBoot: 'b1', status: evacuating },
      then: 'stopLeftOver',
    },
    {
      when: 'it is the first look at a new claim',
      differs: { handled: '', status: evacuating },
      then: 'stopLeftOver',
    },
    { when: 'EMQX has just started idle', differs: { handled: 'b1' }, then: 'markHandled' },
    {
      when: 'EMQX has just started and cannot evacuate',
      differs: { handled: 'b1', status: undefined },
      then: 'markHandled',
    },
    {
      when: "it was somebody else's before the restart",
      differs: { handled: 'b1', isForeign: true, status: evacuating },
      then: 'markHandled',
    },
    { when: 'our gate drains', differs: { gateBoot: 'b2', status: evacuating }, then: 'none' },
    {
      when: 'our gate drains a node not looked at since its start',
      differs: { handled: 'b1', gateBoot: 'b2', status: evacuating },
      then: 'none',
    },
    { when: 'somebody else has begun one', differs: { status: evacuating }, then: 'markForeign' },
    { when: "somebody else's goes on", differs: { isForeign: true, status: evacuating }, then: 'none' },
    { when: "somebody else's has ended", differs: { isForeign: true }, then: 'clearForeign' },
    {
      when: 'a rebalance runs',
      differs: { status: { kind: 'other', foreign: { process: 'rebalance', state: 'evicting_conns' } } },
      then: 'none',
    },
  ])('when $when: $then', ({ differs, then }) => {
    expect(decideEvacuation(seen(differs)).kind).toBe(then);
  });
});

describe('a node that sees only itself may serve', () => {
  /** Looks as [time in ms, what was found]; whether the last may serve. */
  it.each<{ when: string; looks: [number, Peers['kind']][]; may: boolean }>([
    { when: 'after one look', looks: [[0, 'none']], may: false },
    {
      when: 'when two looks 1 s apart find nobody',
      looks: [
        [0, 'none'],
        [1000, 'none'],
      ],
      may: true,
    },
    {
      when: 'when two looks are too close',
      looks: [
        [0, 'none'],
        [900, 'none'],
      ],
      may: false,
    },
    {
      when: 'when somebody has answered',
      looks: [
        [0, 'none'],
        [500, 'some'],
        [1500, 'none'],
      ],
      may: false,
    },
    {
      when: 'while the Service names nobody',
      looks: [
        [0, 'unknown'],
        [20_000, 'unknown'],
      ],
      may: false,
    },
    {
      when: 'when it never does',
      looks: [
        [0, 'unknown'],
        [20_000, 'unknown'],
        [35_000, 'unknown'],
      ],
      may: true,
    },
    {
      when: 'when peers have been silent for as long as one that is slow',
      looks: [
        [0, 'silent'],
        [59_000, 'silent'],
      ],
      may: false,
    },
    {
      when: 'when peers never break their silence',
      looks: [
        [0, 'silent'],
        [30_000, 'silent'],
        [60_000, 'silent'],
      ],
      may: true,
    },
    {
      when: 'when a silent peer has answered since',
      looks: [
        [0, 'silent'],
        [50_000, 'some'],
        [60_000, 'silent'],
      ],
      may: false,
    },
    {
      when: 'when the silent peer is seen to be down, twice',
      looks: [
        [0, 'silent'],
        [2_000, 'none'],
        [3_000, 'none'],
      ],
      may: true,
    },
    {
      when: 'when a peer was silent between two looks that found nobody',
      looks: [
        [0, 'none'],
        [500, 'silent'],
        [1_000, 'none'],
      ],
      may: false,
    },
    {
      when: 'when peers are refused and silent by turns for long',
      looks: [
        [0, 'silent'],
        [20_000, 'none'],
        [20_500, 'silent'],
        [60_000, 'none'],
      ],
      may: true,
    },
    {
      when: 'while DNS fails',
      looks: [
        [0, 'unresolved'],
        [60_000, 'unresolved'],
        [299_000, 'unresolved'],
      ],
      may: false,
    },
    {
      when: 'when DNS failed within the wait for the Service to name it',
      looks: [
        [0, 'unknown'],
        [20_000, 'unresolved'],
        [40_000, 'unknown'],
      ],
      may: false,
    },
    {
      when: 'when DNS fails for good',
      looks: [
        [0, 'unresolved'],
        [300_000, 'unresolved'],
      ],
      may: true,
    },
    {
      when: 'when the Service has just begun to name it',
      looks: [
        [0, 'unknown'],
        [20_000, 'none'],
      ],
      may: false,
    },
  ])('$when: $may', ({ looks, may }) => {
    let alone: Alone | undefined;
    for (const [nowMs, kind] of looks) alone = stayAlone(alone, { kind }, nowMs);
    expect(hasNobodyToJoin(alone, looks.at(-1)?.[0] ?? 0)).toBe(may);
  });
});
