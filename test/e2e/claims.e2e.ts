import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { until, type LocalCluster } from '../cluster/index.js';
import { EMQX, loadEmqx, makeNamespace } from '../demo/emqx.js';
import { clientsOn, crowdOn, type CrowdOptions } from './support/crowd.js';
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

const WAIT_TAKEOVER_SECONDS = 1;
/** The example whose nodes keep their data on a claim each. */
const file = () =>
  exampleOf({ nodes: NODES, waitTakeoverSeconds: WAIT_TAKEOVER_SECONDS, env: { ...QUICK }, onClaims: true });

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

function setWaitTakeover(waitTakeover: number): Promise<string> {
  const patch = { spec: { updateStrategy: { evacuationStrategy: { waitTakeover } } } };
  return kubectl('patch', 'bluegreen', EMQX.name, '--type=merge', `--patch=${JSON.stringify(patch)}`);
}

/** Deletes the declaration; resolves when nothing of it runs, and its BlueGreen, which is the user's, says so. */
async function deleteDeclaration(...words: string[]): Promise<void> {
  await kubectl('delete', 'statefulset', EMQX.name, ...words);
  await until(
    'no pod and no set is left',
    async () => ((await kubectl('get', 'pods,statefulsets', '--output=name')) === '' ? true : undefined),
    { timeoutMs: MINUTE_MS },
  );
  await until(
    'its BlueGreen is Idle',
    async () => {
      const phase = ['get', 'bluegreen', EMQX.name, '--output=jsonpath={.status.phase} {.status.conditions}'];
      return (await kubectl(...phase)).trim() === 'Idle' ? true : undefined;
    },
    { timeoutMs: 30_000 },
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
    expect(after.nodeEvacuationsStatus).toEqual([]);
  });

  it('serve, and take clients, though a drain that was cut short left its mark on one of them', async () => {
    const isServed: CrowdOptions['isServed'] = ({ endpoints }) => endpoints?.ready.length === NODES;
    const pod = `${active}-1`;
    // Time to look at the mark of a drain that goes on.
    await setWaitTakeover(60);
    const former = await crowdOn(cluster, NAMESPACE, { clients: CLIENTS, isServed });
    const uidOfPod = () =>
      kubectl('get', 'pod', pod, '--ignore-not-found', '--output=jsonpath={.metadata.uid}');
    const uid = await uidOfPod();
    await kubectl('delete', 'pod', pod, '--wait=false');
    const mark = ['exec', pod, `--container=${EMQX.container}`, '--', 'ls', '/opt/emqx/data/.evacuation'];
    await until(
      'its evacuation has left its mark',
      async () => ((await kubectl(...mark)) ? true : undefined),
      {
        timeoutMs: 30_000,
      },
    );
    await kubectl('delete', 'pod', pod, '--force', '--grace-period=0');
    await until(
      'another pod is in its place',
      async () => (['', uid].includes(await uidOfPod()) ? undefined : true),
      { timeoutMs: MINUTE_MS },
    );
    const after = await untilStable((name) => name === active);
    expect(after.nodeEvacuationsStatus).toEqual([]);
    expect(await kubectl('logs', pod, '--container=sluice')).toContain('left-over evacuation stopped');
    await expect(kubectl(...mark)).rejects.toThrow(/No such file/);
    await setWaitTakeover(WAIT_TAKEOVER_SECONDS);
    await former.leave();
    // Who comes now may be sent to either: it is in the endpoints, and nobody is turned away.
    const crowd = await crowdOn(cluster, NAMESPACE, { clients: CLIENTS, isServed, isEmqxWatched: true });
    await crowd.until('clients are on that node', () => clientsOn(crowd.scene, pod) > 0);
    expect(crowd.scene.fleet.flatMap((each) => (each.kind === 'second' ? each.refusals : []))).toEqual([]);
    await crowd.leave();
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

describe('Services of a declaration that is deleted', () => {
  const PREVIEW = 'emqx-preview';
  const selectorOf = async (service: string): Promise<Record<string, string>> =>
    JSON.parse(await kubectl('get', 'service', service, '--output=jsonpath={.spec.selector}')) as Record<
      string,
      string
    >;
  const revisionsOf = async (): Promise<(string | undefined)[]> =>
    (await Promise.all([EMQX.name, PREVIEW].map(selectorOf))).map((keys) => keys['sluice.dev/revision']);

  it('have nothing of Sluice any more, and lead to a StatefulSet of its name without the label', async () => {
    await applyFile(cluster, NAMESPACE, file());
    const { active = '' } = await untilStable(Boolean);
    await kubectl('create', 'service', 'clusterip', PREVIEW, '--tcp=1883');
    const previewService = JSON.stringify({ spec: { promotion: { previewService: PREVIEW } } });
    await kubectl('patch', 'bluegreen', EMQX.name, '--type=merge', '--patch', previewService);
    // kubectl's own selector is app: emqx-preview
    await kubectl(
      'patch',
      'service',
      PREVIEW,
      '--patch',
      JSON.stringify({ spec: { selector: { app: 'emqx' } } }),
    );
    const revision = active.slice(`${EMQX.name}-`.length);
    await until(
      'both Services are pinned',
      async () => ((await revisionsOf()).join() === `${revision},${revision}` ? true : undefined),
      { timeoutMs: 60_000 },
    );
    await deleteDeclaration();
    await until(
      'no trace of Sluice on them',
      async () => {
        const all = ['get', 'services,endpointslices', '--output=json', '--show-managed-fields'];
        return (await kubectl(...all)).includes('sluice') ? undefined : true;
      },
      { timeoutMs: 30_000 },
    );
    expect(await selectorOf(EMQX.name)).toEqual({ app: 'emqx' });
    expect(await selectorOf(PREVIEW)).toEqual({ app: 'emqx' });

    const plain = exampleOf({ nodes: NODES, env: { ...QUICK }, unlabelled: true });
    await applyFile(cluster, NAMESPACE, plain, '--server-side');
    await until(
      'its pods get the clients',
      async () => {
        const slices = ['get', 'endpointslices', `--selector=kubernetes.io/service-name=${EMQX.name}`];
        const ready = '--output=jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].targetRef.name}';
        const names = (await kubectl(...slices, ready)).split(' ').sort();
        return names.join() === `${EMQX.name}-0,${EMQX.name}-1` ? true : undefined;
      },
      { timeoutMs: 60_000 },
    );
    await deleteDeclaration();
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
