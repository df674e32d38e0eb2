import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { at, node, pod } from '../fleet/sample.js';
import type { Strategy } from '../fleet/evidence.js';
import type { BlueGreenSeen, NodeSeen, PodSeen } from '../fleet/observations.js';
import { blockOf, lineOf, terminalOn } from './live.js';
import { Scene, SceneTimeout } from './scene.js';
import { areClientsBack, isUpgraded, isWhole, whatIsMissing } from './state.js';

const GREEN = ['green-0', 'green-1', 'green-2'];
const BLUE = new Set(['blue']);

interface Differs {
  pods?: Partial<PodSeen>[];
  nodes?: Partial<NodeSeen>[];
  ready?: number;
  blueGreen?: Partial<BlueGreenSeen> | 'missing';
  connected?: number;
}

/** After a good upgrade: three green nodes with four clients each. */
function sceneOf({ pods = [], nodes = [], ready = 3, blueGreen = {}, connected = 12 }: Differs = {}): Scene {
  const scene = new Scene();
  GREEN.forEach((name, index) => scene.observe(pod(name, pods[index] ?? {})));
  scene.observe({ kind: 'nodes', atMs: at(0), nodes: GREEN.map((name, index) => node(name, nodes[index])) });
  scene.observe({ kind: 'endpoints', atMs: at(0), ready: GREEN.slice(0, ready) });
  if (blueGreen !== 'missing') {
    scene.observe({
      kind: 'bluegreen',
      atMs: at(0),
      phase: 'Stable',
      message: 'nothing to do',
      active: 'green',
      wanted: 'green',
      clientsLeft: 0,
      ...blueGreen,
    });
  }
  scene.record({
    kind: 'second',
    atMs: at(0),
    connected,
    connects: [],
    disconnects: [[at(0), 1, -1]],
    refusals: [],
    published: 0,
    acknowledged: 0,
    delivered: 3,
    lagMs: 0,
    cpu: 0,
    rssBytes: 0,
  });
  return scene;
}

describe('isUpgraded', () => {
  it.each<{ when: string; differs?: Differs; strategy?: Strategy; is: boolean }>([
    { when: 'all is green and whole', is: true },
    { when: 'Sluice still drains', differs: { blueGreen: { phase: 'Draining' } }, is: false },
    { when: 'another revision is wanted', differs: { blueGreen: { wanted: 'next' } }, is: false },
    { when: 'there is no BlueGreen', differs: { blueGreen: 'missing' }, is: false },
    {
      when: 'there is none, and none is needed',
      differs: { blueGreen: 'missing' },
      strategy: 'rolling',
      is: true,
    },
    { when: 'a pod is of the old revision', differs: { pods: [{ revision: 'blue' }] }, is: false },
    { when: 'a pod is not ready', differs: { pods: [{ isReady: false }] }, is: false },
    { when: 'a pod is being deleted', differs: { pods: [{ isDeleting: true }] }, is: false },
    { when: 'the Service lacks one', differs: { ready: 2 }, is: false },
    { when: 'a node has not joined', differs: { nodes: [{ isRunning: false }] }, is: false },
    { when: 'a node is evacuating', differs: { nodes: [{ state: 'prohibiting' }] }, is: false },
  ])('when $when: $is', ({ differs, strategy = 'blue-green', is }) => {
    expect(isUpgraded(sceneOf(differs), strategy, 3, BLUE)).toBe(is);
  });

  it('does not need the old revision to be gone for EMQX to be whole', () => {
    expect(isWhole(sceneOf({ pods: [{ revision: 'blue' }] }), 'blue-green', 3)).toBe(true);
  });

  it('says what it waits for', () => {
    const scene = sceneOf({
      pods: [{ isReady: false }],
      blueGreen: { phase: 'Progressing', message: 'green-0 is Pending' },
    });
    expect(whatIsMissing(scene, 'blue-green', 3)).toBe(
      '2 of 3 pods ready, 3 nodes serving, 3 endpoints ready, BlueGreen Progressing: green-0 is Pending',
    );
  });
});

describe('areClientsBack', () => {
  it.each([
    { when: 'the fleet and the brokers agree', differs: {}, is: true },
    { when: 'one is away', differs: { connected: 11 }, is: false },
    { when: 'a broker still misses one', differs: { nodes: [{ clients: 3 }] }, is: false },
  ])('when $when: $is', ({ differs, is }) => expect(areClientsBack(sceneOf(differs), 12)).toBe(is));
});

describe('Scene.until', () => {
  const patience = { timeoutMs: 5000, signal: new AbortController().signal };

  it('resolves at once when it holds already', () => sceneOf().until('x', () => true, patience));

  it('is woken by the record that makes it true', async () => {
    const scene = new Scene();
    const waiting = scene.until('endpoints', () => scene.endpoints?.ready.length === 2, patience);
    scene.observe({ kind: 'endpoints', atMs: 0, ready: ['a'] });
    scene.observe({ kind: 'endpoints', atMs: 0, ready: ['a', 'b'] });
    await waiting;
  });

  it('names what did not happen', async () => {
    const waiting = new Scene().until('the flood', () => false, { ...patience, timeoutMs: 10 });
    await expect(waiting).rejects.toThrow(SceneTimeout);
    await expect(waiting).rejects.toThrow('the flood: not within 0.01 s');
  });

  it('ends with the signal', async () => {
    const stop = new AbortController();
    const waiting = new Scene().until('x', () => false, { timeoutMs: 5000, signal: stop.signal });
    stop.abort(new Error('stopped by SIGTERM'));
    await expect(waiting).rejects.toThrow('stopped by SIGTERM');
  });

  it('forgets pods that are gone', () => {
    const scene = sceneOf();
    scene.observe(pod('green-1', { isGone: true }));
    expect([...scene.pods.keys()]).toEqual(['green-0', 'green-2']);
  });
});

describe('the live view', () => {
  const scene = sceneOf({
    nodes: [{ state: 'evicting_conns', clients: 6 }],
    blueGreen: { phase: 'Draining' },
  });

  it('is one line without a terminal', () => {
    const line = lineOf(scene);
    expect(line).toContain('Draining  green-0 6 (evicting_conns), green-1 4, green-2 4');
    expect(line).toContain(
      '12 connected, 1 disconnects/s, 0 connects/s, 0 refused, 3 messages/s, 3 endpoints',
    );
    expect(line).not.toContain('\n');
  });

  it('is a bar a node on a terminal', () => {
    const block = blockOf(scene, 12, 80);
    expect(block).toHaveLength(5);
    expect(block[1]).toBe(`  green-0      6 ${'█'.repeat(15)}${'·'.repeat(15)} (evicting_conns)`);
  });

  it('breaks a long message into lines, and loses none of it', () => {
    const message = 'green-0 is Pending: 0/4 nodes have enough memory';
    const block = blockOf(sceneOf({ blueGreen: { phase: 'Progressing', message } }), 12, 30);
    expect(block.slice(0, 3)).toEqual([
      '  Progressing  green-0 is',
      '  Pending: 0/4 nodes have',
      '  enough memory',
    ]);
  });

  it('has something to show before anything was seen', () => {
    expect(blockOf(new Scene(), 12, 80)).toEqual(['  ']);
  });
});

describe('the terminal', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  const shown = (isTerminal: boolean, forMs: number) => {
    const written: string[] = [];
    const terminal = terminalOn({
      write: (text: string) => void written.push(text),
      isTerminal,
      columns: () => 40,
    });
    const hide = terminal.show(sceneOf(), 12);
    jest.advanceTimersByTime(forMs);
    hide();
    jest.advanceTimersByTime(60_000);
    return written;
  };

  it('draws over itself on a terminal, and leaves nothing behind', () => {
    const written = shown(true, 1000);
    const back = '\u001b[5A\u001b[J';
    expect(written.filter((text) => text === back)).toHaveLength(2);
    expect(written.at(-1)).toBe(back);
    const lines = written.filter((text) => text !== back).flatMap((text) => text.trimEnd().split('\n'));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
  });

  it('keeps every line that is said meanwhile', () => {
    const screen: string[] = [];
    const terminal = terminalOn({
      write: (text) => {
        const [, up] = text.split('\u001b');
        if (up !== undefined) screen.splice(screen.length - Number(up.slice(1, -1)));
        else screen.push(...text.trimEnd().split('\n'));
      },
      isTerminal: true,
      columns: () => 80,
    });
    const hide = terminal.show(sceneOf(), 12);
    for (const line of ['the image is changed', '$ kubectl set image', 'the fleet returns']) {
      jest.advanceTimersByTime(1000);
      terminal.say(line);
    }
    jest.advanceTimersByTime(1000);
    hide();
    expect(screen).toEqual(['the image is changed', '$ kubectl set image', 'the fleet returns']);
  });

  it('writes a line every five seconds elsewhere, without escape codes', () => {
    const written = shown(false, 11_000);
    expect(written).toHaveLength(2);
    expect(written.join('')).not.toContain('\u001b');
  });
});
