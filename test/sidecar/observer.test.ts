import { beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { ForeignProcess } from '../../lib/control.js';
import type { EmqxClient } from '../../lib/emqx/client.js';
import { EmqxApiError } from '../../lib/emqx/errors.js';
import type { GlobalStatus, RebalanceStatus } from '../../lib/emqx/parse.js';
import type { MountedKey } from '../../sidecar/api-key.js';
import type { Peers } from '../../sidecar/decide.js';
import { noErrors, type Errors } from '../../sidecar/errors.js';
import { evacuate, leave, LeavesByItself, NodeRuns, OwnNode } from '../../sidecar/nodes.js';
import { makeObserver, type Observer } from '../../sidecar/observer.js';
import { openSettings } from '../../sidecar/settings.js';
import type { Share, ShareFile } from '../../sidecar/share.js';

const SELF = 'emqx@blue-0';
const PEER = 'emqx@blue-1';
const { signal } = new AbortController();
const idle: RebalanceStatus = { kind: 'idle' };
const evacuating: Extract<RebalanceStatus, { kind: 'evacuating' }> = {
  kind: 'evacuating',
  evacuation: {
    state: 'evicting_conns',
    connection_eviction_rate: 1,
    session_eviction_rate: 1,
    connection_goal: 0,
    session_goal: 0,
    session_recipients: [],
    stats: { initial_connected: 0, current_connected: 0, initial_sessions: 0, current_sessions: 0 },
  },
};

/** An EMQX cluster in memory, as one node's API shows it. */
class FakeEmqx implements EmqxClient {
  running = [SELF, PEER];
  stopped: string[] = [];
  own: RebalanceStatus = idle;
  failure: EmqxApiError | undefined;
  key = 'good';
  requests = 0;
  started: unknown[] = [];

  constructor(private readonly keyNow: () => string) {}

  private answer<T>(value: T): Promise<T> {
    this.requests += 1;
    if (this.failure) return Promise.reject(this.failure);
    return this.keyNow() === this.key ? Promise.resolve(value) : Promise.reject(new EmqxApiError('401', 401));
  }
  api: EmqxClient['api'] = () => ({ version: 'v5', port: 18083 });
  licence: boolean | undefined;
  rebalances: ForeignProcess[] = [];
  allowsCluster = () => this.answer(this.licence);
  cluster: EmqxClient['cluster'] = () => this.answer({ self: SELF, nodes: this.running });
  nodes = () =>
    this.answer([
      ...this.running.map((node) => ({ node, node_status: 'running', version: '5.8.9' })),
      ...this.stopped.map((node) => ({ node, node_status: 'stopped' })),
    ]);
  status = () => this.answer(this.own);
  globalStatus: EmqxClient['globalStatus'] = () => this.answer({ evacuations: [], foreign: this.rebalances });
  startEvacuation = (node: string, body: object) => {
    this.started.push({ node, ...body });
    return this.answer('started' as const);
  };
  stopEvacuation = () => {
    this.own = idle;
    return this.answer('stopped' as const);
  };
  forceLeave: EmqxClient['forceLeave'] = (node: string) => {
    this.stopped = this.stopped.filter((other) => other !== node);
    return this.answer('left' as const);
  };
}

let files: Map<ShareFile, string>;
let emqx: FakeEmqx;
let observer: Observer;
let nowMs: number;
let peers: Peers['kind'];
let mounted: MountedKey;
let errors: Errors;

const share: Share = {
  read: (file) => files.get(file) ?? '',
  line: (file) => (files.get(file) ?? '').split('\n')[0] ?? '',
  write: (file, text) => void files.set(file, text),
  remove: (file) => void files.delete(file),
  writtenMs: () => undefined,
};

beforeEach(() => {
  files = new Map([
    ['boot', 'b1\n'],
    [
      'drain.conf',
      'connEvictRate=1\nsessEvictRate=1\nwaitTakeover=0\nwaitHealthCheck=0\nnoRecipientSeconds=40\nwithoutEvacuation=Refuse\nrecipients=\n',
    ],
  ]);
  mounted = { kind: 'key', key: 'good', secret: 's' };
  nowMs = 0;
  peers = 'some';
  errors = noErrors();
  const settings = openSettings(share, 18083, () => mounted);
  emqx = new FakeEmqx(() => settings.key().key);
  observer = makeObserver({
    pod: 'blue-0',
    share,
    emqx,
    settings,
    keySecret: 'emqx-key',
    findPeers: () => Promise.resolve({ kind: peers }),
    nowMs: () => nowMs,
    log: pino({ level: 'silent' }),
    errors,
    reportMs: 50,
  });
});

const isLatched = () => files.get('joined') === files.get('boot');

describe('the latch', () => {
  it('is set once the node sees another, and not before its left-over evacuation is stopped', async () => {
    emqx.own = evacuating;
    expect(await observer.look(signal)).toBe(false);
    expect(emqx.own).toBe(idle);
    expect(await observer.look(signal)).toBe(true);
    expect(isLatched()).toBe(true);
  });

  it('is not set while a peer answers that the node has not joined', async () => {
    emqx.running = [SELF];
    for (nowMs = 0; nowMs < 100_000; nowMs += 1_000) expect(await observer.look(signal)).toBe(false);
  });

  it('is set when there is nobody to join', async () => {
    emqx.running = [SELF];
    peers = 'none';
    expect(await observer.look(signal)).toBe(false);
    nowMs = 1_000;
    expect(await observer.look(signal)).toBe(true);
  });

  it.each<{ when: string; between: () => void }>([
    { when: 'EMQX did not answer', between: () => (emqx.failure = new EmqxApiError('refused', 0)) },
    { when: 'EMQX was seen to be joined', between: () => (emqx.running = [SELF, PEER]) },
    { when: 'EMQX started anew, evacuating', between: () => (emqx.own = evacuating) },
  ])('waits for silent peers anew when $when meanwhile', async ({ between }) => {
    emqx.running = [SELF];
    peers = 'silent';
    await observer.look(signal);
    nowMs = 59_000;
    files.set('boot', 'b2\n');
    between();
    await observer.look(signal);
    files.set('boot', 'b3\n');
    emqx.failure = undefined;
    emqx.own = idle;
    emqx.running = [SELF];
    nowMs = 61_000;
    expect(await observer.look(signal)).toBe(false);
    nowMs = 121_000;
    expect(await observer.look(signal)).toBe(true);
  });

  it('is void when EMQX has started again, and set anew', async () => {
    await observer.look(signal);
    files.set('boot', 'b2\n');
    expect(isLatched()).toBe(false);
    emqx.failure = new EmqxApiError('refused', 0);
    expect(await observer.look(signal)).toBe(false);
    emqx.failure = undefined;
    await observer.look(signal);
    expect(isLatched()).toBe(true);
  });

  it('is not set before EMQX was ever started', async () => {
    files.delete('boot');
    expect(await observer.look(signal)).toBe(false);
    expect(files.has('joined')).toBe(false);
  });
});

it("leaves somebody else's evacuation alone, after a restart too", async () => {
  await observer.look(signal);
  emqx.own = evacuating;
  await observer.look(signal);
  files.set('boot', 'b2\n');
  await observer.look(signal);
  await observer.look(signal);
  expect(emqx.own).toBe(evacuating);
  emqx.own = idle;
  await observer.look(signal);
  expect(files.has('foreign')).toBe(false);
});

it('never touches the drain of this start', async () => {
  files.set('gate', 'boot=b1\nstate=draining\ndetail=evicting_conns\nsessionsLost=0\nnode=\n');
  emqx.own = evacuating;
  for (let look = 0; look < 3; look += 1) await observer.look(signal);
  expect(emqx.own).toBe(evacuating);
  expect(files.has('foreign')).toBe(false);
});

describe('the report', () => {
  it.each<[string, string, object]>([
    ['draining', 'b1', { kind: 'draining', detail: 'd=1' }],
    ['drained', 'b1', { kind: 'drained' }],
    ['gave-up', 'b1', { kind: 'gaveUp', detail: 'd=1', sessionsLost: 7 }],
    ['draining', 'b0', { kind: 'idle' }],
  ])('of a gate that is %s in start %s', async (state, boot, gate) => {
    files.set('gate', `boot=${boot}\nstate=${state}\ndetail=d=1\nsessionsLost=7\nnode=${SELF}\n`);
    expect((await observer.report(signal)).gate).toEqual(gate);
  });

  it('has what the node sees, and asks EMQX at most once a second', async () => {
    await observer.look(signal);
    const before = emqx.requests;
    const [first, second] = await Promise.all([observer.report(signal), observer.report(signal)]);
    expect(first).toMatchObject({
      self: SELF,
      clusterNodes: [SELF, PEER],
      hasEvacuation: true,
      joined: true,
    });
    expect(second).toEqual(first);
    expect(emqx.requests - before).toBe(4);
    nowMs = 1_000;
    await observer.report(signal);
    expect(emqx.requests - before).toBe(8);
  });

  it('says how the API failed, and heals when the mounted key is right again', async () => {
    emqx.key = 'rotated';
    expect((await observer.report(signal)).api.kind).toBe('unauthorized');
    mounted = { kind: 'key', key: 'rotated', secret: 's' };
    nowMs = 1_000;
    expect((await observer.report(signal)).api.kind).toBe('unauthorized');
    nowMs = 2_000;
    expect((await observer.report(signal)).api.kind).toBe('ok');
    expect(files.get('drain.conf')).toContain(`Basic ${Buffer.from('rotated:s').toString('base64')}`);
    emqx.failure = new EmqxApiError('connect ECONNREFUSED', 0);
    nowMs = 3_000;
    expect((await observer.report(signal)).api).toEqual({
      kind: 'unreachable',
      detail: 'connect ECONNREFUSED',
    });
  });

  it('says which key of which Secret has no value, asks nothing meanwhile, and tells the gate of one that comes', async () => {
    mounted = { kind: 'none', missing: 'secret' };
    emqx.key = 'rotated';
    await observer.look(signal);
    await observer.look(signal);
    const before = emqx.requests;
    nowMs = 1_000;
    expect((await observer.report(signal)).api).toEqual({
      kind: 'noKey',
      detail: 'key "secret" of Secret emqx-key has no value',
    });
    expect(emqx.requests).toBe(before);
    expect(files.get('drain.conf')).toContain(`Basic ${Buffer.from('good:s').toString('base64')}`);
    mounted = { kind: 'key', key: 'rotated', secret: 's' };
    nowMs = 2_000;
    expect((await observer.report(signal)).api.kind).toBe('ok');
    expect(files.get('drain.conf')).toContain(`Basic ${Buffer.from('rotated:s').toString('base64')}`);
  });

  it('does not wait longer for an API that hangs than the controller waits for the report', async () => {
    emqx.nodes = () => new Promise(() => undefined);
    expect(await observer.report(signal)).toMatchObject({
      api: { kind: 'unreachable', detail: expect.stringContaining('takes longer than 50 ms') },
      self: SELF,
      clusterNodes: [SELF, PEER],
      gate: { kind: 'idle' },
    });
  });

  describe('of an EMQX that takes longer than the controller waits', () => {
    const evacuation = { node: PEER, ...evacuating.evacuation };
    const answer: GlobalStatus = { evacuations: [evacuation], foreign: [] };
    /** The requests for the status of all nodes that wait for their answer. */
    let waiting: ((answer: GlobalStatus) => void)[];

    beforeEach(() => {
      waiting = [];
      emqx.globalStatus = () => new Promise((resolve) => waiting.push(resolve));
    });

    it('is heard, although each reading takes too long', async () => {
      expect((await observer.report(signal)).api.kind).toBe('unreachable');
      nowMs = 15_000;
      expect((await observer.report(signal)).api.kind).toBe('unreachable');
      expect(waiting).toHaveLength(1);
      const third = observer.report(signal);
      waiting[0]?.(answer);
      expect(await third).toMatchObject({ api: { kind: 'ok' }, evacuations: [evacuation] });
      nowMs = 15_999;
      expect(await observer.report(signal)).toMatchObject({ evacuations: [evacuation] });
      expect(waiting).toHaveLength(1);
    });

    it.each([
      { when: 'in the meantime', ageMs: 9_999, boot: 'b1', api: 'ok' },
      { when: 'no more when it is too old', ageMs: 10_000, boot: 'b1', api: 'unreachable' },
      { when: 'no more when EMQX has started again', ageMs: 1_000, boot: 'b2', api: 'unreachable' },
    ])('is the last whole one $when, with what the share holds now', async ({ ageMs, boot, api }) => {
      await observer.look(signal);
      const first = observer.report(signal);
      for (; !waiting.length;) await Promise.resolve();
      waiting[0]?.(answer);
      await first;
      nowMs = ageMs;
      files.set('boot', `${boot}\n`);
      files.set('gate', `boot=${boot}\nstate=drained\ndetail=\nsessionsLost=0\nnode=${SELF}\n`);
      const [second, third] = await Promise.all([observer.report(signal), observer.report(signal)]);
      expect(second).toEqual(third);
      expect(second).toMatchObject({ api: { kind: api }, joined: boot === 'b1', gate: { kind: 'drained' } });
      expect(second.evacuations).toEqual(api === 'ok' ? [evacuation] : []);
      expect(waiting).toHaveLength(2);
    });
  });

  it('says when the build cannot evacuate', async () => {
    emqx.status = () => Promise.reject(new EmqxApiError('404', 404, 'NOT_FOUND', 'Request Path Not Found'));
    expect(await observer.report(signal)).toMatchObject({ hasEvacuation: false, api: { kind: 'ok' } });
  });
});

describe('the report tells of what somebody else runs', () => {
  const seenHere = { process: 'rebalance', state: 'evicting_conns', coordinator: PEER } as const;
  const rebalance: ForeignProcess = { ...seenHere, node: SELF };

  it('on this node, and everywhere', async () => {
    const elsewhere: ForeignProcess = { process: 'purge', state: 'purging', node: PEER };
    emqx.own = { kind: 'other', foreign: seenHere };
    emqx.rebalances = [rebalance, elsewhere];
    expect((await observer.report(signal)).foreign).toEqual([rebalance, elsewhere]);
  });

  it('an evacuation of this node too, and not our own', async () => {
    await observer.look(signal);
    emqx.own = evacuating;
    expect((await observer.report(signal)).foreign).toEqual([]);
    await observer.look(signal);
    nowMs = 1_000;
    expect((await observer.report(signal)).foreign).toEqual([
      { process: 'evacuation', node: SELF, state: 'evicting_conns' },
    ]);
  });
});

describe('the report tells of a licence for one node', () => {
  it.each<{ running: string[]; licence: boolean | undefined; told: true | undefined }>([
    { running: [SELF], licence: false, told: true },
    { running: [SELF], licence: true, told: undefined },
    { running: [SELF], licence: undefined, told: undefined },
    { running: [SELF, PEER], licence: false, told: undefined },
  ])('$told, when it allows more: $licence, and $running run', async ({ running, licence, told }) => {
    emqx.running = running;
    emqx.licence = licence;
    expect((await observer.report(signal)).singleNodeLicence).toBe(told);
  });
});

describe('other nodes', () => {
  it('only a stopped one leaves the cluster', async () => {
    await expect(leave(emqx, PEER, signal)).rejects.toBeInstanceOf(NodeRuns);
    emqx.stopped = ['emqx@gone'];
    await leave(emqx, 'emqx@gone', signal);
    await leave(emqx, 'emqx@never', signal);
    expect(emqx.stopped).toEqual([]);
  });

  it('do not leave by request where the API has no call for it', async () => {
    emqx.stopped = ['emqx@gone'];
    emqx.forceLeave = () => Promise.resolve('byItself');
    await expect(leave(emqx, 'emqx@gone', signal)).rejects.toBeInstanceOf(LeavesByItself);
  });

  it('are evacuated, and the own one is not', async () => {
    const told = openSettings(share, 1, () => mounted).current();
    await expect(evacuate(emqx, SELF, told, signal)).rejects.toBeInstanceOf(OwnNode);
    expect(emqx.started).toEqual([]);
  });

  it('are evacuated towards recipients that run', async () => {
    const told = {
      ...openSettings(share, 1, () => mounted).current(),
      recipients: [PEER, SELF, 'emqx@gone'],
    };
    await evacuate(emqx, PEER, told, signal);
    expect(emqx.started).toEqual([expect.objectContaining({ node: PEER, migrate_to: [SELF] })]);
  });
});

describe('what metrics are made from', () => {
  it('is what was last seen, and asks EMQX nothing', async () => {
    expect(observer.seen()).toEqual({ joined: false, gate: { kind: 'idle' } });
    await observer.look(signal);
    const { requests } = emqx;
    expect(observer.seen()).toEqual({ api: 'ok', joined: true, gate: { kind: 'idle' } });
    expect(emqx.requests).toBe(requests);
  });

  it('has the evacuation of the own node while one runs, and while EMQX answers', async () => {
    files.set('handled', 'b1\n');
    files.set('gate', 'boot=b1\nstate=draining\ndetail=x\n');
    const stats = { initial_connected: 9, current_connected: 4, initial_sessions: 9, current_sessions: 6 };
    emqx.own = { kind: 'evacuating', evacuation: { ...evacuating.evacuation, stats } };
    await observer.look(signal);
    expect(observer.seen().evacuation).toEqual({
      ...{ state: 'evicting_conns', clients: 4, sessions: 6 },
      initial: { clients: 9, sessions: 9 },
    });
    emqx.failure = new EmqxApiError('ECONNREFUSED', 0);
    await observer.look(signal);
    expect(observer.seen()).toEqual({
      api: 'unreachable',
      joined: true,
      gate: { kind: 'draining', detail: 'x' },
    });
  });

  it('counts what fails by cause', async () => {
    emqx.failure = new EmqxApiError('ECONNREFUSED', 0);
    await observer.look(signal);
    await observer.look(signal);
    emqx.failure = new EmqxApiError('401', 401);
    await observer.look(signal);
    expect(errors).toEqual({ ...noErrors(), emqx_unreachable: 2, emqx_unauthorized: 1 });
  });
});
