import { expect, it } from '@jest/globals';
import type { Observation } from '../../fleet/observations.js';
import type { FleetRecord, SecondRecord } from '../../fleet/records.js';
import { tollOf } from './toll.js';

const sentAway = (atMs: number, pod: string, clientId: string): Observation => ({
  kind: 'broker-disconnect',
  atMs,
  pod,
  clientId,
});
const endpoints = (atMs: number, ...ready: string[]): Observation => ({ kind: 'endpoints', atMs, ready });
const second = (events: Partial<SecondRecord>): FleetRecord => ({
  kind: 'second',
  atMs: 0,
  connected: 0,
  connects: [],
  disconnects: [],
  refusals: [],
  published: 0,
  acknowledged: 0,
  delivered: 0,
  lagMs: 0,
  cpu: 0,
  rssBytes: 0,
  ...events,
});

it('counts disconnects by client and by the set whose node sent it away', () => {
  const observations = [
    sentAway(99, 'emqx-bbb-0', 'a'),
    sentAway(100, 'emqx-bbb-1', 'a'),
    sentAway(101, 'emqx-bbb-2', 'a'),
    sentAway(102, 'emqx-bbb-0', 'b'),
    sentAway(103, 'emqx-ggg-0', 'b'),
  ];
  expect(tollOf({ fleet: [], observations }, 100)).toMatchObject({
    mostFrom: { 'emqx-bbb': 2, 'emqx-ggg': 1 },
    evictions: 4,
  });
});

it('counts what clients saw since then', () => {
  const fleet = [
    second({
      disconnects: [
        [99, 1, -1],
        [100, 1, 156],
      ],
      refusals: [[101, 2, 'timeout']],
      connects: [
        [99, 3, 'lost', 1],
        [102, 3, 'lost', 1],
        [103, 4, 'resumed', 1],
      ],
    }),
  ];
  expect(tollOf({ fleet, observations: [] }, 100)).toMatchObject({
    disconnects: 1,
    refusals: ['timeout'],
    sessionsLost: 1,
  });
});

it('takes the least of what was so at the beginning and of all that came, and 0 where nobody looked', () => {
  const observations = [endpoints(1), endpoints(90, 'x'), endpoints(110, 'x', 'y')];
  expect(tollOf({ fleet: [], observations }, 100)).toMatchObject({
    minReadyEndpoints: 1,
    minServingNodes: 0,
  });
});
