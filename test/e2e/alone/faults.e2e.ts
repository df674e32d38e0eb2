import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { ANNOTATION } from '../../../lib/names.js';
import type { BlueGreenStatus } from '../../../lib/types.js';
import { until } from '../../cluster/index.js';
import type { LocalCluster } from '../../cluster/index.js';
import { EMQX, IMAGES, setImage } from '../../demo/emqx.js';
import { emqxManifests } from '../../demo/manifest.js';
import { upgradeOnLocal } from '../../demo/onLocal.js';
import type { LocalUpgrade } from '../../demo/onLocal.js';
import type { Scene } from '../../demo/scene.js';
import type { PodSeen } from '../../fleet/observations.js';
import type { Report } from '../../fleet/report.js';
import { killLeader, leaderOf } from '../support/leader.js';
import { dropNamespaces } from '../support/namespaces.js';
import { removeWebhook, restoreWebhook, useSluice } from '../support/sluice.js';

jest.setTimeout(400_000);

const FAULT_RUN = {
  strategy: 'blue-green',
  clients: 300,
  rate: 100,
  // Above the longest back-off of 5 s even where clients learn late that they are to leave: replicas start meanwhile.
  waitTakeoverSeconds: 10,
} as const;
/** What a kill may cost: the lease runs out, somebody looks, and starts; on a busy machine. */
const FAILOVER_SECONDS = 25;

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await useSluice();
}, 30 * 60_000);

describe('the leader is killed', () => {
  it('in each phase, and the next replica finishes with the same figures', async () => {
    const namespace = 'e2e-leader';
    const killed: string[] = [];
    const report = await run({
      namespace,
      ...FAULT_RUN,
      // Long enough for one that is killed at the switch and another that is killed while it waits.
      initialDelaySeconds: 25,
      alongside: async (scene, signal) => {
        const blue = [...scene.pods.values()];
        for (const moment of moments(scene, blue)) {
          const leader = await leaderOf(cluster);
          await scene.until(moment.name, moment.is, { timeoutMs: 120_000, signal });
          killed.push(moment.name);
          await killLeader(cluster, leader);
        }
        // The last one was killed before it had told EMQX, or before it could say so.
        await until('only green is left', async () => isFinished(await statusOf(namespace)) || undefined, {
          timeoutMs: 60_000,
        });
      },
    });
    expect(killed).toHaveLength(7);
    expect(brokenBut(report, 'upgradeSeconds')).toEqual([]);
    expect(report.disconnectsPerClient).toMatchObject({ max: 1, mean: 1 });
    expect(report.upgradeSeconds).toBeLessThan(1.25 * report.limitSeconds + killed.length * FAILOVER_SECONDS);
  });
});

describe('the webhook is gone during the edit', () => {
  const before = () => removeWebhook(cluster);
  afterEach(() => restoreWebhook(cluster), 120_000);

  it('a set image is not refused, rolls nothing, and the upgrade happens', async () => {
    const namespace = 'e2e-nohook';
    const edit = async () => {
      const said = await setImage(cluster, namespace, IMAGES.to);
      expect(said).toContain('image updated');
      // Nobody was there to say where it goes.
      expect(said).not.toContain('Warning');
    };
    const report = await run({ namespace, ...FAULT_RUN, before, edit });
    expect(report.brokenPromises).toEqual([]);
  });

  it('nor an apply of the whole file with its replicas; stray pods get no client, and leave', async () => {
    const namespace = 'e2e-nohookap';
    let seen: Scene | undefined;
    const edit = (scene: Scene) => {
      seen = scene;
      return applyWithImage(namespace, IMAGES.to);
    };
    const report = await run({ namespace, ...FAULT_RUN, before, edit }, async () => {
      const { metadata, spec } = (await cluster.get(['-n', namespace, 'statefulset', EMQX.name])) as {
        metadata: { annotations: Record<string, string> };
        spec: { replicas: number };
      };
      expect(spec.replicas).toBe(0);
      expect(metadata.annotations[ANNOTATION.replicas]).toBe('3');
    });
    const { observations = [] } = seen ?? {};
    const strays = observations.filter((each) => each.kind === 'pod').filter(({ name }) => isStray(name));
    const addresses = new Set(strays.flatMap(({ address }) => (address === '' ? [] : [address])));
    const living = new Map(strays.map(({ uid, isGone }) => [uid, !isGone]));
    expect(addresses.size).toBeGreaterThan(0);
    expect([...living.values()]).not.toContain(true);
    for (const each of observations) {
      if (each.kind === 'endpoints') expect(each.ready.filter((a) => addresses.has(a))).toEqual([]);
      if (each.kind === 'broker-connects') expect(isStray(each.pod)).toBe(false);
    }
    // The limit knows of no strays: they take their turns to leave too.
    expect(brokenBut(report, 'upgradeSeconds')).toEqual([]);
  });
});

/** A pod of the declaration itself. */
function isStray(pod: string): boolean {
  return /^emqx-\d$/.test(pod);
}

interface Moment {
  name: string;
  is: () => boolean;
}

/** When to kill, in the order in which they come. */
function moments(scene: Scene, blue: PodSeen[]): Moment[] {
  const pods = () => [...scene.pods.values()];
  const isBlue = ({ uid }: PodSeen) => blue.some((pod) => pod.uid === uid);
  const greens = () => pods().filter((pod) => !isBlue(pod));
  const phase = (wanted: string) => scene.blueGreen?.phase === wanted;
  const inTurn = blue.toSorted((a, b) => b.name.localeCompare(a.name));
  return [
    { name: 'Progressing', is: () => phase('Progressing') && greens().length > 0 },
    {
      name: 'at the switch',
      is: () => greens().some(({ address }) => scene.endpoints?.ready.includes(address)),
    },
    { name: 'Delaying', is: () => phase('Delaying') },
    ...inTurn.map(({ uid, name }) => ({
      name: `Draining ${name}`,
      is: () => scene.pods.get(uid)?.isDeleting === true,
    })),
    { name: 'leave', is: () => pods().every((pod) => !isBlue(pod)) },
  ];
}

function isFinished(status: BlueGreenStatus | undefined): boolean {
  const nodes = status?.emqxNodes ?? [];
  const revisions = new Set(nodes.map(({ revision }) => revision));
  return (
    status?.phase === 'Stable' &&
    status.upgrade === undefined &&
    nodes.length === 3 &&
    revisions.size === 1 &&
    nodes.every(({ node_status }) => node_status === 'running')
  );
}

/** @param look at what is left, before it is cleared away */
async function run(what: LocalUpgrade, look?: () => Promise<void>): Promise<Report> {
  try {
    const outDir = `out/e2e/${what.namespace}`;
    const report = await upgradeOnLocal(cluster, { outDir, ...what, isKept: true });
    await look?.();
    return report;
  } finally {
    await dropNamespaces(cluster, what.namespace);
  }
}

async function statusOf(namespace: string): Promise<BlueGreenStatus | undefined> {
  const blueGreen = await cluster.get(['-n', namespace, 'bluegreen', EMQX.name]);
  return (blueGreen as { status?: BlueGreenStatus }).status;
}

/** `kubectl apply` of examples/emqx.yaml after the user has changed the image in it. */
async function applyWithImage(namespace: string, image: string): Promise<void> {
  const text = readFileSync('examples/emqx.yaml', 'utf8').replaceAll(IMAGES.from, image);
  for (const manifest of emqxManifests(text, { strategy: 'blue-green', nodes: 3 })) {
    const stdin = JSON.stringify(manifest);
    await cluster.kubectl(['--namespace', namespace, 'apply', '--filename', '-'], { stdin });
  }
}

function brokenBut({ brokenPromises }: Report, ...fields: string[]): string[] {
  return brokenPromises.filter((line) => !fields.some((field) => line.startsWith(`${field}:`)));
}
