import { describe, expect, it } from '@jest/globals';
import type { Decision, Observed } from '../../../controller/model.js';
import { statusOf, type Trouble } from '../../../controller/status/status.js';
import type { BlueGreenStatus, Condition, UpgradeStatus } from '../../../lib/types.js';
import { nodeName, observed, report, set } from '../cases.js';

const blue = 'emqx-bbbbbbbbb';
const green = 'emqx-ggggggggg';
const NOW_MS = Date.parse('2026-01-02T03:04:05.000Z');
const TRACE = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';

function decision(changes: Partial<Decision> = {}): Decision {
  return {
    step: { kind: 'rest' },
    phase: 'Stable',
    message: 'serves',
    active: blue,
    wanted: blue,
    activeRevision: 'bbbbbbbbb',
    wantedRevision: 'bbbbbbbbb',
    wantedSize: 3,
    settled: true,
    ...changes,
  };
}

const upgrading = decision({
  phase: 'Progressing',
  message: 'green starts',
  wanted: green,
  wantedRevision: 'ggggggggg',
  settled: false,
});
const draining = decision({
  phase: 'Draining',
  message: 'blue drains',
  active: green,
  activeRevision: 'ggggggggg',
  wanted: green,
  wantedRevision: 'ggggggggg',
  settled: false,
});

function status(seen: Observed, decided: Decision, trouble?: Trouble): BlueGreenStatus {
  return statusOf({ ...seen, nowMs: NOW_MS }, decided, { trouble, selector: 'app=emqx' });
}

const healthy = (): Observed => observed({ sets: [set(blue)] });
const both = (before: Partial<BlueGreenStatus> = {}): Observed => {
  const seen = observed({ sets: [set(blue), set(green)], selects: 'ggggggggg', status: before });
  return { ...seen, declaration: { ...seen.declaration, requestedBy: 'alice', traceparent: TRACE } };
};
const isTrue = ({ conditions }: BlueGreenStatus): string[] =>
  conditions.filter((condition) => condition.status === 'True').map(({ type }) => type);

describe('a set that serves', () => {
  it('is Ready for kstatus and has its figures', () => {
    const made = status(healthy(), decision());
    expect(isTrue(made)).toEqual(['Ready', 'Available', 'Progressing']);
    expect(made).toMatchObject({
      active: blue,
      wanted: blue,
      replicas: 3,
      readyReplicas: 3,
      nodes: '3/3',
      selector: 'app=emqx,sluice.dev/revision=bbbbbbbbb',
      clientsLeft: 0,
    });
    expect(made.emqxNodes.map(({ node, revision }) => ({ node, revision }))).toEqual(
      [0, 1, 2].map((ordinal) => ({ node: nodeName(`${blue}-${ordinal}`), revision: 'bbbbbbbbb' })),
    );
  });

  it('keeps whose a stopped node was, whose name does not tell; not of one that runs', () => {
    const listed = (node_status: string): string | undefined => {
      const node = { node: 'emqx@10.0.0.5', node_status };
      const seen = observed({
        sets: [set(blue)],
        status: { emqxNodes: [{ ...node, revision: 'ggggggggg' }] },
      });
      for (const { report } of seen.sets[0]?.pods ?? []) report?.nodes.push(node);
      return status(seen, decision()).emqxNodes.find(({ node: name }) => name === node.node)?.revision;
    };
    expect(listed('stopped')).toBe('ggggggggg');
    expect(listed('running')).toBeUndefined();
  });

  it('lists the claims of its nodes, those that an adopted set had among them', () => {
    const claim = (name: string) => ({
      ...{ name, uid: name, revision: 'bbbbbbbbb' },
      ...{ owned: false, createdAtMs: 0 },
    });
    const seen = observed({
      sets: [set(blue)],
      claims: [claim(`data-${blue}-1`), claim(`data-${blue}-0`)],
      ownClaims: ['data-emqx-0'],
    });
    expect(status(seen, decision()).claims).toEqual(['data-emqx-0', `data-${blue}-0`, `data-${blue}-1`]);
  });

  it('has no active name before its set exists', () => {
    expect(status(observed({ sets: [] }), decision({ settled: false })).active).toBe('');
  });
});

describe('conditions', () => {
  const before = (type: Condition['type'], value: 'True' | 'False'): Condition => ({
    type,
    status: value,
    reason: 'x',
    message: '',
    lastTransitionTime: '2020-01-01T00:00:00.000Z',
    observedGeneration: 1,
  });
  const timeOf = (made: BlueGreenStatus, type: string): string | undefined =>
    made.conditions.find((condition) => condition.type === type)?.lastTransitionTime;

  it('keep their time while they stay the same, and only then', () => {
    const seen = observed({
      sets: [set(blue)],
      status: { conditions: [before('Ready', 'True'), before('Stalled', 'True')] },
    });
    const made = status(seen, decision());
    expect(made.conditions.map(({ observedGeneration }) => observedGeneration)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(timeOf(made, 'Ready')).toBe('2020-01-01T00:00:00.000Z');
    expect(timeOf(made, 'Stalled')).toBe('2026-01-02T03:04:05.000Z');
  });

  it.each([
    { when: 'green starts', decided: upgrading, conditions: ['Reconciling', 'Available', 'Progressing'] },
    {
      when: 'a person must act',
      decided: { ...upgrading, stalled: 'NoService' as const },
      conditions: ['Stalled', 'Available', 'Degraded'],
    },
    {
      when: 'it was aborted',
      decided: decision({ phase: 'Aborted', stalled: 'UpgradeAborted', settled: false }),
      conditions: ['Stalled', 'Available', 'Degraded'],
    },
    {
      when: 'it is paused',
      decided: decision({ phase: 'Paused' }),
      conditions: ['Available', 'Progressing'],
    },
  ])('say it when $when', ({ decided, conditions }) => {
    expect(isTrue(status(observed({ sets: [set(blue), set(green)] }), decided))).toEqual(conditions);
  });

  it('name the reason for which a person must act', () => {
    const made = status(healthy(), { ...upgrading, stalled: 'PodFailing' });
    expect(made.conditions.find(({ type }) => type === 'Stalled')).toMatchObject({
      status: 'True',
      reason: 'PodFailing',
      message: 'green starts (since 2026-01-02T03:04:05Z)',
    });
  });

  it('say that a node is missing', () => {
    const seen = observed({ sets: [set(blue, { pods: { 1: { ready: false, problem: 'is starting' } } })] });
    const made = status(seen, decision({ phase: 'Degraded' }));
    expect(isTrue(made)).toEqual(['Progressing', 'Degraded']);
    expect(made.nodes).toBe('2/3');
  });
});

describe('trouble', () => {
  it.each<{ trouble: Trouble; conditions: string[] }>([
    {
      trouble: { kind: 'refused', message: 'make it exec' },
      conditions: ['Stalled', 'Available', 'Degraded'],
    },
    { trouble: { kind: 'failing', message: 'quota' }, conditions: ['Available', 'Progressing', 'Degraded'] },
  ])('of kind $trouble.kind is the message', ({ trouble, conditions }) => {
    const made = status(healthy(), upgrading, trouble);
    const message = `${trouble.message} (since 2026-01-02T03:04:05Z)`;
    expect(made).toMatchObject({ phase: 'Degraded', message });
    expect(isTrue(made)).toEqual(conditions);
  });

  it('of a gate that gave up is added to the message', () => {
    const gate = { kind: 'gaveUp' as const, detail: 'nowhere to go', sessionsLost: 7 };
    const pods = { 2: { ready: false, terminating: true, report: report(`${blue}-2`, { gate }) } };
    const seen = observed({ sets: [set(blue, { pods }), set(green)], selects: 'ggggggggg' });
    expect(status(seen, draining).message).toBe(
      `blue drains (since 2026-01-02T03:04:05Z); ${blue}-2 stopped with 7 sessions left: nowhere to go`,
    );
  });
});

describe('the message names stopped nodes that EMQX still lists', () => {
  const quiet = decision({ phase: 'Stable', message: 'blue serves' });
  it.each<{ of: string; world: Parameters<typeof observed>[0]; says: RegExp }>([
    {
      of: 'EMQX 4, which has no call for it',
      world: { emqxApi: 'v4', stopped: [`${green}-0`, 'other-0'] },
      says: new RegExp(
        `^blue serves[^;]*; EMQX still lists emqx@${green}-0[^,]*, which has stopped: .* autoclean`,
      ),
    },
    { of: 'EMQX 5, which is asked to', world: { stopped: [`${green}-0`] }, says: /^blue serves[^;]*$/ },
  ])('of $of', ({ world, says }) => {
    expect(status(observed({ sets: [set(blue)], ...world }), quiet).message).toMatch(says);
  });
});

describe('the message says since when', () => {
  const since = '2026-01-02T01:00:00.000Z';
  const made = (message: string, waitingFor: BlueGreenStatus['waitingFor'], about?: string): string =>
    status(
      observed({ sets: [set(blue)], status: { ...(waitingFor && { waitingFor }) } }),
      decision({ message, ...(about !== undefined && { about }) }),
    ).message;

  it.each([
    { when: 'only a figure has changed', what: 'the endpoints miss # pods', isSame: true },
    { when: 'another thing is waited for', what: 'emqx-x-2 drains', isSame: false },
  ])('it began, when $when', ({ what, isSame }) => {
    expect(made('the endpoints miss 2 pods', { what, since })).toBe(
      `the endpoints miss 2 pods (since ${isSame ? '2026-01-02T01:00:00Z' : '2026-01-02T03:04:05Z'})`,
    );
  });

  it('counts one pod after the other as another wait', () => {
    expect(made(`${blue}-1 is starting`, { what: `${blue}-2 is starting`, since })).toMatch(/03:04:05Z\)$/);
  });

  it('goes by what the plan says it is about', () => {
    expect(made('x crashes, 3 restarts', { what: 'x to become ready', since }, 'x to become ready')).toMatch(
      /01:00:00Z\)$/,
    );
  });
});

describe('clients left', () => {
  it('are those on running nodes of sets that are not wanted', () => {
    const seen = observed({
      sets: [set(blue, { size: 2 }), set(green)],
      selects: 'ggggggggg',
      clients: { [`${blue}-0`]: 40, [`${blue}-1`]: 2, [`${green}-0`]: 500 },
    });
    expect(status(seen, draining).clientsLeft).toBe(42);
  });
});

describe('the record of an upgrade', () => {
  const open = {
    id: '0123456789abcdef0123456789abcdef',
    spanId: '0123456789abcdef',
    startedAt: '2026-01-02T03:00:00.000Z',
    requestedBy: 'alice',
    from: blue,
    to: green,
    traceparent: TRACE,
  };

  /** A record but for its steps, which have tests of their own. */
  const bare = (record: UpgradeStatus | undefined): Partial<UpgradeStatus> | undefined => {
    if (record === undefined) return undefined;
    const { steps, ...rest } = record;
    expect(steps).toBeDefined();
    return rest;
  };

  it('is opened when another set is wanted than the active one', () => {
    const { upgrade } = status(both(), upgrading);
    expect(bare(upgrade)).toEqual({ ...open, startedAt: '2026-01-02T03:04:05.000Z' });
  });

  it.each([
    { when: 'the request is new', history: [], says: '2026-01-02T03:04:04.000Z' },
    {
      when: 'an upgrade has begun with it before',
      history: [{ ...open, finishedAt: '', result: 'aborted' }],
    },
  ] as const)('says when it was asked for, if $when', ({ history, ...expected }) => {
    const seen = both({ history: [...history] });
    const declaration = { ...seen.declaration, requestedAtMs: NOW_MS - 1000 };
    const { upgrade } = status({ ...seen, declaration }, upgrading);
    expect(upgrade?.requestedAt).toBe('says' in expected ? expected.says : undefined);
  });

  it('is not opened while there is no Service to switch', () => {
    expect(status({ ...both(), services: [] }, upgrading).upgrade).toBeUndefined();
  });

  it.each([
    { when: 'it is the first of its request', earlier: [], is: { spanId: '0123456789abcdef' } },
    {
      when: 'it is another one of the same request',
      earlier: [{ ...open, finishedAt: '', result: 'aborted' }],
      is: {
        spanId: expect.stringMatching(/^(?!0123456789abcdef)[0-9a-f]{16}$/),
        parentSpanId: '0123456789abcdef',
      },
    },
  ] as const)('lies in the span of its request, or is it, when $when', ({ earlier, is }) => {
    const { upgrade } = status(both({ history: [...earlier] }), upgrading);
    expect(upgrade).toMatchObject({ id: open.id, ...is });
  });

  it('lies in the span of who asked', () => {
    const seen = both();
    const declaration = { ...seen.declaration, parentSpan: 'fedcba9876543210' };
    expect(status({ ...seen, declaration }, upgrading).upgrade?.parentSpanId).toBe('fedcba9876543210');
  });

  it('says that its trace is to be sent, and that it was', () => {
    const ended = { ...open, finishedAt: '', result: 'succeeded' as const, traced: false };
    const traced = (hasTrace?: () => boolean | undefined): (boolean | undefined)[] => {
      const seen = { ...both({ upgrade: open, history: [ended] }), nowMs: NOW_MS };
      const { upgrade, history } = statusOf(seen, upgrading, { selector: '', ...(hasTrace && { hasTrace }) });
      return [upgrade?.traced, history[0]?.traced];
    };
    expect(traced()).toEqual([undefined, false]);
    expect(traced(() => false)).toEqual([false, false]);
    expect(traced(() => true)).toEqual([false, true]);
    // It is not sampled.
    expect(traced(() => undefined)).toEqual([undefined, undefined]);
  });

  it('is kept as it is', () => {
    expect(bare(status(both({ upgrade: open }), upgrading).upgrade)).toEqual(open);
  });

  it('has an id also where nobody asked through the webhook', () => {
    const seen = both();
    const made = status({ ...seen, declaration: { ...seen.declaration, traceparent: '' } }, upgrading);
    expect(made.upgrade?.id).toMatch(/^[0-9a-f]{32}$/);
  });

  it('notes the switch once', () => {
    const first = status(both({ upgrade: open }), { ...draining, switchedAtMs: NOW_MS });
    expect(first.upgrade?.switchedAt).toBe('2026-01-02T03:04:05.000Z');
    const again = status(both({ upgrade: { ...open, switchedAt: 'then' } }), {
      ...draining,
      switchedAtMs: 5,
    });
    expect(again.upgrade?.switchedAt).toBe('then');
  });

  it('notes the switch again when a clock that was ahead put it into the future', () => {
    const ahead = { ...open, switchedAt: '2026-01-02T04:00:00.000Z' };
    const made = status(both({ upgrade: ahead }), { ...draining, switchedAtMs: NOW_MS });
    expect(made.upgrade?.switchedAt).toBe('2026-01-02T03:04:05.000Z');
  });

  it.each(['Paused', 'AwaitingPromotion'] as const)(
    'notes when %s ended: the deadline counts anew',
    (phase) => {
      expect(
        status(both({ phase, upgrade: open }), { ...upgrading, phase }).upgrade?.resumedAt,
      ).toBeUndefined();
      const ended = status(both({ phase, upgrade: open }), upgrading);
      expect(ended.upgrade?.resumedAt).toBe('2026-01-02T03:04:05.000Z');
    },
  );

  it.each<{ how: string; step: (set: string) => Decision['step'] }>([
    { how: 'deleted', step: (set) => ({ kind: 'deleteSet', set, because: '' }) },
    { how: 'taken down', step: (set) => ({ kind: 'resize', set, to: 0, because: '' }) },
  ])('notes when green was $how to be made anew: the deadline counts anew (8104)', ({ step }) => {
    const resumedAt = (set: string): string | undefined =>
      status(both({ upgrade: open }), { ...upgrading, step: step(set) }).upgrade?.resumedAt;
    expect(resumedAt(green)).toBe('2026-01-02T03:04:05.000Z');
    expect(resumedAt(blue)).toBeUndefined();
  });

  it('has succeeded when the next revision is wanted as its last pod goes', () => {
    const seen = both({ upgrade: open });
    const sets = seen.sets.map((each) => (each.name === blue ? { ...each, size: 0, pods: [] } : each));
    const made = status({ ...seen, sets }, { ...draining, wanted: 'emqx-nnnnnnnnn' });
    expect(made.history).toMatchObject([{ to: green, result: 'succeeded' }]);
    expect(made.upgrade?.to).toBe('emqx-nnnnnnnnn');
  });

  it('is opened again when it was lost after the switch, for the delay is counted from it', () => {
    const seen = both();
    const made = status(seen, { ...draining, switchedAtMs: NOW_MS });
    expect(made.upgrade).toMatchObject({ from: blue, to: green, switchedAt: '2026-01-02T03:04:05.000Z' });
  });

  const refused = { revision: 'ggggggggg', replacing: 'bbbbbbbbb', because: 'it was late' };
  it.each<{
    how: string;
    decided: Decision;
    record?: Partial<typeof open>;
    aborted?: typeof refused;
    reason?: string;
    next?: string;
  }>([
    { how: 'succeeded', decided: { ...draining, settled: true } },
    {
      how: 'superseded',
      decided: { ...upgrading, wanted: 'emqx-nnnnnnnnn' },
      reason: 'emqx-nnnnnnnnn was wanted instead',
      next: 'emqx-nnnnnnnnn',
    },
    {
      how: 'superseded',
      decided: { ...upgrading, wantedSize: 0, settled: true },
      reason: 'no nodes were wanted before the switch',
    },
    { how: 'aborted', decided: decision(), aborted: refused, reason: 'it was late' },
    {
      how: 'aborted',
      decided: { ...upgrading, active: green, wanted: blue },
      aborted: refused,
      reason: 'it was late',
      next: blue,
    },
    {
      how: 'rolledBack',
      decided: decision(),
      record: { from: green, to: blue },
      aborted: refused,
      reason: 'revision ggggggggg was aborted',
    },
  ])('is closed as $how: $reason', ({ how, decided, record, aborted, reason, next }) => {
    const seen = both({ upgrade: { ...open, ...record } });
    const declaration = { ...seen.declaration, ...(aborted && { aborted }) };
    const made = status({ ...seen, declaration }, decided);
    expect(made.history.map(bare)).toEqual([
      {
        ...open,
        ...record,
        finishedAt: '2026-01-02T03:04:05.000Z',
        result: how,
        ...(reason !== undefined && { reason }),
      },
    ]);
    expect(made.upgrade?.to).toBe(next);
  });

  it('keeps ten', () => {
    const history = Array.from({ length: 10 }, () => ({
      ...open,
      finishedAt: '',
      result: 'succeeded' as const,
    }));
    expect(status(both({ upgrade: open, history }), { ...draining, settled: true }).history).toHaveLength(10);
  });
});
