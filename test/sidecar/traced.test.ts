import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { spansOf, traceparentOf, type TracedRecord } from '../../controller/trace/spans.js';
import { bundle } from '../../scripts/bundle.js';
import { until as untilWithin } from '../cluster/wait.js';
import type { ReceivedSpan } from '../otlp/decode.js';
import { startReceiver, type Receiver } from '../otlp/receiver.js';
import { BUSYBOX, conf, makeShare, SCRIPTS, type Share } from './gate-share.js';
import { evacuating, idle, running, serve, type Answer, type ScriptedEmqx } from './scripted-emqx.js';

jest.setTimeout(40_000);

const SELF = 'emqx@emqx-blue-0.emqx-headless.mq.svc.cluster.local';
const GREEN = 'emqx@emqx-green-0.emqx-headless.mq.svc.cluster.local';
const POD = { namespace: 'mq', name: 'emqx-blue-0', uid: 'uid-of-blue-0' };
const SECRET = 'a-secret-nobody-may-see';

/** The upgrade, as the controller has it on record. */
const record: TracedRecord = {
  ...{ id: 'a'.repeat(32), spanId: 'b'.repeat(16), traceparent: '', requestedBy: 'alice' },
  ...{ startedAt: '2026-01-02T03:00:00Z', from: 'emqx-blue', to: 'emqx-green' },
  steps: [
    {
      ...{ name: 'drain', pod: POD.name, uid: POD.uid, outcome: 'drained' },
      ...{ startedAt: '2026-01-02T03:01:00Z', endedAt: '2026-01-02T03:02:00Z' },
    },
  ],
};
const [drainOfController] = spansOf(record, { namespace: POD.namespace, name: 'emqx', uid: 'u' });
const traceparent = traceparentOf(record);

const until = <T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> =>
  untilWithin(what, look, { timeoutMs: 10_000 });

let app: string;
beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'sluice-app-'));
  await bundle(app, ['sidecar']);
}, 60_000);
afterAll(() => rm(app, { recursive: true }));

let receiver: Receiver;
let emqx: ScriptedEmqx;
let share: Share;
let sidecar: ChildProcess | undefined;
let output: string;
beforeEach(async () => {
  output = '';
  receiver = await startReceiver();
  emqx = await serve({
    self: SELF,
    nodes: [running(SELF), running(GREEN)],
    status: [idle],
    start: [{ status: 200, body: {} }],
  });
  share = await makeShare();
  await share.write('key', 'a-key');
  await share.write('secret', SECRET);
});
afterEach(async () => {
  if (sidecar?.exitCode === null) {
    sidecar.kill('SIGTERM');
    await once(sidecar, 'exit');
  }
  sidecar = undefined;
  receiver.close();
  await emqx.close();
  await share.remove();
});

/** Starts the sidecar as its container does, and waits until it has seen its node come up. */
async function startSidecar({
  isTold = true,
  endpoint = receiver.url,
  folder = app,
}: { isTold?: boolean; endpoint?: string; folder?: string } = {}): Promise<void> {
  await share.write('drain.conf', conf(emqx.port, isTold ? { traceparent } : {}));
  sidecar = spawn(BUSYBOX, ['sh', join(SCRIPTS, 'run.sh')], {
    env: {
      SLUICE_SHARE: share.path,
      SLUICE_KEY_DIR: share.path,
      SLUICE_BUSYBOX: BUSYBOX,
      SLUICE_PROGRAM: `${process.execPath} --lite-mode ${folder}/sidecar.cjs`,
      SLUICE_API_PORT: String(emqx.port),
      SLUICE_POD: POD.name,
      SLUICE_NAMESPACE: POD.namespace,
      SLUICE_POD_UID: POD.uid,
      ...(endpoint && { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }),
    },
  });
  sidecar.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  sidecar.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until('the node was looked at', async () => ((await share.read('handled')) ? true : undefined));
}

const conns = (left: number): Answer =>
  evacuating('evicting_conns', {
    stats: { initial_connected: 9, current_connected: left, initial_sessions: 9, current_sessions: 9 },
  });
/** What the gate and the sidecar are told, in the order in which they ask. */
const DRAIN = [idle, conns(9), conns(9), conns(7), conns(5), conns(3), evacuating('prohibiting')];

const SHORT = [idle, conns(9), evacuating('prohibiting')];

/** The preStop hook, to its end. */
async function drain(status = SHORT): Promise<void> {
  emqx.script.status = [...status];
  expect((await share.run('gate.sh')).code).toBe(0);
}

const received = (): Promise<ReceivedSpan> => until('a span', () => Promise.resolve(receiver.spans()[0]));

/** The kubelet ends the sidecar when EMQX has ended. @returns seconds */
async function end(): Promise<number> {
  const began = performance.now();
  sidecar?.kill('SIGTERM');
  const [code] = (await once(sidecar as ChildProcess, 'exit')) as [number | null];
  expect(code).toBe(0);
  return (performance.now() - began) / 1000;
}

describe("a sidecar's span", () => {
  it("lies in the controller's span of that drain, with EMQX's states as events", async () => {
    const fromMs = Date.now();
    await startSidecar();
    await drain(DRAIN);
    const span = await received();
    const toMs = Date.now();
    expect(span).toMatchObject({
      ...{ traceId: record.id, parentSpanId: drainOfController?.spanId },
      ...{ name: 'evacuation', scope: 'sluice.dev/sidecar', status: 'STATUS_CODE_UNSET' },
      attributes: {
        'k8s.namespace.name': POD.namespace,
        'k8s.pod.name': POD.name,
        'k8s.pod.uid': POD.uid,
        'sluice.drain.clients': 9,
        'sluice.drain.sessions': 9,
      },
    });
    expect(span.resource).toMatchObject({ 'service.name': 'sluice-sidecar', 'k8s.pod.uid': POD.uid });
    expect(span.events.map(({ name }) => name)).toEqual(['evicting_conns', 'prohibiting']);
    expect(span.startMs).toBeGreaterThan(fromMs);
    expect(span.endMs).toBeLessThanOrEqual(toMs);
    for (const { atMs } of span.events) {
      expect(atMs).toBeGreaterThanOrEqual(span.startMs);
      expect(atMs).toBeLessThanOrEqual(span.endMs);
    }
    expect(JSON.stringify(span)).not.toContain(SECRET);
    expect(await end()).toBeLessThan(1.5);
    expect(receiver.spans()).toHaveLength(1);
  });

  it('arrives although the pod ends in the same moment as its drain', async () => {
    await startSidecar();
    await drain();
    await end();
    expect(receiver.spans()).toHaveLength(1);
  });

  it('begins when the drain did, although the program was killed since', async () => {
    await startSidecar();
    emqx.script.status = [idle, conns(9)];
    const gate = share.run('gate.sh');
    const began = await until(
      'its begin is noted',
      async () => Number((await share.read('drain-began')).split(' ')[1]) || undefined,
    );
    const program = await readFile(`/proc/${sidecar?.pid}/task/${sidecar?.pid}/children`, 'utf8');
    process.kill(Number(program.trim().split(' ')[0]), 'SIGKILL');
    await until('it was started again', () => (output.split('control server').length > 2 ? true : undefined));
    emqx.script.status = [evacuating('prohibiting')];
    await gate;
    expect((await received()).startMs).toBeLessThanOrEqual(began);
    await end();
    expect(receiver.spans()).toHaveLength(1);
  });

  it('tells of a pod that ends before it is drained', async () => {
    await startSidecar();
    emqx.script.status = [idle, conns(9)];
    const gate = share.run('gate.sh', [], { limitMs: 4_000 });
    await until('its begin is noted', async () => ((await share.read('drain-began')) ? true : undefined));
    await end();
    expect(await received()).toMatchObject({
      status: 'STATUS_CODE_ERROR',
      message: expect.stringContaining('stopped before its node was drained'),
    });
    await gate;
  });

  it('is not sent of a drain outside an upgrade, nor is what sends it loaded', async () => {
    await startSidecar({ isTold: false });
    await drain();
    await end();
    expect(receiver.spans()).toEqual([]);
    expect(output).not.toContain('traces are sent');
  });
});

describe('a receiver that', () => {
  it.each([
    { is: 'hangs', make: () => (receiver.answer('nothing'), receiver.url) },
    { is: 'is not there', make: () => 'http://127.0.0.1:1' },
  ])('$is holds the pod for two seconds at most, and the drain not at all', async ({ make }) => {
    await startSidecar({ endpoint: make() });
    await drain();
    expect(await share.read('gate')).toContain('state=drained');
    const seconds = await end();
    expect(seconds).toBeGreaterThan(1);
    expect(seconds).toBeLessThan(3.5);
  });

  it('was away for a moment gets the span all the same', async () => {
    receiver.answer(400);
    await startSidecar();
    await drain();
    await until('a refusal', () => (output.includes('traces cannot be sent') ? true : undefined));
    receiver.answer(200);
    await received();
    await end();
    expect(receiver.spans()).toHaveLength(1);
  });
});

describe('the SDK', () => {
  let folder: string;
  const isLoaded = (): boolean => existsSync(join(folder, 'loaded'));
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-app-'));
    await cp(app, folder, { recursive: true });
    // whoever loads it leaves a trace, and gets nothing
    const poison = `require('node:fs').writeFileSync(${JSON.stringify(join(folder, 'loaded'))}, ''); throw new Error('poison');\n`;
    await writeFile(join(folder, 'sidecar-sdk.cjs'), poison);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each([
    { when: 'no endpoint is set', endpoint: '', isTold: true, expected: false },
    { when: 'the drain is in no upgrade', isTold: false, expected: false },
    { when: '(not) the drain is to be traced', isTold: true, expected: true },
  ])('is not loaded when $when', async ({ expected, endpoint, isTold }) => {
    await startSidecar({ isTold, folder, ...(endpoint !== undefined && { endpoint }) });
    expect(isLoaded()).toBe(false);
    await drain();
    await end();
    expect(isLoaded()).toBe(expected);
    expect(output.split('control server')).toHaveLength(2); // it went on all the same
  });

  it('is in no file that is loaded at the start', async () => {
    const program = await readFile(join(app, 'sidecar.cjs'), 'utf8');
    expect(program).not.toMatch(/OTLPTraceExporter|NodeSDK/);
    expect(await readFile(join(app, 'sidecar-sdk.cjs'), 'utf8')).toMatch(/OTLPTraceExporter/);
  });
});
