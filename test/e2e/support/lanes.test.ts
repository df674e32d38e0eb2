import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { settingsFrom } from '../../cluster/settings.js';
import { LANES, laneEnv } from './lanes.js';

describe('laneEnv', () => {
  it('leaves the first lane the cluster that is asked for', () => {
    expect(laneEnv({ SLUICE_CLUSTER: 'mine', JEST_WORKER_ID: '1' })).toMatchObject({
      SLUICE_CLUSTER: 'mine',
    });
    expect(settingsFrom(laneEnv({})).name).toBe('main');
  });

  it.each(['main', 'mine', 'ninechars'])('gives every other lane of %s one of its own', (name) => {
    const lanes = Array.from({ length: LANES }, (_, index) =>
      settingsFrom(laneEnv({ SLUICE_CLUSTER: name, JEST_WORKER_ID: String(index + 1) })),
    );
    for (const key of ['name', 'stateDir', 'netns', 'hostAddress', 'cgroup'] as const) {
      expect(new Set(lanes.map((lane) => lane[key])).size).toBe(LANES);
    }
  });
});

it('as many lanes are run as are taken down', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  expect(scripts['test:e2e:lanes']).toContain(` --maxWorkers=${LANES} `);
});
