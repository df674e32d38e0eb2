import { expect, it } from '@jest/globals';
import { isDrained } from '../../controller/drained.js';
import type { Observed, Pod } from '../../controller/model.js';
import type { EvacuationState, NodeEvacuationStatus } from '../../lib/types.js';
import { nodeName, observed, set } from './cases.js';

const green = 'emqx-ggggggggg';

interface Told {
  state: EvacuationState;
  /** What the evacuation counts. */
  connected?: number;
  sessions?: number;
  /** Sessions that the node itself lists. */
  holds?: number;
  emqxApi?: 'v4';
  emptySinceMs?: number;
}

/** An adopted pod, evacuated as the sidecars of green tell. */
function told({ state, connected = 0, sessions = 0, holds = 0, emqxApi, emptySinceMs }: Told): {
  pod: Pod;
  seen: Observed;
} {
  const noted = emptySinceMs === undefined ? {} : { emptySinceMs };
  const adopted = set('emqx', { kind: 'declaration', size: 1, pods: { 0: noted } });
  const seen = observed({
    sets: [adopted, set(green)],
    clients: { 'emqx-0': holds },
    ...(emqxApi && { emqxApi }),
  });
  const evacuation: NodeEvacuationStatus = {
    node: nodeName('emqx-0'),
    state,
    connection_eviction_rate: 1000,
    session_eviction_rate: 1000,
    connection_goal: 0,
    session_goal: 0,
    session_recipients: [],
    stats: {
      initial_connected: 9,
      current_connected: connected,
      initial_sessions: 9,
      current_sessions: sessions,
    },
  };
  for (const { report } of seen.sets.flatMap(({ pods }) => pods)) report?.evacuations.push(evacuation);
  const pod = adopted.pods[0];
  if (!pod) throw new Error('no pod');
  return { pod, seen };
}

const nowMs = 1_000_000;

it.each<Told & { when: string; is: boolean }>([
  { when: 'EMQX 5 has come to its end', state: 'prohibiting', is: true },
  { when: 'EMQX 5 has, whatever it counts', state: 'prohibiting', sessions: 3, is: true },
  { when: 'EMQX 4 has, with nobody left', state: 'prohibiting', emqxApi: 'v4', is: true },
  { when: 'EMQX 4 has, with clients left', state: 'prohibiting', connected: 1, emqxApi: 'v4', is: false },
  { when: 'EMQX 4 has, with sessions left', state: 'prohibiting', sessions: 1, emqxApi: 'v4', is: false },
  {
    when: 'no client is left, but sessions are',
    state: 'waiting_takeover',
    sessions: 9,
    holds: 9,
    is: false,
  },
  { when: 'it holds nobody, seen once', state: 'evicting_sessions', sessions: 3, is: false },
  {
    when: 'it holds nobody, seen a moment ago, perhaps in the same report',
    state: 'evicting_sessions',
    sessions: 3,
    emptySinceMs: nowMs - 11_000,
    is: false,
  },
  {
    when: 'it has held nobody for a while, and what is counted is durable',
    state: 'evicting_sessions',
    sessions: 3,
    emptySinceMs: nowMs - 12_000,
    is: true,
  },
  {
    when: 'it held nobody, and holds somebody again',
    state: 'evicting_sessions',
    sessions: 3,
    holds: 1,
    emptySinceMs: nowMs - 60_000,
    is: false,
  },
  {
    when: 'clients pick their sessions up elsewhere still, though it holds nobody',
    state: 'waiting_takeover',
    sessions: 3,
    emptySinceMs: nowMs - 60_000,
    is: false,
  },
])('whether a node without a sidecar is drained when $when: $is', ({ is, ...evacuated }) => {
  const { pod, seen } = told(evacuated);
  expect(isDrained(pod, { ...seen, nowMs })).toBe(is);
});

it('a node that does not evacuate is not drained, though it holds nobody', () => {
  const seen = observed({
    sets: [set('emqx', { kind: 'declaration' }), set(green)],
    clients: { 'emqx-0': 0 },
  });
  const pod = seen.sets[0]?.pods[0];
  expect(pod && isDrained(pod, seen)).toBe(false);
});
