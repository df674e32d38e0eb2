import { describe, expect, it } from '@jest/globals';
import { spansOf, traceparentOf, UPGRADE, type TracedRecord } from '../../../controller/trace/spans.js';
import { drainSpanIdOf, parseTraceparent } from '../../../lib/telemetry/traceparent.js';
import type { Attributes, SpanData } from '../../../lib/telemetry/types.js';
import type { UpgradeStep } from '../../../lib/types.js';

const subject = { namespace: 'mq', name: 'emqx', uid: 'uid-of-emqx' };
const iso = (seconds: number): string =>
  new Date(Date.parse('2026-01-02T03:00:00Z') + seconds * 1000).toISOString();
const ms = (seconds: number): number => Date.parse(iso(seconds));

const steps: UpgradeStep[] = [
  { name: 'admission', startedAt: iso(-1), endedAt: iso(0) },
  { name: 'readiness', startedAt: iso(0), endedAt: iso(10) },
  { name: 'draining', startedAt: iso(10), endedAt: iso(30) },
  { name: 'start', pod: 'emqx-g-0', uid: 'g0', startedAt: iso(1), endedAt: iso(9), outcome: 'done' },
  {
    name: 'drain',
    pod: 'emqx-b-0',
    uid: 'b0',
    startedAt: iso(10),
    endedAt: iso(20),
    clients: 70,
    sessions: 90,
    outcome: 'drained',
  },
];

const record = (change: Partial<TracedRecord> = {}): TracedRecord => ({
  ...{ id: 'a'.repeat(32), spanId: 'b'.repeat(16), traceparent: '', requestedBy: 'alice' },
  ...{ startedAt: iso(0), requestedAt: iso(-1), from: 'emqx-b', to: 'emqx-g', steps },
  ...change,
});
const ended = (change: Partial<TracedRecord> = {}): TracedRecord =>
  record({ finishedAt: iso(31), result: 'succeeded', ...change });
const countsOf = (clients: number, sessions: number): Attributes => ({
  'sluice.drain.clients': clients,
  'sluice.drain.sessions': sessions,
});
const named = (spans: SpanData[], name: string): SpanData | undefined =>
  spans.find((span) => span.name === name);
const rootOf = (change: Partial<TracedRecord> = {}): SpanData | undefined =>
  named(spansOf(ended(change), subject), UPGRADE);

describe('the spans of an upgrade', () => {
  it('are a tree with one root, once it is over', () => {
    const spans = spansOf(ended(), subject);
    const tree = spans.map(({ name, spanId, parentSpanId }) => ({
      name,
      isIn: spans.find((span) => span.spanId === parentSpanId)?.name,
      isAlone: spans.filter((span) => span.spanId === spanId).length === 1,
    }));
    const isAlone = true;
    expect(tree).toEqual([
      { name: 'admission', isIn: UPGRADE, isAlone },
      { name: 'readiness', isIn: UPGRADE, isAlone },
      { name: 'draining', isIn: UPGRADE, isAlone },
      { name: 'start', isIn: 'readiness', isAlone },
      { name: 'drain', isIn: 'draining', isAlone },
      { name: UPGRADE, isIn: undefined, isAlone },
    ]);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set(['a'.repeat(32)]));
  });

  it('are those that have ended while it goes on, and stay what they are', () => {
    const open = record({
      steps: [...steps.slice(0, 2), { name: 'draining', startedAt: iso(10) }, ...steps.slice(3)],
    });
    const before = spansOf(open, subject);
    expect(before.map(({ name }) => name)).toEqual(['admission', 'readiness', 'start', 'drain']);
    const after = spansOf(ended(), subject);
    for (const span of before) expect(after).toContainEqual(span);
  });

  it('last from the request to the end', () => {
    expect(rootOf()).toMatchObject({
      startMs: ms(-1),
      endMs: ms(31),
      kind: 'server',
      spanId: 'b'.repeat(16),
    });
    const unasked = ended();
    delete unasked.requestedAt;
    expect(named(spansOf(unasked, subject), UPGRADE)).toMatchObject({ startMs: ms(0) });
  });

  it('say what they are about', () => {
    expect(rootOf()?.attributes).toEqual({
      'k8s.namespace.name': 'mq',
      'k8s.statefulset.name': 'emqx',
      'k8s.statefulset.uid': 'uid-of-emqx',
      'cicd.pipeline.name': UPGRADE,
      'cicd.pipeline.run.id': 'b'.repeat(16),
      'cicd.pipeline.action.name': 'RUN',
      'cicd.pipeline.result': 'success',
      'user.name': 'alice',
      'sluice.upgrade.from': 'emqx-b',
      'sluice.upgrade.to': 'emqx-g',
      'sluice.upgrade.result': 'succeeded',
    });
    const drain = named(spansOf(ended(), subject), 'drain');
    expect(drain).toMatchObject({ startMs: ms(10), endMs: ms(20), kind: 'internal' });
    expect(drain?.attributes).toEqual({
      'k8s.namespace.name': 'mq',
      'k8s.statefulset.name': 'emqx-b',
      'k8s.pod.name': 'emqx-b-0',
      'k8s.pod.uid': 'b0',
      'cicd.pipeline.name': UPGRADE,
      'cicd.pipeline.run.id': 'b'.repeat(16),
      'cicd.pipeline.task.name': 'drain',
      'cicd.pipeline.task.type': 'deploy',
      'cicd.pipeline.task.run.id': drain?.spanId,
      'cicd.pipeline.task.run.result': 'success',
      'sluice.step.outcome': 'drained',
      'sluice.drain.clients': 70,
      'sluice.drain.sessions': 90,
    });
  });

  it.each([
    { result: 'succeeded', is: 'success' },
    { result: 'rolledBack', is: 'success' },
    { result: 'superseded', is: 'cancellation' },
    { result: 'aborted', is: 'failure', error: 'it was late' },
  ] as const)('tell that it was $result', ({ result, is, ...expected }) => {
    const root = rootOf({ result, reason: 'it was late' });
    expect(root?.attributes).toMatchObject({
      'cicd.pipeline.result': is,
      'sluice.upgrade.reason': 'it was late',
    });
    expect(root?.error).toBe('error' in expected ? expected.error : undefined);
    expect(root?.attributes['error.type']).toBe('error' in expected ? 'aborted' : undefined);
  });

  it.each([
    { outcome: 'gaveUp', result: 'failure', error: '7 sessions lost: no other node could take them' },
    { outcome: 'timedOut', result: 'timeout', error: 'it took longer than drainTimeoutSeconds' },
    { outcome: 'interrupted', result: 'cancellation' },
    { outcome: 'ended' },
  ] as const)('tell that a drain $outcome', ({ outcome, ...expected }) => {
    const drain = { ...(steps[4] as UpgradeStep), outcome, sessionsLost: 7 };
    const span = named(spansOf(ended({ steps: [...steps.slice(0, 4), drain] }), subject), 'drain');
    expect(span?.attributes['cicd.pipeline.task.run.result']).toBe(
      'result' in expected ? expected.result : undefined,
    );
    expect(span?.error).toBe('error' in expected ? expected.error : undefined);
  });

  it("have EMQX's states as events of the drain", () => {
    const states = [
      { state: 'evicting_conns' as const, at: iso(11), clients: 70, sessions: 90 },
      { state: 'evicting_sessions' as const, at: iso(15), clients: 0, sessions: 90 },
    ];
    const drain: UpgradeStep = { ...(steps[4] as UpgradeStep), states };
    const spans = spansOf(ended({ steps: [...steps.slice(0, 4), drain] }), subject);
    expect(named(spans, 'drain')?.events).toEqual([
      ...[{ name: 'evicting_conns', atMs: ms(11), attributes: countsOf(70, 90) }],
      ...[{ name: 'evicting_sessions', atMs: ms(15), attributes: countsOf(0, 90) }],
    ]);
  });

  it("of a pod's drain have the id that its sidecar knows; of a second one, another", () => {
    const upgrade = parseTraceparent(traceparentOf(ended()));
    const [first, again] = [10, 21].map((at): UpgradeStep => ({
      ...(steps[4] as UpgradeStep),
      ...{ startedAt: iso(at), endedAt: iso(at + 5) },
    }));
    if (!first || !again || !upgrade) throw new Error('not so many');
    const ids = (...drains: UpgradeStep[]): string[] =>
      spansOf(ended({ steps: [...steps.slice(0, 4), ...drains] }), subject)
        .filter(({ name }) => name === 'drain')
        .map(({ spanId }) => spanId);
    const [one, other] = ids(first, again);
    expect(one).toBe(drainSpanIdOf(upgrade, 'b0'));
    expect(other).not.toBe(one);
    expect(ids(first)).toEqual([one]);
    expect(ids({ ...first, uid: 'another' })).not.toEqual([one]);
  });

  it('of nodes lie in the turn of their phase, or in the upgrade where they began in another', () => {
    const phases: UpgradeStep[] = [
      { name: 'readiness', startedAt: iso(0), endedAt: iso(10) },
      { name: 'gates', startedAt: iso(10), endedAt: iso(12) },
      { name: 'draining', startedAt: iso(12), endedAt: iso(20) },
      { name: 'pause', startedAt: iso(20), endedAt: iso(22) },
      { name: 'draining', startedAt: iso(22), endedAt: iso(30) },
    ];
    const drain = (from: number, to: number): UpgradeStep => ({
      ...{ name: 'drain', pod: `emqx-b-${from}`, uid: `b${from}`, startedAt: iso(from), endedAt: iso(to) },
      outcome: 'drained',
    });
    const spans = spansOf(
      ended({ steps: [...phases, drain(11, 15), drain(12, 20), drain(23, 30)] }),
      subject,
    );
    const parents = spans
      .filter(({ name }) => name === 'drain')
      .map(({ parentSpanId }) => spans.find(({ spanId }) => spanId === parentSpanId))
      .map((parent) => [parent?.name, parent?.startMs]);
    expect(parents).toEqual([
      [UPGRADE, ms(-1)],
      ['draining', ms(12)],
      ['draining', ms(22)],
    ]);
  });

  it('of an upgrade and its retry are two runs of the pipeline in one trace', () => {
    const retry = ended({ spanId: 'c'.repeat(16), parentSpanId: 'b'.repeat(16) });
    const runsOf = (spans: SpanData[]): unknown[] => [
      ...new Set(
        spans.map(({ traceId, attributes }) => [traceId, attributes['cicd.pipeline.run.id']].join()),
      ),
    ];
    expect(runsOf([...spansOf(ended(), subject), ...spansOf(retry, subject)])).toHaveLength(2);
  });

  it('lie in the span of who asked', () => {
    expect(rootOf({ parentSpanId: 'c'.repeat(16) })?.parentSpanId).toBe('c'.repeat(16));
  });
});
