import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { CONTROL_PORT } from '../../../lib/control.js';
import type { JsonObject } from '../../../lib/json.js';
import { until, useLocal, type LocalCluster } from '../../cluster/index.js';
import {
  container,
  goneMs,
  isReady,
  loadImages,
  podNow,
  podsOf,
  recallWitnesses,
  sendWitness,
  sessionsOf,
  startSet,
  type Pod,
} from './gate/stage.js';
import type { Sighting } from './gate/witness.js';

jest.setTimeout(300_000);

let cluster: LocalCluster;
let namespace: string;
let count = 0;

beforeAll(async () => {
  cluster = await useLocal({ env: process.env, say: () => undefined });
  await loadImages(cluster);
}, 30 * 60_000);
beforeEach(() => {
  count += 1;
  namespace = `e2e-gate-${count}`;
});
afterEach(async () => {
  await recallWitnesses();
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  // The drains would only show once more that there is nowhere to go.
  await cluster.kubectl(inNamespace('delete', 'pods', '--all', '--force', '--grace-period=0'));
});
afterAll(async () => {
  for (let at = 1; at <= count; at += 1) {
    const gone = `namespace/e2e-gate-${at}`;
    // Kubernetes puts off its next look by half of the longest grace period that it saw, but not beyond a change.
    await cluster.tryKubectl(['annotate', gone, 'test/nudge=1']);
    await cluster.kubectl(['wait', '--for=delete', gone, '--timeout=60s']);
  }
}, 240_000);

/** The words of a `kubectl` that means this test's namespace. */
const inNamespace = (...words: string[]) => ['--namespace', namespace, ...words];

describe('the gate holds SIGTERM back until its node is drained', () => {
  const CLIENTS = 40;
  const PERSISTENT = 20;
  const strategy = {
    type: 'Recreate',
    initialDelaySeconds: 4,
    evacuationStrategy: { waitTakeover: 4, connEvictRate: 10, sessEvictRate: 5 },
  } as const;
  /** What rates and waits alone demand, in seconds; each kind of move ends with a tick that finds nothing. */
  const DRAIN_SECONDS = 4 + CLIENTS / 10 + 4 + PERSISTENT / 5;
  /** EMQX's own stop. */
  const STOP_SECONDS = 4;

  /** When every process of the sidecar's container is killed, pod by pod; one pod more is where sessions go to. */
  it.each([
    { kills: ['never', 'before the drain', 'waiting_health_check'] },
    { kills: ['evicting_conns', 'waiting_takeover', 'evicting_sessions'] },
  ])('with every process of the sidecar killed: $kills', async ({ kills }) => {
    const pods = await startSet(cluster, {
      namespace,
      replicas: kills.length + 1,
      spec: { updateStrategy: strategy, drainTimeoutSeconds: 120 },
    });
    const drained = pods.slice(0, -1);
    const witness = await sendWitness(cluster, drained, { clients: CLIENTS, persistent: PERSISTENT });
    for (const { metadata } of drained) {
      await witness.first(
        `clients on ${metadata.name}`,
        (seen) => isOf(seen, metadata.name, 'connected'),
        20_000,
      );
    }
    // Nobody brings the pods back: a name that returns at once is another test's matter.
    await cluster.kubectl(inNamespace('delete', 'statefulset', 'emqx', '--cascade=orphan'));
    const deleteOne = (pod: Pod) =>
      cluster.kubectl(inNamespace('delete', 'pod', pod.metadata.name, '--wait=false'));
    const killSidecar = async (pod: Pod) =>
      expect(await cluster.killContainer(container(pod, 'sluice').containerID)).toBeGreaterThan(0);

    const sidecarNow = async (pod: Pod) => {
      const found = await podNow(cluster, namespace, pod);
      if (!found) throw new Error(`${pod.metadata.name} is gone`);
      return container(found, 'sluice');
    };
    /** Kills the sidecar until the kubelet waits before it starts it again: after the second end 10 s, then 20 s. */
    const crashSidecar = (pod: Pod) =>
      until(
        `the kubelet puts off the sidecar of ${pod.metadata.name}`,
        async () => {
          const status = await sidecarNow(pod);
          if (status.state.running) await cluster.killContainer(status.containerID);
          return status.restartCount >= 2 && status.state.waiting?.reason === 'CrashLoopBackOff'
            ? status
            : undefined;
        },
        { timeoutMs: 60_000, everyMs: 250 },
      );
    /** Connects where the sidecar listens; the status that the kubelet reports may lag. @throws CommandError when nobody is there */
    const knock = ({ status: { podIP } }: Pod) =>
      cluster.runInNetwork('busybox', ['nc', '-w', '2', podIP, String(CONTROL_PORT), '-e', 'true']);

    const ends = await Promise.all(
      drained.map(async (pod, at) => {
        const when = kills[at] ?? '';
        const name = pod.metadata.name;
        const isBefore = when === 'before the drain';
        if (isBefore) await knock(pod);
        const crashing = isBefore ? await crashSidecar(pod) : undefined;
        const deletedMs = Date.now();
        await deleteOne(pod);
        if (crashing) {
          await witness.first(
            `${name} evacuates`,
            (seen) => isState(seen, name, 'waiting_health_check'),
            40_000,
          );
          // All this time nobody was there but the shell of EMQX's own preStop hook.
          const status = await sidecarNow(pod);
          expect([status.state.running, status.restartCount]).toEqual([undefined, crashing.restartCount]);
          await expect(knock(pod)).rejects.toThrow(/refused/);
        } else if (when !== 'never') {
          await witness.first(`${name} in ${when}`, (seen) => isState(seen, name, when), 40_000);
          await killSidecar(pod);
        }
        const endMs = await goneMs(cluster, namespace, pod, 100_000);
        const states = witness.sightings.flatMap((seen) => (isOf(seen, name, 'state') ? [seen] : []));
        // The gate may see `prohibiting` before the witness does; then EMQX stops at once.
        const drainedMs =
          states.find(({ state }) => state === 'prohibiting' || state === 'unreachable')?.atMs ?? Infinity;
        const left = witness.sightings.filter((seen) => isOf(seen, name, 'disconnected'));
        return {
          when,
          drainSeconds: (drainedMs - deletedMs) / 1000,
          stopSeconds: (endMs - drainedMs) / 1000,
          states: states.map(({ state }) => state).filter((state) => state !== 'prohibiting'),
          disconnects: left.length,
          mostInOneSecond: mostWithin(
            left.map(({ atMs }) => atMs),
            900,
          ),
        };
      }),
    );
    await witness.stop();
    // Not a session was left behind: the pod that stayed has them all.
    expect(await sessionsOf(cluster, pods.at(-1))).toBe(kills.length * PERSISTENT);

    for (const end of ends) {
      const { when, drainSeconds, stopSeconds, states, disconnects, mostInOneSecond } = end;
      const told = (fact: string) => `${when}: ${fact}`;
      expect([told('states'), ...states]).toEqual([
        told('states'),
        'disabled',
        'waiting_health_check',
        'evicting_conns',
        'waiting_takeover',
        'evicting_sessions',
        'unreachable',
      ]);
      expect([told('disconnects'), disconnects]).toEqual([told('disconnects'), CLIENTS]);
      // Two ticks may share a second, and no more.
      expect([told('rate'), mostInOneSecond <= 20]).toEqual([told('rate'), true]);
      expect([told('drain'), drainSeconds >= DRAIN_SECONDS - 1 && drainSeconds < DRAIN_SECONDS + 10]).toEqual(
        [told('drain'), true],
      );
      expect([told('end'), stopSeconds >= STOP_SECONDS - 1 && stopSeconds < STOP_SECONDS + 10]).toEqual([
        told('end'),
        true,
      ]);
    }
  });
});

describe('a restart in place', () => {
  it('by a failing liveness probe takes about half a minute, and the node takes clients again', async () => {
    const sick = '/sluice/sick';
    const pods = await startSet(cluster, {
      namespace,
      replicas: 2,
      spec: {},
      edit: (template) => {
        const emqx = ((template['spec'] as JsonObject)['containers'] as JsonObject[])[0];
        if (!emqx) return;
        // Sick until EMQX's next start.
        const command = [
          '/sluice/bin/busybox',
          'sh',
          '-c',
          `! /sluice/bin/busybox cmp -s ${sick} /sluice/boot`,
        ];
        // How long it may take to end is for the injection to say.
        emqx['livenessProbe'] = { exec: { command }, periodSeconds: 2, failureThreshold: 2 };
      },
    });
    const [pod] = pods;
    if (!pod) throw new Error('no pod');
    const before = container(pod, 'emqx');
    const witness = await sendWitness(cluster, [pod], { clients: 40, persistent: 40 });
    await witness.first('clients', ({ kind }) => kind === 'connected', 20_000);
    // Slow enough that the drain cannot be over in 30 s.
    await cluster.kubectl(
      inNamespace(
        'exec',
        pod.metadata.name,
        '--container',
        'sluice',
        '--',
        '/usr/local/bin/busybox',
        'sh',
        '-c',
        [
          'b=/usr/local/bin/busybox',
          'sed="s/^connEvictRate=.*/connEvictRate=1/"',
          '$b sed "$sed" /sluice/drain.conf > /sluice/told && $b mv -f /sluice/told /sluice/drain.conf',
          `$b cp /sluice/boot ${sick}`,
        ].join('; '),
      ),
    );
    const sickMs = Date.now();
    await witness.first(
      'the evacuation',
      (seen) => isState(seen, pod.metadata.name, 'evicting_conns'),
      30_000,
    );
    const back = await until(
      'EMQX has been started again',
      async () => {
        const [now] = await podsOf(cluster, namespace);
        const status = now && container(now, 'emqx');
        return status && status.restartCount > before.restartCount && status.state.running
          ? status
          : undefined;
      },
      { timeoutMs: 90_000, everyMs: 500 },
    );
    const restartSeconds = (Date.parse(back.state.running?.startedAt ?? '') - sickMs) / 1000;
    expect(restartSeconds).toBeGreaterThan(25);
    expect(restartSeconds).toBeLessThan(60);
    await until(
      'the pod is Ready again',
      async () => (await podsOf(cluster, namespace)).every(isReady) || undefined,
      { timeoutMs: 60_000, everyMs: 500 },
    );
    // It came back evacuating, and was opened.
    const states = witness.sightings.flatMap((seen) => (seen.kind === 'state' ? [seen.state] : []));
    expect(states.slice(states.indexOf('evicting_conns'))).toContain('unreachable');
    expect(states.at(-1)).toBe('disabled');
    const again = await sendWitness(cluster, [pod], { clients: 5, persistent: 0 });
    await again.first('clients again', ({ kind }) => kind === 'connected', 20_000);
    await Promise.all([witness.stop(), again.stop()]);
  });
});

describe("the sidecar's own troubles", () => {
  it('Node crash-looping in every sidecar empties no Service, and a killed container comes back', async () => {
    const pods = await startSet(cluster, { namespace, replicas: 2, spec: {} });
    await expectUsers(pods);
    await until('both are endpoints', async () => (await readyEndpoints()) === 2 || undefined, {
      timeoutMs: 20_000,
    });
    let least = Infinity;
    let crashes = 0;
    const endMs = Date.now() + 25_000;
    while (Date.now() < endMs) {
      for (const pod of pods) {
        for (const { pid, argv } of cluster.processesOfContainer(container(pod, 'sluice').containerID)) {
          if (!argv.includes('/app/sidecar.cjs')) continue;
          process.kill(pid, 'SIGKILL');
          crashes += 1;
        }
      }
      least = Math.min(least, await readyEndpoints());
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    expect(crashes).toBeGreaterThanOrEqual(2 * 4);
    expect(least).toBe(2);
    expect((await podsOf(cluster, namespace)).map((pod) => container(pod, 'sluice').restartCount)).toEqual([
      0, 0,
    ]);

    const [pod] = pods;
    if (!pod) throw new Error('no pod');
    await cluster.killContainer(container(pod, 'sluice').containerID);
    await until(
      'the container is back and the pod Ready, EMQX untouched',
      async () => {
        const [now] = await podsOf(cluster, namespace);
        if (!now || !isReady(now) || container(now, 'sluice').restartCount !== 1) return undefined;
        return container(now, 'emqx').restartCount === 0 || undefined;
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
  });

  it('the pods of a namespace that is deleted end in about a minute: nobody can take their sessions', async () => {
    const pods = await startSet(cluster, { namespace, replicas: 2, spec: {} });
    const witness = await sendWitness(cluster, pods, { clients: 5, persistent: 5 });
    for (const { metadata } of pods) {
      await witness.first('clients', (seen) => isOf(seen, metadata.name, 'connected'), 20_000);
    }
    const began = performance.now();
    await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
    await Promise.all(pods.map((pod) => goneMs(cluster, namespace, pod, 100_000)));
    const seconds = (performance.now() - began) / 1000;
    await witness.stop();
    expect(seconds).toBeGreaterThan(40);
    expect(seconds).toBeLessThan(80);
  });

  /** EMQX and the sidecar run as different users, neither of them root. */
  async function expectUsers(pods: Pod[]): Promise<void> {
    for (const pod of pods) {
      for (const [name, user] of [
        ['emqx', 1000],
        ['sluice', 65532],
      ] as const) {
        const processes = cluster.processesOfContainer(container(pod, name).containerID);
        expect(processes.length).toBeGreaterThan(0);
        for (const { pid } of processes) {
          expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(new RegExp(`^Uid:\\s+${user}\\s`, 'm'));
        }
      }
    }
    await Promise.resolve();
  }

  async function readyEndpoints(): Promise<number> {
    const { items } = (await cluster.get(
      inNamespace('endpointslices', '--selector', 'kubernetes.io/service-name=emqx'),
    )) as { items: { endpoints: { conditions: { ready: boolean } }[] | null }[] };
    return items.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions.ready)
      .length;
  }
});

function isOf<K extends Sighting['kind']>(
  seen: Sighting,
  pod: string,
  kind: K,
): seen is Extract<Sighting, { kind: K }> {
  return seen.pod === pod && seen.kind === kind;
}

function isState(seen: Sighting, pod: string, state: string): boolean {
  return isOf(seen, pod, 'state') && seen.state === state;
}

/** The most of these times that lie within one window. */
function mostWithin(times: number[], windowMs: number): number {
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length));
}
