import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { until, type LocalCluster } from '../cluster/index.js';
import { EMQX, loadEmqx, makeNamespace } from '../demo/emqx.js';
import { crowdOn } from './support/crowd.js';
import { applyFile, DATA, exampleOf, QUICK } from './support/example.js';
import { dropNamespaces } from './support/namespaces.js';
import { useSluice } from './support/sluice.js';

jest.setTimeout(240_000);

const NAMESPACE = 'e2e-claims';
const NODES = 2;
const CLIENTS = 20;
/** What the README calls about a minute: noRecipientSeconds, EMQX's stop, and the rest for a busy machine. */
const MINUTE_MS = 90_000;

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await useSluice();
  await loadEmqx(cluster);
  await makeNamespace(cluster, NAMESPACE);
}, 30 * 60_000);
afterAll(async () => {
  if (await isThere()) await dropNamespaces(cluster, NAMESPACE);
}, 120_000);

const isThere = async (): Promise<boolean> =>
  (await cluster.kubectl(['get', 'namespace', NAMESPACE, '--ignore-not-found', '--output=name'])) !== '';

const kubectl = (...words: string[]): Promise<string> =>
  cluster.kubectl(['--namespace', NAMESPACE, ...words]);

/** The example whose nodes keep their data on a claim each. */
const file = () => exampleOf({ nodes: NODES, waitTakeoverSeconds: 1, env: { ...QUICK }, onClaims: true });

interface Status {
  phase?: string;
  active?: string;
  nodes?: string;
  nodeEvacuationsStatus?: object[];
  emqxNodes?: { connections?: number }[];
}

function untilStable(isExpected: (active: string) => boolean): Promise<Status> {
  return until(
    'Stable',
    async () => {
      const { code, stdout } = await cluster.tryKubectl([
        ...['--namespace', NAMESPACE, 'get', 'bluegreen', EMQX.name, '--output=json'],
      ]);
      const { status = {} } = code === 0 ? (JSON.parse(stdout) as { status?: Status }) : {};
      const { phase, active = '', nodes } = status;
      return phase === 'Stable' && nodes === `${NODES}/${NODES}` && isExpected(active) ? status : undefined;
    },
    { timeoutMs: 120_000 },
  );
}

/** Names and uids of the claims. */
async function claims(): Promise<Record<string, string>> {
  const { items } = (await cluster.get(['--namespace', NAMESPACE, 'persistentvolumeclaims'])) as {
    items: { metadata: { name: string; uid: string } }[];
  };
  return Object.fromEntries(items.map(({ metadata: { name, uid } }) => [name, uid]));
}

const ofSet = (set: string): string[] => Array.from({ length: NODES }, (_, n) => `${DATA}-${set}-${n}`);

/** Deletes the declaration; resolves when nothing of it runs. */
async function deleteDeclaration(...words: string[]): Promise<void> {
  await kubectl('delete', 'statefulset', EMQX.name, ...words);
  await until(
    'no pod and no set is left',
    async () => ((await kubectl('get', 'pods,statefulsets', '--output=name')) === '' ? true : undefined),
    { timeoutMs: MINUTE_MS },
  );
}

describe('claims of revision sets', () => {
  let active = '';

  it('go with the nodes of a set that was left', async () => {
    await applyFile(cluster, NAMESPACE, file());
    const { active: blue = '' } = await untilStable(Boolean);
    expect(Object.keys(await claims()).sort()).toEqual(ofSet(blue));
    await kubectl('set', 'env', `statefulset/${EMQX.name}`, 'EDIT=1');
    active = (await untilStable((name) => name !== blue)).active ?? '';
    await until(
      'the claims of blue are gone',
      async () =>
        Object.keys(await claims())
          .sort()
          .join() === ofSet(active).join()
          ? true
          : undefined,
      { timeoutMs: 60_000 },
    );
    expect(await kubectl('get', 'statefulset', blue, '--output=jsonpath={.spec.replicas}')).toBe('0');
  });

  it('outlive the declaration, and the next one of its name starts on them, open for clients', async () => {
    const before = await claims();
    await deleteDeclaration();
    expect(await claims()).toEqual(before);
    await applyFile(cluster, NAMESPACE, file());
    const after = await untilStable(Boolean);
    // Its template is another one; the name is that of the claims.
    expect(after.active).toBe(active);
    expect(await claims()).toEqual(before);
    // The drains of the former pods left their mark on the claims.
    expect(after.nodeEvacuationsStatus).toEqual([]);
  });

  it('are kept by the sets of a declaration deleted with --cascade=orphan, which the next one takes over', async () => {
    const before = await claims();
    const uids = await kubectl('get', 'pods', '--output=jsonpath={.items[*].metadata.uid}');
    await kubectl('delete', 'statefulset', EMQX.name, '--cascade=orphan');
    await applyFile(cluster, NAMESPACE, file());
    await untilStable((name) => name === active);
    await until(
      'the set is owned',
      async () => {
        const owner = ['get', 'statefulset', active, '--output=jsonpath={.metadata.ownerReferences[0].uid}'];
        const uid = ['get', 'statefulset', EMQX.name, '--output=jsonpath={.metadata.uid}'];
        return (await kubectl(...owner)) === (await kubectl(...uid)) ? true : undefined;
      },
      { timeoutMs: 30_000 },
    );
    expect(await claims()).toEqual(before);
    expect(await kubectl('get', 'pods', '--output=jsonpath={.items[*].metadata.uid}')).toBe(uids);
  });

  it('go with the declaration where spec.claimsOnDelete says so', async () => {
    const patch = JSON.stringify({ spec: { claimsOnDelete: 'Delete' } });
    await kubectl('patch', 'bluegreen', EMQX.name, '--type=merge', '--patch', patch);
    await until(
      'the claims are owned by the declaration',
      async () => {
        const owners = '--output=jsonpath={.items[*].metadata.ownerReferences[0].name}';
        return (await kubectl('get', 'persistentvolumeclaims', owners)) === `${EMQX.name} ${EMQX.name}`
          ? true
          : undefined;
      },
      { timeoutMs: 60_000 },
    );
    // But not with their set alone.
    const before = await claims();
    const uid = (): Promise<string> =>
      kubectl('get', 'statefulset', active, '--ignore-not-found', '--output=jsonpath={.metadata.uid}');
    const deleted = await uid();
    await kubectl('delete', 'statefulset', active);
    await until(
      'the set is there again',
      async () => (['', deleted].includes(await uid()) ? undefined : true),
      { timeoutMs: MINUTE_MS },
    );
    await untilStable((name) => name === active);
    expect(await claims()).toEqual(before);
    await deleteDeclaration();
    await until(
      'no claim is left',
      async () => (Object.keys(await claims()).length === 0 ? true : undefined),
      { timeoutMs: 30_000 },
    );
  });
});

describe('a namespace', () => {
  it('goes in about a minute, though its pods may drain for an hour', async () => {
    await applyFile(cluster, NAMESPACE, file());
    await untilStable(Boolean);
    // Sessions with nowhere to go: their pods outlast the first look of Kubernetes, which would be the last for minutes.
    const crowd = await crowdOn(cluster, NAMESPACE, {
      clients: CLIENTS,
      isServed: ({ endpoints }) => endpoints?.ready.length === NODES,
    });
    await crowd.leave();
    await until(
      'sessions are left',
      async () => {
        const { emqxNodes = [] } = await untilStable(Boolean);
        return emqxNodes.some(({ connections = 0 }) => connections > 0) ? true : undefined;
      },
      { timeoutMs: 60_000 },
    );
    await cluster.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
    await until('the namespace is gone', async () => ((await isThere()) ? undefined : true), {
      timeoutMs: MINUTE_MS,
    });
  });
});
