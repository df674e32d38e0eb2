import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ANNOTATION } from '../../lib/names.js';
import type { BlueGreenStatus, Phase } from '../../lib/types.js';
import { until } from '../cluster/index.js';
import type { LocalCluster } from '../cluster/index.js';
import { EMQX, loadEmqx, makeNamespace } from '../demo/emqx.js';
import { applyFile, exampleOf, QUICK } from './support/example.js';
import { healthOf } from './support/healthCheck.js';
import { dropNamespaces } from './support/namespaces.js';
import { useSluice } from './support/sluice.js';
import { watchVersions, type Versions } from './support/versions.js';

jest.setTimeout(240_000);

const NAMESPACE = 'e2e-argocd';

interface BlueGreen {
  metadata: { generation: number };
  status?: BlueGreenStatus;
}

let cluster: LocalCluster;
let versions: Versions<BlueGreen>;
beforeAll(async () => {
  cluster = await useSluice();
  await loadEmqx(cluster);
  await makeNamespace(cluster, NAMESPACE);
  versions = await watchVersions(cluster, `/apis/sluice.dev/v1alpha1/namespaces/${NAMESPACE}/bluegreens`);
}, 30 * 60_000);
afterAll(() => dropNamespaces(cluster, NAMESPACE), 120_000);

/** What Argo CD is to show in each phase. */
const HEALTH: Record<Phase, string> = {
  Stable: 'Healthy',
  Progressing: 'Progressing',
  Delaying: 'Progressing',
  Draining: 'Progressing',
  AwaitingPromotion: 'Suspended',
  Paused: 'Suspended',
  Degraded: 'Degraded',
  Aborted: 'Degraded',
  // else the sync wave of a StatefulSet after its BlueGreen's would never begin
  Idle: 'Healthy',
};

const WAITING: Phase[] = ['AwaitingPromotion', 'Delaying', 'Draining', 'Paused'];

describe('the health check for Argo CD in examples/', () => {
  beforeAll(throughAllPhases, 240_000);

  it('tells every phase of a real BlueGreen, in its own words', async () => {
    const seen = versions.seen.flatMap(({ object }) => (isCurrent(object) ? [object] : []));
    const health = await healthOf(cluster, seen);
    const told = new Map<string, Set<string>>();
    seen.forEach(({ status }, index) => {
      const phase = status?.phase ?? '';
      told.set(phase, (told.get(phase) ?? new Set()).add(health[index]?.status ?? ''));
      expect(health[index]?.message).toBe(status?.message);
    });
    expect(Object.fromEntries([...told].map(([phase, healths]) => [phase, [...healths].join()]))).toEqual(
      HEALTH,
    );
  });

  it('goes with a message in each, which says since when where something is waited for', () => {
    for (const { object } of versions.seen) {
      const { phase, message = '' } = object.status ?? {};
      if (phase === undefined) continue;
      expect(message).not.toBe('');
      if (WAITING.includes(phase)) expect(message).toMatch(/\(since \d{4}-\d\d-\d\dT[\d:]+Z\)/);
    }
    const phases = versions.seen.map(({ object }) => object.status?.phase);
    expect(phases).toEqual(expect.arrayContaining(WAITING));
  });

  it('says Progressing of what the controller has not seen yet', async () => {
    const stale = versions.seen.flatMap(({ object }) => (isCurrent(object) ? [] : [object]));
    expect(stale.length).toBeGreaterThan(0);
    const healths = (await healthOf(cluster, stale)).map(({ status }) => status);
    expect([...new Set(healths)]).toEqual(['Progressing']);
  });
});

/** One node, and every phase that there is. */
async function throughAllPhases(): Promise<void> {
  const example = { nodes: 1, waitTakeoverSeconds: 1, initialDelaySeconds: 2 };
  const apply = (edit: string) =>
    applyFile(cluster, NAMESPACE, exampleOf({ ...example, env: { ...QUICK, EDIT: edit } }));
  await apply('first');
  await untilPhase('Stable');
  await patch({ promotion: { auto: false } });
  await apply('second');
  await untilPhase('AwaitingPromotion');
  await patch({ paused: true });
  await untilPhase('Paused');
  await patch({ paused: false, promotion: { auto: true } });
  const { active } = await untilPhase('Draining');
  await untilPhase('Stable');
  await kubectl('delete', 'pod', `${active}-0`, '--force', '--grace-period=0');
  await untilPhase('Degraded');
  await untilPhase('Stable');
  await patch({ promotion: { auto: false } });
  await apply('third');
  const { wanted } = await untilPhase('AwaitingPromotion');
  await kubectl('annotate', 'statefulset', EMQX.name, `${ANNOTATION.abort}=${wanted}`);
  await untilPhase('Aborted');
  await kubectl('delete', 'statefulset', EMQX.name);
  await untilPhase('Idle');
  await versions.stop();
}

function kubectl(...words: string[]): Promise<string> {
  return cluster.kubectl(['--namespace', NAMESPACE, ...words]);
}

async function patch(spec: object): Promise<void> {
  await kubectl('patch', 'bluegreen', EMQX.name, '--type=merge', '--patch', JSON.stringify({ spec }));
}

/** The controller has seen the last edit. */
function isCurrent({ metadata, status }: BlueGreen): boolean {
  return status?.observedGeneration === metadata.generation;
}

let looked = 0;

/** Waits for a version in that phase that is later than all that were waited for before. */
function untilPhase(phase: Phase): Promise<BlueGreenStatus> {
  return until(
    `the phase is ${phase}`,
    () => {
      const index = versions.seen.findIndex(
        ({ object }, at) => at >= looked && isCurrent(object) && object.status?.phase === phase,
      );
      if (index === -1) return Promise.resolve(undefined);
      looked = index + 1;
      return Promise.resolve(versions.seen[index]?.object.status);
    },
    { timeoutMs: 90_000, everyMs: 100 },
  );
}
