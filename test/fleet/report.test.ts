import { describe, expect, it } from '@jest/globals';
import { reportOf } from './compile.js';
import { EDIT_MS, RESULT, at, node, pod, sampleEvidence } from './sample.js';
import type { Changes } from './sample.js';
import { reportTable } from './table.js';

describe('reportOf a healthy upgrade', () => {
  const report = reportOf(sampleEvidence());

  it('breaks no promise', () => expect(report.brokenPromises).toEqual([]));

  it('has the figures', () => {
    expect(report).toMatchObject({
      strategy: 'blue-green',
      clients: 12,
      nodes: 3,
      disconnectsPerClient: { max: 1, mean: 1, histogram: { 1: 12 } },
      peakDisconnectsPerSecond: 2,
      peakDisconnectsPer5Seconds: 4,
      refusedConnects: 0,
      minReadyEndpoints: 3,
      minServingNodes: 3,
      connectsToBlueAfterSwitch: 0,
      sessionsLost: 0,
      spread: { perNode: { 'green-0': 4, 'green-1': 4, 'green-2': 4 }, coefficientOfVariation: 0 },
      upgradeSeconds: 40,
    });
  });

  it('lists the parts of the limit: green 7 s, delay 5 s, nodes 2 + 6 + what was left, last stop', () => {
    expect(report.limitParts).toEqual({
      'green starts and joins': 7,
      'initial delay': 5,
      'blue-0: 4 clients': 2,
      'blue-0: wait for takeover': 6,
      'blue-0: 3 sessions left': 2,
      'blue-1: 4 clients': 2,
      'blue-1: wait for takeover': 6,
      'blue-1: 0 sessions left': 0,
      'blue-2: 4 clients': 2,
      'blue-2: wait for takeover': 6,
      'blue-2: 0 sessions left': 0,
      'last node stops': 3.5,
    });
    expect(report.limitSeconds).toBe(41.5);
  });

  it('has numbers for figures, not strings', () => {
    const { strategy, brokenPromises, limitParts, spread, disconnectsPerClient, ...figures } = report;
    expect([strategy, brokenPromises]).toEqual(['blue-green', []]);
    const all = [figures, limitParts, spread.perNode, disconnectsPerClient.histogram].flatMap((o) =>
      Object.values(o),
    );
    expect(new Set(all.map((value) => typeof value))).toEqual(new Set(['number']));
  });
});

describe('each promise can be broken', () => {
  it.each<{ promise: string; when: string; changes: Changes }>([
    {
      promise: 'disconnectsPerClient',
      when: 'one client was disconnected twice',
      changes: { disconnects: [[at(39_000), 5, 0x9c]] },
    },
    {
      promise: 'peakDisconnectsPerSecond',
      when: 'more than two ticks fall into a second',
      changes: {
        settings: { clients: 15 },
        result: { clients: 15, connected: 15 },
        disconnects: [
          [at(16_001), 12, -1],
          [at(16_002), 13, -1],
          [at(16_003), 14, -1],
        ],
      },
    },
    {
      promise: 'peakDisconnectsPer5Seconds',
      when: 'more than six ticks fall into five seconds',
      changes: {
        settings: { clients: 24 },
        result: { clients: 24, connected: 24 },
        disconnects: Array.from({ length: 10 }, (_, i) => [at(18_000 + i * 290), 12 + i, -1]),
      },
    },
    {
      promise: 'refusedConnects',
      when: 'a connect was refused',
      changes: { refusals: [[at(20_000), 1, 'ECONNREFUSED']] },
    },
    {
      promise: 'minReadyEndpoints',
      when: 'the Service had no endpoint for a moment',
      changes: { seen: [{ kind: 'endpoints', atMs: at(9999), ready: [] }] },
    },
    {
      promise: 'minServingNodes',
      when: 'two of three nodes served',
      changes: {
        seen: [
          {
            kind: 'nodes',
            atMs: at(5000),
            nodes: [node('blue-0', { state: 'evicting_conns' }), node('blue-1'), node('blue-2')],
          },
        ],
      },
    },
    {
      promise: 'connectsToBlueAfterSwitch',
      when: 'a client reached blue 2.5 s after the switch',
      changes: {
        seen: [{ kind: 'broker-connects', fromMs: at(12_500), atMs: at(12_500), pod: 'blue-2', count: 1 }],
      },
    },
    {
      promise: 'sessionsLost',
      when: 'a session was lost',
      changes: { connects: [[at(20_000), 3, 'lost', 1]] },
    },
    {
      promise: 'messagesLost',
      when: 'a message was lost',
      changes: { result: { messages: { ...RESULT.messages, lost: 1 } } },
    },
    {
      promise: 'spread',
      when: 'one node has a tenth more clients than chance explains',
      changes: {
        settings: { clients: 3000 },
        result: { clients: 3000, connected: 3000 },
        seen: [
          {
            kind: 'nodes',
            atMs: at(41_000),
            nodes: [
              node('green-0', { clients: 1150 }),
              node('green-1', { clients: 950 }),
              node('green-2', { clients: 900 }),
            ],
          },
        ],
      },
    },
    {
      promise: 'upgradeSeconds',
      when: 'it took more than a quarter longer than it must',
      changes: {
        endedMs: at(52_000),
        seen: [44_000, 48_000].map((ms) => ({
          kind: 'nodes',
          atMs: at(ms),
          nodes: [node('green-0'), node('green-1'), node('green-2')],
        })),
      },
    },
  ])('$promise, when $when', ({ promise, changes }) => {
    const { brokenPromises } = reportOf(sampleEvidence(changes));
    expect(brokenPromises.map((broken) => broken.split(':')[0])).toEqual([promise]);
  });

  it.each<{ when: string; changes: Changes; says: string }>([
    { when: 'the fleet was killed', changes: { result: 'missing' }, says: 'without a result' },
    { when: 'clients stayed away', changes: { result: { connected: 10 } }, says: '2 clients were not back' },
    { when: 'the fleet was late', changes: { isReadyLate: true }, says: 'not complete' },
    {
      when: 'nobody published',
      changes: { result: { messages: { ...RESULT.messages, acknowledged: 0 } } },
      says: 'no QoS 1',
    },
    {
      when: 'no broker said who connected',
      changes: { without: 'broker-connects' },
      says: 'brokers did not say',
    },
    { when: 'the upgrade did not end', changes: { isUnfinished: true }, says: 'did not end' },
    {
      when: 'the endpoints were not watched',
      changes: { without: 'endpoints' },
      says: 'endpoints were not watched',
    },
    {
      when: 'the moment from which no connect may reach blue is not known',
      changes: { without: 'endpoints' },
      says: 'never listed green only',
    },
    { when: 'the nodes were not watched', changes: { without: 'nodes' }, says: 'nodes were not watched' },
    { when: 'the observer slept', changes: { endedMs: at(51_000) }, says: 'not seen for 11 s' },
    {
      when: 'a node could have gone and come back unseen',
      changes: { endedMs: at(44_900) },
      says: 'not seen for 5 s',
    },
  ])('the measurement, when $when', ({ changes, says }) => {
    const { brokenPromises } = reportOf(sampleEvidence(changes));
    expect(brokenPromises.filter((broken) => broken.startsWith('measurement: ')).join()).toContain(says);
  });
});

describe('the spread', () => {
  it('of a few clients is a matter of chance', () => {
    const nodes = [node('green-0', { clients: 6 }), node('green-1', { clients: 2 }), node('green-2')];
    const { spread, brokenPromises } = reportOf(
      sampleEvidence({ seen: [{ kind: 'nodes', atMs: at(41_000), nodes }] }),
    );
    expect(spread.coefficientOfVariation).toBeGreaterThan(0.1);
    expect(brokenPromises).toEqual([]);
  });

  it('is that of the last moment before the fleet left', () => {
    const left = [
      node('green-0', { clients: 0 }),
      node('green-1', { clients: 0 }),
      node('green-2', { clients: 0 }),
    ];
    const { spread, brokenPromises } = reportOf(
      sampleEvidence({ seen: [{ kind: 'nodes', atMs: RESULT.atMs + 500, nodes: left }] }),
    );
    expect(spread.perNode).toEqual({ 'green-0': 4, 'green-1': 4, 'green-2': 4 });
    expect(brokenPromises).toEqual([]);
  });

  it('is not believed when the brokers do not know all clients', () => {
    const nobody = [
      node('green-0', { clients: 0 }),
      node('green-1', { clients: 0 }),
      node('green-2', { clients: 0 }),
    ];
    const { brokenPromises } = reportOf(
      sampleEvidence({ seen: [{ kind: 'nodes', atMs: RESULT.atMs - 500, nodes: nobody }] }),
    );
    expect(brokenPromises).toEqual(['measurement: the brokers knew 0 of 12 clients at the end']);
  });
});

describe('what is not the upgrade’s doing', () => {
  it.each<{ what: string; changes: Changes }>([
    { what: 'a disconnect before the edit', changes: { disconnects: [[EDIT_MS - 1, 5, -1]] } },
    { what: 'a refusal while the fleet started', changes: { refusals: [[EDIT_MS - 1, 5, 'ECONNREFUSED']] } },
    {
      what: 'a connect to blue within 2 s of the switch',
      changes: {
        seen: [{ kind: 'broker-connects', fromMs: at(11_900), atMs: at(11_900), pod: 'blue-2', count: 1 }],
      },
    },
    {
      what: 'a late test process, when the brokers kept the time',
      changes: {
        settings: { clients: 15 },
        result: { clients: 15, connected: 15 },
        disconnects: [
          [at(16_900), 12, -1],
          [at(16_900), 13, -1],
          [at(16_900), 14, -1],
        ],
        seen: [12, 13, 14].map((client) => ({
          kind: 'broker-disconnect' as const,
          atMs: at(12_000 + client),
          pod: 'blue-0',
          clientId: `fleet-r-${client}`,
        })),
      },
    },
    {
      what: 'a node that waits for its health check: it serves',
      changes: {
        seen: [
          {
            kind: 'nodes',
            atMs: at(5000),
            nodes: [node('blue-0', { state: 'waiting_health_check' }), node('blue-1'), node('blue-2')],
          },
        ],
      },
    },
  ])('$what', ({ changes }) => expect(reportOf(sampleEvidence(changes)).brokenPromises).toEqual([]));
});

describe('blue', () => {
  it('stays blue when its pod dies and comes again under a new uid', () => {
    const { brokenPromises } = reportOf(
      sampleEvidence({
        seen: [
          pod('blue-2', { atMs: at(12_000), uid: 'again' }),
          { kind: 'broker-connects', fromMs: at(13_000), atMs: at(13_000), pod: 'blue-2', count: 3 },
        ],
      }),
    );
    expect(brokenPromises).toEqual([
      'connectsToBlueAfterSwitch: connects to blue after the switch: at most 0, seen 3',
    ]);
  });
});

describe('the rolling baseline', () => {
  const report = reportOf(sampleEvidence({ settings: { strategy: 'rolling' }, without: 'broker-connects' }));

  it('has a limit of its own: each node stops and starts, one after the other', () => {
    expect(report.limitParts).toMatchObject({ 'blue-0 stops': 7.8, 'green-2 starts': 6 });
  });

  it('has no switch after which a connect could be late', () =>
    expect(report.connectsToBlueAfterSwitch).toBe(0));
});

describe('reportTable', () => {
  const broken = reportOf(
    sampleEvidence({ refusals: [[at(20_000), 1, 'ECONNREFUSED']], result: { connected: 11 } }),
  );

  it('names what was broken, in its line and at the end', () => {
    const table = reportTable(broken, false);
    expect(table).toMatch(/refused connects: at most 0 +1 +BROKEN/);
    expect(table).toContain('2 broken: refusedConnects, measurement');
    expect(table).toContain('1 clients were not back');
  });

  it('is aligned', () => {
    const marks = reportTable(reportOf(sampleEvidence()), false)
      .split('\n')
      .filter((line) => line.endsWith('kept'))
      .map((line) => line.lastIndexOf('kept'));
    expect(marks.length).toBe(11);
    expect(new Set(marks).size).toBe(1);
  });

  it('has colours only when asked', () => {
    expect(reportTable(broken, false)).not.toContain('\u001b');
    expect(reportTable(broken, true)).toContain('\u001b[31m');
  });
});
