import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { LocalCluster } from '../cluster/index.js';
import { EMQX, IMAGES, loadEmqx, makeNamespace } from '../demo/emqx.js';
import type { Scene } from '../demo/scene.js';
import { ask } from './support/ask.js';
import { crowdOn } from './support/crowd.js';
import type { Crowd } from './support/crowd.js';
import { applyFile, exampleOf } from './support/example.js';
import { dropNamespaces } from './support/namespaces.js';
import { useSluice } from './support/sluice.js';

jest.setTimeout(400_000);

const NAMESPACE = {
  values: 'e2e-bad-values',
  input: 'e2e-bad-input',
  key: 'e2e-bad-key',
  pod: 'e2e-bad-pod',
};
const CLIENTS = 40;
/** The second pod's EMQX ends as soon as it begins. */
const CRASHING = ['sh', '-c', 'case $POD_NAME in *-1) exit 3;; esac; exec node /opt/standin/standin.cjs'];

let cluster: LocalCluster;
let withKey: Crowd | undefined;
beforeAll(async () => {
  cluster = await useSluice();
  await loadEmqx(cluster);
  for (const namespace of Object.values(NAMESPACE)) await makeNamespace(cluster, namespace);
  // All at once, and looked at one after the other: the starts take longer than the looking.
  await applyFile(cluster, NAMESPACE.input, exampleOf({ nodes: 2 }));
  await applyFile(cluster, NAMESPACE.key, exampleOf({ nodes: 2 }));
  await applyFile(cluster, NAMESPACE.pod, exampleOf({ nodes: 2, command: CRASHING }));
}, 30 * 60_000);
afterAll(async () => {
  await withKey?.leave();
  await dropNamespaces(cluster, ...Object.values(NAMESPACE));
}, 120_000);

describe('a BlueGreen is refused, naming the field and what is allowed', () => {
  it.each([
    ['connEvictRate', { evacuationStrategy: { connEvictRate: 0 } }],
    ['connEvictRate', { evacuationStrategy: { connEvictRate: -5 } }],
    ['sessEvictRate', { evacuationStrategy: { sessEvictRate: 0 } }],
    ['waitTakeover', { evacuationStrategy: { waitTakeover: -1 } }],
    ['initialDelaySeconds', { initialDelaySeconds: -1 }],
  ])('%s in %j', async (field, updateStrategy) => {
    const [blueGreen] = exampleOf({ nodes: 1 });
    const stdin = JSON.stringify({ ...blueGreen, spec: { updateStrategy } });
    const apply = ['--namespace', NAMESPACE.values, 'apply', '--filename', '-'];
    const { code, stderr } = await cluster.tryKubectl(apply, { stdin });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(
        `spec\\.updateStrategy\\.(evacuationStrategy\\.)?${field}: Invalid value: .*${field} must be at least`,
      ),
    );
  });
});

/** What needs a kubelet's patience: the key is mended here, and looked at again when the other tests are done. */
describe('a wrong API key', () => {
  const kubectl = (...words: string[]) => cluster.kubectl(['--namespace', NAMESPACE.key, ...words]);
  const merge = (object: object) => ['--type=merge', '--patch', JSON.stringify(object)];

  it('leaves blue serving, and the message says what is wrong and what to do', async () => {
    withKey = await crowdOn(cluster, NAMESPACE.key, { clients: CLIENTS, isServed: isStable });
    const wrong = ['--from-literal=key=mine', '--from-literal=secret=unknown'];
    await kubectl('create', 'secret', 'generic', 'mine', ...wrong);
    await kubectl(
      'patch',
      'bluegreen',
      EMQX.name,
      ...merge({ spec: { emqx: { apiKeySecret: { name: 'mine' } } } }),
    );
    await kubectl('rollout', 'restart', `statefulset/${EMQX.name}`);
    await saysOf(
      withKey,
      /EMQX in pod emqx-\w+-\d refuses the API key: .*; put a key that EMQX knows .* spec\.emqx\.apiKeySecret/,
    );
    expectUntouched(withKey);
    // The key that EMQX was bootstrapped with will do.
    const { data } = (await cluster.get([
      '--namespace',
      NAMESPACE.key,
      'secret',
      `${EMQX.name}-sluice-api-key`,
    ])) as {
      data: object;
    };
    await kubectl('patch', 'secret', 'mine', ...merge({ data }));
  });
});

describe('blue goes on serving, and the message says what is wrong and what to do', () => {
  let crowd: Crowd;
  const kubectl = (...words: string[]) => cluster.kubectl(['--namespace', NAMESPACE.input, ...words]);
  beforeAll(async () => {
    crowd = await crowdOn(cluster, NAMESPACE.input, { clients: CLIENTS, isServed: isStable });
  }, 180_000);
  afterAll(() => crowd.leave());

  it('when green has an image that cannot be had, until the edit is undone', async () => {
    const image = 'localhost:1/emqx-enterprise:5.8.9';
    await kubectl('set', 'image', `statefulset/${EMQX.name}`, `${EMQX.container}=${image}`);
    await saysOf(
      crowd,
      /emqx-\w+-\d cannot run image localhost:1\/emqx-enterprise:5\.8\.9: \w+ in container emqx; correct the image/,
    );
    expectUntouched(crowd);
    await kubectl('rollout', 'undo', `statefulset/${EMQX.name}`);
    await crowd.until('green is gone', () => isStable(crowd.scene) && crowd.scene.pods.size === 2);
    expectUntouched(crowd);
  });

  it("when green's EMQX does not answer its API, until the edit is undone", async () => {
    await kubectl('set', 'env', `statefulset/${EMQX.name}`, 'STANDIN_API=hang');
    await saysOf(crowd, silent('emqx-\\w+-\\d'));
    expectUntouched(crowd);
    await kubectl('set', 'env', `statefulset/${EMQX.name}`, 'STANDIN_API-');
    // Its pods hold on for noRecipientSeconds: what cannot be asked might yet hold somebody.
    await crowd.until('blue is what is wanted', () => isStable(crowd.scene));
    expectUntouched(crowd);
  });

  it("when blue's EMQX does not answer its API; once it does, the upgrade goes on", async () => {
    const blue = [...crowd.scene.pods.values()].filter(({ revision }) => crowd.blue.has(revision));
    await Promise.all(blue.map(({ address }) => turn(address, { api: 'hang' })));
    await kubectl('set', 'image', `statefulset/${EMQX.name}`, `${EMQX.container}=${IMAGES.to}`);
    await saysOf(crowd, silent(blue.map(({ name }) => name).join('|')));
    expectUntouched(crowd);
    await Promise.all(blue.map(({ address }) => turn(address, { api: 'up' })));
    await expectMoved(crowd, { minReadyEndpoints: 2, timeoutMs: 150_000 });
  });
});

describe('one crash-looping blue pod', () => {
  it('does not keep the edit that repairs it from succeeding', async () => {
    const crowd = await crowdOn(cluster, NAMESPACE.pod, {
      clients: CLIENTS,
      isServed: ({ endpoints }) => endpoints?.ready.length === 1,
    });
    try {
      await saysOf(
        crowd,
        /emqx-\w+-1 is crash-looping: container emqx ended with exit code 3, \d+ restarts; its log says why/,
      );
      await applyFile(cluster, NAMESPACE.pod, exampleOf({ nodes: 2 }));
      await expectMoved(crowd, { minReadyEndpoints: 1 });
    } finally {
      await crowd.leave();
    }
  });
});

describe('a wrong API key that was mended', () => {
  it('lets the upgrade go on, once the kubelet has brought it to the pods', async () => {
    expect(withKey).toBeDefined();
    if (withKey) await expectMoved(withKey, { minReadyEndpoints: 2, timeoutMs: 240_000 });
  });
});

function isStable({ blueGreen }: Scene): boolean {
  return blueGreen?.phase === 'Stable' && blueGreen.active !== '' && blueGreen.active === blueGreen.wanted;
}

/** While EMQX starts there is another reason than the time that has passed. */
function silent(pods: string): RegExp {
  return new RegExp(
    `EMQX's API in pod (${pods}) does not answer yet: .* due to timeout; .*check spec\\.emqx\\.apiPort and EMQX's log`,
  );
}

async function saysOf(crowd: Crowd, message: RegExp): Promise<void> {
  const said = (): string => crowd.scene.blueGreen?.message ?? '';
  await crowd
    .until(String(message), () => message.test(said()))
    .catch((cause: unknown) => {
      throw new Error(`the message is: ${said()}`, { cause });
    });
}

function expectUntouched(crowd: Crowd): void {
  expect(crowd.disconnects()).toBe(0);
  expect(crowd.minReadyEndpoints()).toBe(2);
}

/** Nothing of blue is left, each client has moved once, and found its session. */
async function expectMoved(
  crowd: Crowd,
  { minReadyEndpoints, timeoutMs }: { minReadyEndpoints: number; timeoutMs?: number },
): Promise<void> {
  const { scene, blue } = crowd;
  const isMoved = (): boolean =>
    isStable(scene) &&
    scene.pods.size === 2 &&
    [...scene.pods.values()].every(({ revision }) => !blue.has(revision));
  await crowd.until('the upgrade', isMoved, timeoutMs);
  expect(crowd.minReadyEndpoints()).toBe(minReadyEndpoints);
  await crowd.until('all clients are back', () => scene.second?.connected === CLIENTS);
  const result = await crowd.leave();
  expect(result.disconnectsPerClient.max).toBe(1);
  expect(crowd.refusals()).toBe(0);
  expect(result.sessionsLost).toBe(0);
  expect(result.messages.lost).toBe(0);
}

/** Gives a stand-in one of its unkind habits, or takes it away. */
async function turn(address: string, habits: object): Promise<void> {
  const url = `http://${address}:18099/switches`;
  expect(await ask(cluster, { method: 'PUT', url, body: habits })).toMatchObject({ status: 200 });
}
