import { describe, expect, it } from '@jest/globals';
import { useLocal } from '../../cluster/index.js';
import { upgradeOnLocal } from '../../demo/onLocal.js';

describe('the rolling baseline', () => {
  it('breaks promises that a blue-green upgrade keeps, visibly', async () => {
    const cluster = await useLocal({ env: process.env, say: () => undefined });
    const report = await upgradeOnLocal(cluster, {
      namespace: 'e2e-rolling',
      strategy: 'rolling',
      clients: 600,
      outDir: 'out/e2e/rolling',
    });
    const broken = report.brokenPromises.map((promise) => promise.split(':', 1)[0]);
    // What is measured is what the strategy does, and not a gap in the looking.
    expect(broken).not.toContain('measurement');
    expect(broken).toEqual(
      expect.arrayContaining(['disconnectsPerClient', 'minServingNodes', 'sessionsLost', 'messagesLost']),
    );
    expect(report.disconnectsPerClient.max).toBeGreaterThanOrEqual(2);
    expect(report.sessionsLost).toBeGreaterThan(100);
    expect(report.messagesDuplicated).toBe(0);
  }, 400_000);
});
