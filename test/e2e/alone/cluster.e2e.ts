import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { busyboxImage, until, useCluster, useLocal, type LocalCluster } from '../../cluster/index.js';
import { findHolder } from '../../cluster/enclosure.js';
import { processes } from '../../cluster/processes.js';
import { projectRoot, settingsFrom } from '../../cluster/settings.js';
import { statusOf } from '../../cluster/status.js';

/** A cluster of the test's own, so that another that is up stays as it is. */
const env = { ...process.env, SLUICE_CLUSTER: 'selftest' };
const settings = settingsFrom(env);
const shell = { env, say: () => undefined };
const sysctls = (): string[] =>
  ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops'].map((name) =>
    readFileSync(`/proc/sys/${name}`, 'utf8'),
  );
const sysctlsBefore = sysctls();

jest.setTimeout(180_000);
let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await useLocal(shell);
  await untilWebServes();
}, 30 * 60_000); // The first time ever it builds the programs.
afterAll(async () => {
  await cluster.down();
}, 60_000);

describe('a cluster that is up', () => {
  it('runs pods with a native sidecar, a claim and no root', async () => {
    const pods = await cluster.kubectl(['get', 'pods', '-l', 'app=web', '--no-headers']);
    expect(pods.trim().split('\n')).toHaveLength(3);
    expect(pods.match(/2\/2 +Running/g)).toHaveLength(3);
    const claims = await cluster.kubectl(['get', 'pvc', '--no-headers']);
    expect(claims.match(/Bound/g)).toHaveLength(3);
    await cluster.kubectl(['exec', 'web-0', '-c', 'main', '--', 'touch', '/data/written']);
  });

  it('reaches each pod through the Service, from its network and from a pod', async () => {
    const ip = await cluster.kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}']);
    const fromNetwork = await until(
      'answers of all three pods',
      async () => {
        const answers = new Set<string>();
        for (let call = 0; call < 30; call += 1) {
          answers.add((await cluster.runInNetwork('busybox', ['wget', '-qO-', `http://${ip}/`])).trim());
        }
        return answers.size === 3 ? [...answers].sort() : undefined;
      },
      { timeoutMs: 20_000 },
    );
    expect(fromNetwork).toEqual(['web-0', 'web-1', 'web-2']);
    // Through DNS, and in the case of one in three back into the pod itself.
    const loop = 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do wget -qO- http://web/ || exit 1; done';
    const fromPod = await cluster.kubectl(['exec', 'web-0', '-c', 'main', '--', 'sh', '-c', loop]);
    expect(fromPod.trim().split('\n')).toHaveLength(12);
  });

  it('names each pod in DNS', async () => {
    const name = 'web-1.web-headless.default.svc.cluster.local';
    const answer = await cluster.kubectl(['exec', 'web-0', '-c', 'main', '--', 'nslookup', name]);
    const ip = await cluster.kubectl(['get', 'pod', 'web-1', '-o', 'jsonpath={.status.podIP}']);
    expect(answer).toContain(`Address: ${ip}`);
  });

  it('serves logs, exec with input, and the API server’s way to a Service', async () => {
    expect(await cluster.kubectl(['logs', 'web-0', '-c', 'main'])).toBe('started\n');
    const echo = ['exec', '-i', 'web-0', '-c', 'main', '--', 'cat'];
    expect(await cluster.kubectl(echo, { stdin: 'said' })).toBe('said');
    const path = '/api/v1/namespaces/default/services/web:80/proxy/';
    expect(await cluster.kubectl(['get', '--raw', path])).toMatch(/^web-\d\n$/);
  });

  it('lets nothing out: not to the host, not beyond', async () => {
    const server = createServer((socket) => socket.end('reached'));
    const listening = Promise.withResolvers<undefined>();
    server.listen(0, settings.hostAddress, () => {
      listening.resolve(undefined);
    });
    await listening.promise;
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    try {
      const outside = Object.values(networkInterfaces())
        .flat()
        .find((entry) => entry?.family === 'IPv4' && !entry.internal && !entry.address.startsWith('10.231.'));
      // 192.0.2.1 is an address for documentation, which leads nowhere: here there is not even a route to it.
      for (const target of [settings.hostAddress, outside?.address ?? '192.0.2.1', '192.0.2.1']) {
        const words = ['timeout', '5', 'nc', target, String(port)];
        const fromPod = await cluster.tryKubectl(['exec', 'web-0', '-c', 'main', '--', ...words]);
        expect({ target, ...fromPod, stderr: '' }).toEqual({ target, code: 1, stdout: '', stderr: '' });
        await expect(cluster.runInNetwork('busybox', words)).rejects.toThrow(/refused|unreachable/);
      }
    } finally {
      server.close();
    }
  });

  it('is left as it is by a second up', async () => {
    const before = await statusOf(settings);
    await useLocal(shell);
    expect(await statusOf(settings)).toEqual(before);
  });

  it('shows a container’s processes, and a crash of all of them', async () => {
    const id = (): Promise<string> => {
      const path =
        'jsonpath={.status.initContainerStatuses[0].containerID} {.status.initContainerStatuses[0].restartCount}';
      return cluster.kubectl(['get', 'pod', 'web-2', '-o', path]);
    };
    const [before = ''] = (await id()).split(' ');
    expect(cluster.processesOfContainer(before).length).toBeGreaterThan(0);
    expect(await cluster.killContainer(before)).toBeGreaterThan(0);
    expect(cluster.processesOfContainer(before)).toEqual([]);
    const restarted = async (): Promise<true | undefined> => ((await id()).endsWith(' 1') ? true : undefined);
    await until('the restart', restarted, { timeoutMs: 30_000 });
  });
});

it('the cluster of a context is used through kubectl and helm alone', async () => {
  const names = ['SLUICE_IMAGE', 'FLEET_IMAGE', 'EMQX_IMAGE_FROM', 'EMQX_IMAGE_TO', 'EMQX_LICENSE'];
  const images = Object.fromEntries(names.map((name) => [name, 'any']));
  const given = await useCluster({
    ...shell,
    env: { ...env, ...images, CONTEXT: 'sluice', KUBECONFIG: settings.kubeconfig },
  });
  expect(given.kind).toBe('given');
  expect(await given.kubectl(['get', 'nodes', '-o', 'name'])).toBe(`node/${settings.nodeName}\n`);
  expect(JSON.parse(await given.helm(['list', '--output', 'json']))).toEqual([]);
  expect(await given.get(['service', 'kubernetes'])).toMatchObject({ kind: 'Service' });
});

describe('an image of the project’s own', () => {
  it('is built without a registry, runs as a user, and is not built again while it is the same', async () => {
    const folder = join(projectRoot(), 'out', 'e2e', 'image');
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, 'hello.js'),
      'console.log(process.version, process.getuid()); setInterval(() => {}, 1000);',
    );
    const lines = [
      'ARG NODE_IMAGE=node:24',
      'FROM ${NODE_IMAGE}',
      'COPY hello.js /',
      'USER 1000:1000',
      'CMD ["node", "/hello.js"]',
    ];
    writeFileSync(join(folder, 'Dockerfile'), lines.join('\n'));
    const image = { name: 'localhost/hello:1', dockerfile: join(folder, 'Dockerfile'), context: folder };
    await cluster.loadImage(image);
    await cluster.kubectl(['run', 'hello', '--image', image.name]);
    await cluster.kubectl(['wait', 'pod/hello', '--for=condition=Ready', '--timeout=60s']);
    const logs = (): Promise<string> => cluster.kubectl(['logs', 'hello']);
    const line = await until('its line', async () => (await logs()) || undefined, { timeoutMs: 10_000 });
    expect(line).toMatch(/^v24\.\d+\.\d+ 1000\n$/);
    const begun = performance.now();
    await cluster.loadImage(image);
    expect(performance.now() - begun).toBeLessThan(3_000);
  });
});

describe('whatever was left', () => {
  it.each(['kubelet', 'kube-apiserver', 'containerd', 'etcd'])(
    'after a crash of %s, up makes a working cluster',
    async (name) => {
      const pid = (await statusOf(settings)).components[name];
      process.kill(pid ?? 0, 'SIGKILL');
      await until('its end', async () => ((await statusOf(settings)).components[name] ? undefined : true), {
        timeoutMs: 5_000,
      });
      await useLocal(shell);
      expect(Object.values((await statusOf(settings)).components)).not.toContain(undefined);
      await cluster.kubectl(['run', 'again', '--image', busyboxImage, '--', 'sleep', '60']);
      await cluster.kubectl(['wait', 'pod/again', '--for=condition=Ready', '--timeout=60s']);
    },
    120_000,
  );

  it.each([200, 500, 1_000, 2_000, 4_000])(
    'of an up that was killed after %i ms, down leaves nothing',
    async (ms) => {
      await cluster.down();
      await killUpAfter(ms);
      await cluster.down();
      // A command that the killed one was waiting for finds nobody and ends by itself.
      await until('nothing left', () => (leftovers().length === 0 ? true : undefined), { timeoutMs: 10_000 });
    },
  );

  it.each([1_000, 3_000])(
    'of an up that was killed after %i ms, the next up makes a working cluster',
    async (ms) => {
      await cluster.down();
      await killUpAfter(ms);
      await useLocal(shell);
      await untilWebServes();
    },
  );

  it('of an up that was killed while it made its first objects, the next up makes a working cluster', async () => {
    await cluster.down();
    const up = await startUp();
    const first = async () => (await cluster.kubectl(['get', 'storageclass', '--output=name'])) || undefined;
    await until('the first object', first, { timeoutMs: 30_000, everyMs: 10 });
    await up.kill();
    await useLocal(shell);
    await untilWebServes();
  });

  it('down takes away every process, mount, namespace, device, cgroup and file, and what ran in its network', async () => {
    await useLocal(shell);
    await untilWebServes();
    const stray = cluster.spawnInNetwork('sleep', ['600'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => stray.on('close', resolve));
    expect(leftovers()).not.toEqual([]);
    await cluster.down();
    expect(leftovers()).toEqual([]);
    await ended;
    expect(sysctls()).toEqual(sysctlsBefore);
  });
});

/** All on this machine that bears the cluster's name. */
function leftovers(): string[] {
  const { name, stateDir, netns, hostDevice, cgroup } = settings;
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(stateDir) || line.includes(netns));
  const running = processes().filter(({ argv }) => argv.some((word) => word.includes(stateDir)));
  const controllers = readdirSync('/sys/fs/cgroup').map((controller) =>
    join('/sys/fs/cgroup', controller, cgroup),
  );
  const paths = [stateDir, `/run/netns/${netns}`, `/sys/class/net/${hostDevice}`, ...controllers].filter(
    (path) => existsSync(path),
  );
  const holder = findHolder(settings);
  return [
    ...mounts,
    ...running.map(({ argv }) => argv.join(' ')),
    ...paths,
    ...(holder ? [`holder of ${name}`] : []),
  ];
}

/** Starts `up` as a user does. */
async function startUp(): Promise<{ kill: () => Promise<unknown> }> {
  const command = join(projectRoot(), 'out', 'e2e', 'cluster.mjs');
  const entry = join(projectRoot(), 'test', 'cluster', 'main.ts');
  const form = { bundle: true, platform: 'node', format: 'esm', packages: 'external' } as const;
  await build({ ...form, entryPoints: [entry], outfile: command });
  const child = spawn(process.execPath, [command, 'up'], { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('close', resolve));
  return {
    kill() {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

/** Here the moment is what is meant: a crash does not wait for a condition. */
async function killUpAfter(ms: number): Promise<void> {
  const up = await startUp();
  await sleep(ms);
  await up.kill();
}

/** A StatefulSet with claims runs, which takes all that a cluster has. */
async function untilWebServes(): Promise<void> {
  await cluster.apply(webObjects());
  await cluster.kubectl(['rollout', 'status', 'statefulset/web', '--timeout=60s']);
}

function webObjects(): object[] {
  const ports = [{ port: 80, targetPort: 8080 }];
  const metadata = (name: string) => ({ name, namespace: 'default' });
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: {
      securityContext: { runAsUser: 1000, runAsNonRoot: true },
      terminationGracePeriodSeconds: 1,
      initContainers: [
        { name: 'side', image: busyboxImage, restartPolicy: 'Always', command: ['sleep', '100000'] },
      ],
      containers: [
        {
          name: 'main',
          image: busyboxImage,
          command: [
            'sh',
            '-c',
            'mkdir /tmp/web; hostname > /tmp/web/index.html; echo started; exec httpd -f -p 8080 -h /tmp/web',
          ],
          readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
    },
  };
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata('web'),
      spec: { selector: { app: 'web' }, ports },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata('web-headless'),
      spec: { clusterIP: 'None', selector: { app: 'web' }, ports },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: metadata('web'),
      spec: {
        replicas: 3,
        serviceName: 'web-headless',
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: { app: 'web' } },
        template,
        volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim }],
      },
    },
  ];
}
