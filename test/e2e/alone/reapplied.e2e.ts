import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { until, type LocalCluster } from '../../cluster/index.js';
import { EMQX, loadEmqx, makeNamespace } from '../../demo/emqx.js';
import { applyFile } from '../support/example.js';
import { heal } from '../support/heal.js';
import { dropNamespaces } from '../support/namespaces.js';
import { untilObserved } from '../support/observed.js';
import { gapsOf, watchPinned, watchServices } from '../support/services.js';
import { removeWebhook, restoreWebhook, useSluice } from '../support/sluice.js';
import { replace, soleNode, untilRest } from '../support/soleNode.js';
import { statusOf } from '../support/status.js';

jest.setTimeout(300_000);

const NAMESPACE = 'e2e-reapplied';

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await useSluice();
  await loadEmqx(cluster);
  await makeNamespace(cluster, NAMESPACE);
  await applyFile(cluster, NAMESPACE, soleNode('first'));
  await untilRest(cluster, NAMESPACE, Boolean);
}, 30 * 60_000);
afterAll(() => dropNamespaces(cluster, NAMESPACE), 120_000);

describe('a Service that is replaced without the revision key', () => {
  const ENOUGH = 3;
  beforeAll(async () => {
    await promotion(false);
    await applyFile(cluster, NAMESPACE, soleNode('waits'));
    await until(
      'both colours are ready',
      async () => {
        return (await statusOf(cluster, NAMESPACE)).phase === 'AwaitingPromotion' ? true : undefined;
      },
      { timeoutMs: 90_000 },
    );
  }, 120_000);
  const services = () => soleNode('waits').filter(({ kind }) => kind === 'Service');

  it('never selects both colours while the webhook answers', async () => {
    const pinned = await watchPinned(cluster, NAMESPACE);
    for (let round = 0; round < 5; round += 1) await replace(cluster, NAMESPACE, services());
    expect(await pinned()).toHaveLength(1);
  });

  it('selects both for at most a second while it does not, at any time of an upgrade', async () => {
    const { active } = await statusOf(cluster, NAMESPACE);
    await removeWebhook(cluster);
    try {
      const versions = await watchServices(cluster, NAMESPACE);
      const loop = heal(() => replace(cluster, NAMESPACE, services()));
      await promotion(true);
      await untilRest(cluster, NAMESPACE, (now) => now !== active);
      // A quick upgrade has not time for many.
      await until('gaps to judge by', () => Promise.resolve(gapsOf(versions).length > ENOUGH || undefined), {
        timeoutMs: 30_000,
      });
      await loop.stop();
      await untilObserved(cluster, NAMESPACE);
      await versions.stop();
      const gaps = gapsOf(versions);
      expect(gaps.length).toBeGreaterThan(ENOUGH);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(1000);
    } finally {
      await restoreWebhook(cluster);
    }
  });
});

async function promotion(auto: boolean): Promise<void> {
  const patch = ['--type=merge', '--patch', JSON.stringify({ spec: { promotion: { auto } } })];
  await cluster.kubectl(['--namespace', NAMESPACE, 'patch', 'bluegreen', EMQX.name, ...patch]);
}
