import { describe, expect, it } from '@jest/globals';
import {
  goalsOf,
  missedOf,
  throughputRatio,
  type BenchReport,
  type ContenderFigures,
  type Figures,
} from './report.js';
import { PARTS } from './settings.js';
import { benchTable } from './table.js';

function contender(one: number, sixteen: number): ContenderFigures {
  const row = (connections: number, reviewsPerSecond: number) => ({
    connections,
    reviewsPerSecond,
    p50Ms: 0.3,
    p99Ms: 1.2,
    cpuMicrosPerReview: 250,
    reviewsPerSecondByRound: [reviewsPerSecond],
  });
  return { rssMb: 70, peakRssMb: 80, tls: 'TLS 1.3', byConnections: [row(1, one), row(16, sixteen)] };
}

function webhook(one: number, sixteen: number): NonNullable<Figures['webhook']> {
  return {
    comparedReviews: 16,
    bodyBytes: 13_400,
    rounds: 5,
    roundSeconds: 5,
    foreignCpuPercent: 3,
    sluice: contender(one, sixteen),
    go: contender(2000, 3000),
  };
}

const process = { rssMb: 110, peakRssMb: 120, pssMb: 100, cpuPercent: 1 };
const GOOD: Required<Figures> = {
  webhook: webhook(1800, 2500),
  sidecar: { seconds: 30, rssMb: 60, peakRssMb: 75, pssMb: 40, cpuPercent: 0.5, processes: 2, imageMb: 130 },
  controller: {
    declarations: 100,
    revisionSets: 100,
    pods: 300,
    seconds: 30,
    leader: { ...process, peakRssMb: 150 },
    follower: process,
  },
  reaction: { edits: 60, p50Ms: 100, p99Ms: 1000, maxMs: 1100, patchP50Ms: 9, patchP99Ms: 20 },
};

function missed(figures: Figures): string[] {
  return missedOf(goalsOf(figures, PARTS));
}

describe('goals', () => {
  it('are reached at their limits', () => {
    expect(missed(GOOD)).toEqual([]);
    expect(goalsOf(GOOD, PARTS)).toHaveLength(5);
  });

  it.each<{ when: string; then: RegExp; figures: Partial<Figures> }>([
    { when: 'slow on one connection', then: /, 1 connection:/, figures: { webhook: webhook(1500, 2500) } },
    { when: 'slow on many', then: /, 16 connections: 0.5 × Go/, figures: { webhook: webhook(1800, 1500) } },
    {
      when: 'a big sidecar',
      then: /sidecar RSS: 60.1/,
      figures: { sidecar: { ...GOOD.sidecar, rssMb: 60.1 } },
    },
    {
      when: 'a big leader',
      then: /controller RSS, peak: 151/,
      figures: { controller: { ...GOOD.controller, leader: { ...process, peakRssMb: 151 } } },
    },
    {
      when: 'a late green set',
      then: /edit to green set, p99: 1001 ms, not at most 1000 ms/,
      figures: { reaction: { ...GOOD.reaction, p99Ms: 1001 } },
    },
  ])('$when is named', ({ figures, then }) => {
    expect(missed({ ...GOOD, ...figures })).toEqual([expect.stringMatching(then)]);
  });

  it('are missed without a figure, and left out with their part', () => {
    expect(missed({})).toHaveLength(5);
    expect(missed({})[2]).toBe('sidecar RSS: not measured');
    expect(goalsOf({}, ['sidecar']).map(({ part }) => part)).toEqual(['sidecar']);
  });

  it('are not reached by a figure that is none', () => {
    expect(missed({ ...GOOD, webhook: { ...GOOD.webhook, go: contender(NaN, 3000) } })).toHaveLength(1);
  });
});

it('compares webhooks at the same number of connections', () => {
  expect([throughputRatio(GOOD.webhook, 1), throughputRatio(GOOD.webhook, 16)]).toEqual([0.9, 0.83]);
});

describe('benchTable', () => {
  const report: BenchReport = {
    startedAt: '2030-01-01T00:00:00Z',
    seconds: 300,
    machine: { cpu: 'CPU', cores: 2, node: '24', go: 'go1', kernel: '6', loadAverageBefore: 0.1 },
    parts: PARTS,
    ...GOOD,
    goals: goalsOf(GOOD, PARTS),
    missed: [],
    failures: [],
  };

  it('shows every figure that a goal is about', () => {
    const table = benchTable(report);
    for (const text of ['0.9 × Go', '0.83 × Go', 'RSS 60 MB', 'peak 150 MB', 'p99 1000 ms', 'Every goal']) {
      expect(table).toContain(text);
    }
  });

  it('marks what was missed', () => {
    const goals = goalsOf({ ...GOOD, sidecar: { ...GOOD.sidecar, rssMb: 70 } }, PARTS);
    expect(benchTable({ ...report, goals, missed: missedOf(goals) })).toMatch(/sidecar RSS .*70 MB +MISSED/);
  });
});
