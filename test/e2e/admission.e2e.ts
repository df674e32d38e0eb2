import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { until, useLocal, busyboxImage, type LocalCluster } from '../cluster/index.js';
import { installSluice } from '../demo/install.js';

/** A cluster of the test's own: what is installed here sees every StatefulSet of it. */
const env = { ...process.env, SLUICE_CLUSTER: 'admission' };
const say = (): void => undefined;
const NAMESPACE = 'mqtt';
const SYSTEM = 'sluice-system';

jest.setTimeout(60_000);
let cluster: LocalCluster;

/** A StatefulSet and a Service in one file; the pods only have the looks of EMQX, and crash. */
function file({ name = 'emqx', image = busyboxImage, labels = {}, replicas = 2 } = {}): string {
  const ports = [
    { name: 'mqtt', containerPort: 1883 },
    { name: 'dashboard', containerPort: 18083 },
  ];
  const selector = { app: name };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name },
        spec: { selector, ports: [{ name: 'mqtt', port: 1883 }] },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name, labels: { app: name, ...labels } },
        spec: {
          replicas,
          serviceName: `${name}-headless`,
          updateStrategy: { type: 'RollingUpdate' },
          selector: { matchLabels: selector },
          template: {
            metadata: { labels: selector },
            spec: { containers: [{ name: 'emqx', image, command: ['false'], ports }] },
          },
        },
      },
    ],
  });
}
const declared = (image?: string): string =>
  file({ labels: { 'sluice.dev/upgrade': 'blue-green' }, ...(image ? { image } : {}) });

const kubectl = (...words: string[]): Promise<string> =>
  cluster.kubectl(['--namespace', NAMESPACE, ...words]);
const tried = (...words: string[]): ReturnType<LocalCluster['tryKubectl']> =>
  cluster.tryKubectl(['--namespace', NAMESPACE, ...words]);
const apply = (text: string, ...words: string[]): Promise<string> =>
  cluster.kubectl(['--namespace', NAMESPACE, 'apply', '--filename', '-', ...words], { stdin: text });
const read = (path: string, ...words: string[]): Promise<string> =>
  kubectl('get', ...words, '--output', `jsonpath={${path}}`);
const annotation = (name: string): Promise<string> =>
  read(`.metadata.annotations.sluice\\.dev/${name}`, 'statefulset', 'emqx');
const setNames = async (): Promise<string[]> =>
  (await read('.items[*].metadata.name', 'statefulsets', '--selector', 'sluice.dev/declaration=emqx'))
    .split(' ')
    .filter(Boolean);

beforeAll(async () => {
  cluster = await useLocal({ env, say });
  const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM, labels: restricted } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
  ]);
  await installSluice(cluster, { say });
  await apply(declared());
  await until('a revision set', async () => ((await setNames()).length === 1 ? true : undefined), {
    timeoutMs: 20_000,
  });
}, 30 * 60_000);

afterAll(async () => {
  await cluster.down();
}, 60_000);

describe('the installation', () => {
  it('runs two of each in a namespace with Pod Security restricted, of which none restarted', async () => {
    const pods = await cluster.kubectl(['-n', SYSTEM, 'get', 'pods', '--no-headers']);
    expect(pods.match(/1\/1 +Running +0/g)).toHaveLength(4);
  });

  it.each(['sluice-controller', 'sluice-webhook'])(
    'lets %s read and change no Secret of others',
    async (account) => {
      for (const verb of ['get', 'list', 'watch', 'patch', 'update', 'delete']) {
        const as = `--as=system:serviceaccount:${SYSTEM}:${account}`;
        const { stdout } = await tried('auth', 'can-i', verb, 'secrets', as);
        expect(`${verb}: ${stdout.trim()}`).toBe(`${verb}: no`);
      }
    },
  );
});

describe('a declaration', () => {
  it('is held at 0, and its set has the name that admission foretold', async () => {
    expect(await read('.spec.replicas', 'statefulset', 'emqx')).toBe('0');
    expect(await read('.spec.updateStrategy.rollingUpdate.partition', 'statefulset', 'emqx')).toBe(
      '2147483647',
    );
    expect(await annotation('replicas')).toBe('2');
    expect(await setNames()).toEqual([`emqx-${await annotation('revision')}`]);
  });

  it('may be applied again and again, by the client, by the server without force, and starts nothing', async () => {
    const [generation, sets] = [await read('.metadata.generation', 'statefulset', 'emqx'), await setNames()];
    await apply(declared());
    await apply(declared(), '--server-side');
    await apply(declared(), '--server-side');
    await apply(declared(), '--server-side', '--field-manager', 'another');
    const words = ['--namespace', NAMESPACE, 'diff', '--server-side', '--filename', '-'];
    expect(await cluster.tryKubectl(words, { stdin: declared() })).toMatchObject({ code: 0, stdout: '' });
    expect(await read('.metadata.generation', 'statefulset', 'emqx')).toBe(generation);
    expect(await setNames()).toEqual(sets);
    expect(await read('.spec.selector', 'service', 'emqx')).toContain('sluice.dev/revision');
  });

  it('says where a change of its template went, and it goes there', async () => {
    const before = await setNames();
    const { stderr } = await tried('set', 'env', 'statefulset/emqx', 'A=b');
    const foretold = `emqx-${await annotation('revision')}`;
    expect(stderr).toContain(
      `Warning: sluice: template change redirected to green StatefulSet ${foretold} (2 nodes declared); nothing restarts. ` +
        'Follow: kubectl get bluegreen emqx -w',
    );
    expect(before).not.toContain(foretold);
    await until('the green set', async () => ((await setNames()).includes(foretold) ? true : undefined), {
      timeoutMs: 40_000, // first the pods there must be seen to crash
    });
    await kubectl('rollout', 'undo', 'statefulset/emqx');
    expect(`emqx-${await annotation('revision')}`).toBe(before[0]);
  });

  it('is scaled through its BlueGreen', async () => {
    const { stderr } = await tried('scale', 'statefulset/emqx', '--replicas=1');
    expect(stderr).toContain('1 replicas recorded in bluegreen/emqx');
    expect(await read('.spec.replicas', 'statefulset', 'emqx')).toBe('0');
    expect(await read('.spec.replicas', 'bluegreen', 'emqx')).toBe('1');
    await apply(declared(), '--server-side'); // the file still says 2, as it did before
    expect(await read('.spec.replicas', 'bluegreen', 'emqx')).toBe('1');
  });

  it('has sets that nobody else changes', async () => {
    const [set = ''] = await setNames();
    const { code, stderr } = await tried('set', 'image', `statefulset/${set}`, 'emqx=x');
    expect(code).not.toBe(0);
    expect(stderr).toContain(`statefulset/${set} belongs to statefulset/emqx; change that one`);
    await kubectl('annotate', `statefulset/${set}`, 'note=mine');
  });

  it('has a Service that keeps its revision', async () => {
    const before = await read('.spec.selector', 'service', 'emqx');
    const drop = { metadata: { labels: null }, spec: { selector: { 'sluice.dev/revision': null } } };
    await kubectl('patch', 'service', 'emqx', '--type', 'merge', '--patch', JSON.stringify(drop));
    expect(await read('.spec.selector', 'service', 'emqx')).toBe(before);
    expect(await read('.metadata.labels.sluice\\.dev/managed', 'service', 'emqx')).toBe('true');
  });
});

describe('a StatefulSet that is none of ours', () => {
  it('is scaled as ever, also beside a BlueGreen that waits for it', async () => {
    const blueGreen = {
      apiVersion: 'sluice.dev/v1alpha1',
      kind: 'BlueGreen',
      metadata: { name: 'other', namespace: NAMESPACE },
    };
    await cluster.apply([blueGreen]);
    await apply(file({ name: 'other', replicas: 0 }));
    const { stderr } = await tried('scale', 'statefulset/other', '--replicas=1');
    expect(stderr).toBe('');
    expect(await read('.spec.replicas', 'statefulset', 'other')).toBe('1');
    expect(await read('.metadata.labels', 'statefulset', 'other')).not.toContain('sluice.dev');
  });
});

describe('a BlueGreen', () => {
  it.each<{ spec: object; says: string }>([
    {
      spec: { updateStrategy: { evacuationStrategy: { connEvictRate: 0 } } },
      says: 'connEvictRate must be at least 1',
    },
    {
      spec: { updateStrategy: { evacuationStrategy: { sessEvictRate: -1 } } },
      says: 'sessEvictRate must be at least 1',
    },
    {
      spec: { updateStrategy: { evacuationStrategy: { waitTakeover: -1 } } },
      says: 'waitTakeover must be at least 0',
    },
    { spec: { updateStrategy: { initialDelaySeconds: -1 } }, says: 'initialDelaySeconds must be at least 0' },
    { spec: { noRecipientSeconds: 34 }, says: 'noRecipientSeconds must be at least 35' },
    { spec: { drainTimeoutSeconds: 0 }, says: 'drainTimeoutSeconds must be at least 1' },
    { spec: { progressDeadlineSeconds: 0 }, says: 'progressDeadlineSeconds must be at least 1' },
    { spec: { maxConcurrentDrains: 0 }, says: 'maxConcurrentDrains must be at least 1' },
    { spec: { maxConcurrentDrains: 1001 }, says: 'maxConcurrentDrains must be at most connEvictRate' },
    {
      spec: { promotion: { previewService: 'a' }, services: ['a'] },
      says: 'previewService must not be one of services',
    },
    { spec: { onDrainTimeout: 'Stop' }, says: 'supported values: "Proceed", "Hold"' },
    { spec: { replicas: -1 }, says: 'spec.replicas' },
  ])('is refused with $says', async ({ spec, says }) => {
    const patch = ['--type', 'merge', '--dry-run=server', '--patch', JSON.stringify({ spec })];
    const { code, stderr } = await tried('patch', 'bluegreen', 'emqx', ...patch);
    expect(code).not.toBe(0);
    expect(stderr).toContain(says);
  });

  it('that Sluice made is applied from a file on the server’s side without a conflict, whoever has scaled it', async () => {
    const spec = {
      replicas: 3,
      updateStrategy: { initialDelaySeconds: 5, evacuationStrategy: { waitTakeover: 6, connEvictRate: 200 } },
      drainTimeoutSeconds: 1800,
    };
    const blueGreen = JSON.stringify({
      apiVersion: 'sluice.dev/v1alpha1',
      kind: 'BlueGreen',
      metadata: { name: 'emqx' },
      spec,
    });
    const isFree = async (): Promise<true | undefined> => {
      const fields = await kubectl('get', 'bluegreen', 'emqx', '--show-managed-fields', '--output=json');
      const { metadata } = JSON.parse(fields) as { metadata: { managedFields: object[] } };
      const ours = metadata.managedFields.map((entry) => JSON.stringify(entry));
      return ours.some((entry) => /sluice-/.test(entry) && /f:spec/.test(entry)) ? undefined : true;
    };
    await until('nobody of Sluice owns its spec', isFree, { timeoutMs: 20_000 });
    await apply(blueGreen, '--server-side');
    expect(await read('.spec.updateStrategy.evacuationStrategy.connEvictRate', 'bluegreen', 'emqx')).toBe(
      '200',
    );
    await kubectl('scale', 'statefulset/emqx', '--replicas=1');
    expect(await read('.spec.replicas', 'bluegreen', 'emqx')).toBe('1');
    await until('nobody of Sluice owns its spec', isFree, { timeoutMs: 20_000 });
    await apply(blueGreen, '--server-side');
    expect(await read('.spec.replicas', 'bluegreen', 'emqx')).toBe('3');
  });

  it('explains itself', async () => {
    expect(
      await kubectl('explain', 'bluegreen.spec.updateStrategy.evacuationStrategy.waitTakeover'),
    ).toContain('back-off');
    expect(await kubectl('get', 'bg')).toMatch(/^NAME +PHASE +ACTIVE +WANTED +NODES +CLIENTS LEFT +AGE/);
  });
});

it('stands in no one’s way when a set, or the declaration with all its sets, is deleted', async () => {
  const uids = (): Promise<string> =>
    read('.items[*].metadata.uid', 'statefulsets', '--selector', 'sluice.dev/declaration=emqx');
  const before = (await uids()).split(' ');
  const [set = ''] = await setNames();
  await kubectl('delete', 'statefulset', set, '--cascade=orphan');
  expect((await uids()).split(' ')).not.toContain(before[0]);
  await kubectl('delete', 'statefulset', 'emqx', '--wait=false');
  await until('no set of it', async () => ((await setNames()).length === 0 ? true : undefined), {
    timeoutMs: 40_000,
  });
});
