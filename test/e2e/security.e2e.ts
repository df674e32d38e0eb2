import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { issue, makeCa } from '../../certs/issue.js';
import { CONTROL_PORT } from '../../lib/control.js';
import type { SidecarReport } from '../../lib/control.js';
import { until } from '../cluster/index.js';
import type { LocalCluster } from '../cluster/index.js';
import { loadEmqx, makeNamespace } from '../demo/emqx.js';
import { ask } from './support/ask.js';
import type { Question } from './support/ask.js';
import { applyFile, exampleOf } from './support/example.js';
import { dropNamespaces } from './support/namespaces.js';
import { RESTRICTED, SLUICE, useSluice } from './support/sluice.js';

jest.setTimeout(120_000);

const NAMESPACE = 'e2e-security';
/** `metrics.port` of the chart's values. */
const METRICS_PORT = 9441;

interface PodObject {
  metadata: { name: string; labels: Record<string, string> };
  status: {
    podIP: string;
    conditions: { type: string; status: string }[];
    containerStatuses: { containerID: string }[];
  };
}

let cluster: LocalCluster;
let emqx: PodObject;
beforeAll(async () => {
  cluster = await useSluice();
  await loadEmqx(cluster);
  await makeNamespace(cluster, NAMESPACE);
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels: RESTRICTED } },
  ]);
  await applyFile(cluster, NAMESPACE, exampleOf({ nodes: 1 }));
  emqx = await until('EMQX is ready', async () => (await podsOf(NAMESPACE)).find(isReady), {
    timeoutMs: 120_000,
    everyMs: 500,
  });
}, 30 * 60_000);
afterAll(() => dropNamespaces(cluster, NAMESPACE), 120_000);

describe('Pod Security restricted', () => {
  it.each([SLUICE.namespace, NAMESPACE])('is enforced in %s', async (namespace) => {
    const run = ['run', 'root', '--image=localhost/busybox:1', '--dry-run=server'];
    const { code, stderr } = await cluster.tryKubectl(['--namespace', namespace, ...run]);
    expect(code).toBe(1);
    expect(stderr).toContain('violates PodSecurity "restricted');
  });

  it('accepts every pod of Sluice, made anew under it', async () => {
    const before = new Set((await podsOf(SLUICE.namespace)).map(({ metadata }) => metadata.name));
    const kubectl = (...words: string[]) => cluster.kubectl(['--namespace', SLUICE.namespace, ...words]);
    await kubectl('rollout', 'restart', 'deployment');
    for (const name of [SLUICE.controller, SLUICE.webhook]) {
      await kubectl('rollout', 'status', `deployment/${name}`, '--timeout=90s');
    }
    const pods = (await podsOf(SLUICE.namespace)).filter(({ metadata }) => !before.has(metadata.name));
    expect(pods.filter(isReady)).toHaveLength(4);
  });

  it('accepts every injected pod', async () => {
    const { metadata } = emqx;
    expect(metadata.name).toMatch(/^emqx-\w{9}-0$/);
    const containers = ['get', 'pod', metadata.name, '--output=jsonpath={.spec.initContainers[*].name}'];
    expect(await cluster.kubectl(['--namespace', NAMESPACE, ...containers])).toContain('sluice');
  });
});

describe("the sidecar's control port", () => {
  let node: string;
  let holder: { cert: string; key: string };
  let stranger: { cert: string; key: string };
  const drain = {
    ...{ connEvictRate: 1000, sessEvictRate: 1000, waitTakeover: 0, waitHealthCheck: 0 },
    ...{ noRecipientSeconds: 40, withoutEvacuation: 'Refuse', recipients: [] },
  };
  const base = (): string => `https://${emqx.status.podIP}:${CONTROL_PORT}`;
  const everything = (): Question[] => [
    { url: `${base()}/v1/report` },
    { url: `${base()}/` },
    { method: 'PUT', url: `${base()}/v1/drain-settings`, body: drain },
    { method: 'POST', url: `${base()}/v1/nodes/${encodeURIComponent(node)}/evacuation`, body: drain },
    { method: 'DELETE', url: `${base()}/v1/nodes/${encodeURIComponent(node)}` },
  ];

  beforeAll(async () => {
    const { data } = (await cluster.get(['-n', SLUICE.namespace, 'secret', SLUICE.control])) as {
      data: Record<string, string>;
    };
    const decoded = (name: string) => Buffer.from(data[name] ?? '', 'base64').toString();
    holder = { cert: decoded('tls.crt'), key: decoded('tls.key') };
    const life = { nowMs: Date.now(), days: 1 };
    const ca = await makeCa('sluice-control', life);
    stranger = await issue(ca, { kind: 'client', name: 'sluice-controller' }, life);
    node = (await reportOf()).self ?? '';
  });

  it('answers the controller', async () => {
    const report = await reportOf();
    expect(report).toMatchObject({ pod: emqx.metadata.name, api: { kind: 'ok' }, gate: { kind: 'idle' } });
    expect(node).toContain(`@${emqx.metadata.name}.`);
  });

  it('answers nobody without a certificate', async () => {
    for (const question of everything()) expectRefused(await ask(cluster, question));
    await expectNoDrain();
  });

  it('answers nobody with a certificate of another CA', async () => {
    for (const question of everything()) expectRefused(await ask(cluster, { ...question, ...stranger }));
    await expectNoDrain();
  });

  it('answers nobody who does not speak TLS', async () => {
    for (const question of everything()) {
      expectRefused(await ask(cluster, { ...question, url: question.url.replace('https:', 'http:') }));
    }
    await expectNoDrain();
  });

  it('is the only port that Sluice opens in the pod, but for that of metrics', () => {
    // EMQX's own, and those of the stand-in.
    const emqxs = [1883, 4370, 5369, 18083, 18099];
    const ports = listeningPorts(emqx.status.containerStatuses[0]?.containerID ?? '');
    expect(ports).toEqual([...emqxs, METRICS_PORT, CONTROL_PORT].sort((a, b) => a - b));
  });

  it('has nothing to do with that of metrics, where figures are read and nothing can be asked for', async () => {
    const metrics = `http://${emqx.status.podIP}:${METRICS_PORT}`;
    for (const question of everything()) {
      const url = question.url.replace(base(), metrics);
      expect(await ask(cluster, { ...question, url })).toMatchObject({ status: 404 });
    }
    const posted = await ask(cluster, { method: 'POST', url: `${metrics}/metrics`, body: drain });
    expect(posted).toMatchObject({ status: 405 });
    const { status, text } = await ask(cluster, { url: `${metrics}/metrics` });
    expect(status).toBe(200);
    expect(text).toContain('sluice_sidecar_joined 1');
    await expectNoDrain();
  });

  it("leaves EMQX's own API, which wants its key", async () => {
    const url = `http://${emqx.status.podIP}:18083/api/v5/load_rebalance/${node}/evacuation/start`;
    const authorization = `Basic ${Buffer.from('sluice:guess').toString('base64')}`;
    for (const headers of [{}, { authorization }]) {
      expect(await ask(cluster, { method: 'POST', url, body: {}, headers })).toMatchObject({ status: 401 });
    }
    await expectNoDrain();
  });

  async function reportOf(): Promise<SidecarReport> {
    const { status, text } = await ask(cluster, { url: `${base()}/v1/report`, ...holder });
    expect(status).toBe(200);
    return JSON.parse(text) as SidecarReport;
  }

  /** The controller's own word, and the node's: nothing was started, and nothing was told. */
  async function expectNoDrain(): Promise<void> {
    const { evacuations, settings, gate } = await reportOf();
    expect({ evacuations, gate }).toEqual({ evacuations: [], gate: { kind: 'idle' } });
    expect(settings.connEvictRate).toBe(100);
    const { text } = await ask(cluster, { url: `http://${emqx.status.podIP}:18099/` });
    expect(JSON.parse(text)).toMatchObject({ evacuation: 'disabled' });
  }
});

describe('Secrets of others', () => {
  const user = (program: string): string => `system:serviceaccount:${SLUICE.namespace}:${program}`;
  const can = async (program: string, verb: string, ...words: string[]): Promise<string> =>
    (await cluster.tryKubectl(['auth', 'can-i', verb, ...words, `--as=${user(program)}`])).stdout.trim();

  it.each(['get', 'list', 'watch', 'update', 'patch', 'delete', 'deletecollection'])(
    'nobody of Sluice may %s them',
    async (verb) => {
      for (const program of [SLUICE.controller, SLUICE.webhook]) {
        for (const where of [
          ['--all-namespaces'],
          ['--namespace', NAMESPACE],
          ['--namespace', 'kube-system'],
        ]) {
          expect([program, where, await can(program, verb, 'secrets', ...where)]).toEqual([
            program,
            where,
            'no',
          ]);
        }
        const own = ['--namespace', SLUICE.namespace];
        expect(await can(program, verb, 'secrets', ...own)).toBe('no');
        expect(await can(program, verb, 'secret/somebody-elses', ...own)).toBe('no');
      }
    },
  );

  it('the controller may create one, and read its own', async () => {
    expect(await can(SLUICE.controller, 'create', 'secrets', '--namespace', NAMESPACE)).toBe('yes');
    expect(await can(SLUICE.webhook, 'create', 'secrets', '--namespace', NAMESPACE)).toBe('no');
    const own = [`secret/${SLUICE.control}`, '--namespace', SLUICE.namespace];
    expect(await can(SLUICE.controller, 'get', ...own)).toBe('yes');
    expect(await can(SLUICE.webhook, 'get', ...own)).toBe('no');
  });
});

async function podsOf(namespace: string): Promise<PodObject[]> {
  return ((await cluster.get(['--namespace', namespace, 'pods'])) as { items: PodObject[] }).items;
}

function isReady({ status }: PodObject): boolean {
  return status.conditions.some((each) => each.type === 'Ready' && each.status === 'True');
}

function expectRefused(answer: unknown): void {
  expect(answer).toEqual({ status: 0, text: '', error: expect.stringMatching(/\w/) as unknown });
}

/** TCP ports that can be reached from outside the pod, as the kernel has them. */
function listeningPorts(containerId: string): number[] {
  const [{ pid } = { pid: 0 }] = cluster.processesOfContainer(containerId);
  const ports = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local = '', , state] = line.trim().split(/\s+/);
        const [address = '', port = ''] = local.split(':');
        // 0A is LISTEN; addresses are written as little-endian words, so 127.x ends in 7F.
        const isLoopback = /^(.{6}7F|0{24}01000000|0{20}FFFF.{6}7F)$/.test(address);
        return state === '0A' && !isLoopback ? [Number.parseInt(port, 16)] : [];
      }),
  );
  return [...new Set(ports)].sort((a, b) => a - b);
}
