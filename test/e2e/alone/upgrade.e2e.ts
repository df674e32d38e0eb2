import { beforeAll, describe, expect, it } from '@jest/globals';
import type { LocalCluster } from '../../cluster/index.js';
import { upgradeOnLocal } from '../../demo/onLocal.js';
import { useSluice } from '../support/sluice.js';

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await useSluice();
}, 30 * 60_000);

describe('an upgrade by kubectl set image', () => {
  it('keeps every promise to 3,000 clients', async () => {
    const report = await upgradeOnLocal(cluster, {
      namespace: 'e2e-upgrade',
      strategy: 'blue-green',
      clients: 3000,
      outDir: 'out/e2e/upgrade',
    });
    expect(report.brokenPromises).toEqual([]);
    // Everybody was on blue, so everybody had to move: a report of an upgrade that never happened has a mean of 0.
    expect(report.disconnectsPerClient).toMatchObject({ max: 1, mean: 1 });
    expect(report.messagesDuplicated).toBe(0);
  }, 400_000);
});
