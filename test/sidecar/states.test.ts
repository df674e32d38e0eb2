import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RebalanceStatus } from '../../lib/emqx/parse.js';
import { EVACUATION_STATES, type EvacuationState } from '../../lib/types.js';
import type { Share, ShareFile } from '../../sidecar/share.js';
import { noteState, statesIn } from '../../sidecar/states.js';

/** When the gate last wrote, in seconds. */
const GATE_AT = 4;
let files: Map<ShareFile, string>;
let share: Share;
beforeEach(() => {
  files = new Map<ShareFile, string>([['boot', 'first\n']]);
  share = {
    read: (file) => files.get(file) ?? '',
    line: (file) => (files.get(file) ?? '').split('\n')[0] ?? '',
    write: (file, text) => void files.set(file, text),
    remove: (file) => void files.delete(file),
    writtenMs: () => GATE_AT * 1000,
  };
});

const in_ = (state: EvacuationState, left: number): RebalanceStatus => ({
  kind: 'evacuating',
  evacuation: {
    state,
    ...{ connection_eviction_rate: 1, session_eviction_rate: 1, connection_goal: 0, session_goal: 0 },
    session_recipients: [],
    stats: { initial_connected: 9, current_connected: left, initial_sessions: 9, current_sessions: 9 },
  },
});
const at = (second: number): string => new Date(second * 1000).toISOString();
const states = (): string[] => statesIn(share).map(({ state }) => state);

describe('the states of an evacuation', () => {
  it('are noted once each, when they were first seen, and outlast the program', () => {
    noteState(share, in_('evicting_conns', 9), 1_000);
    noteState(share, in_('evicting_conns', 5), 2_000);
    noteState(share, in_('evicting_sessions', 0), 3_000);
    expect(statesIn(share)).toEqual([
      { state: 'evicting_conns', at: at(1), clients: 9, sessions: 9 },
      { state: 'evicting_sessions', at: at(3), clients: 0, sessions: 9 },
    ]);
  });

  it('are those of the present start of EMQX alone', () => {
    noteState(share, in_('evicting_conns', 9), 1_000);
    files.set('boot', 'second\n');
    expect(states()).toEqual([]);
    noteState(share, in_('prohibiting', 0), 2_000);
    expect(states()).toEqual(['prohibiting']);
  });

  it('are none while nothing evacuates', () => {
    noteState(share, { kind: 'idle' }, 1_000);
    expect(files.has('states')).toBe(false);
  });

  it('are bounded where it is begun again and again', () => {
    for (let i = 0; i < 100; i += 1)
      noteState(share, in_(EVACUATION_STATES[i % 2] ?? 'prohibiting', 9), i * 1_000);
    expect(states()).toHaveLength(10);
  });

  it("end with the gate's, where the program saw no more", () => {
    const gate = (state: string, boot = 'first'): string =>
      `boot=${boot}\nstate=drained\ndetail=x\nevacuation=${state} 0 2\n`;
    noteState(share, in_('evicting_conns', 9), 1_000);
    files.set('gate', gate('prohibiting', 'another'));
    expect(states()).toEqual(['evicting_conns']);
    files.set('gate', gate('prohibiting'));
    expect(statesIn(share).at(-1)).toEqual({
      state: 'prohibiting',
      at: at(GATE_AT),
      clients: 0,
      sessions: 2,
    });
    noteState(share, in_('prohibiting', 0), 5_000);
    expect(statesIn(share).at(-1)).toEqual({ state: 'prohibiting', at: at(5), clients: 0, sessions: 9 });
    // the gate has looked before
    files.set('gate', gate('evicting_sessions'));
    expect(states()).toEqual(['evicting_conns', 'prohibiting']);
    files.set('gate', gate(''));
    expect(states()).toEqual(['evicting_conns', 'prohibiting']);
  });

  it('are nothing that somebody else wrote into the file', () => {
    files.set('states', 'first nonsense x y z\n\nfirst\n');
    expect(states()).toEqual([]);
  });
});
