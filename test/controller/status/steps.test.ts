import { describe, expect, it } from '@jest/globals';
import type { Decision, NodeSet, Pod } from '../../../controller/model.js';
import { upgradeRecords, type After } from '../../../controller/status/upgrade.js';
import {
  MOST_STEPS,
  UPGRADE_PHASES,
  type EvacuationSeen,
  type BlueGreenStatus,
  type UpgradeStep,
} from '../../../lib/types.js';
import { observed, report, set, type SetOptions, type World } from '../cases.js';

const blue = 'emqx-bbbbbbbbb';
const green = 'emqx-ggggggggg';
const START_MS = Date.parse('2026-01-02T03:00:00.000Z');

/** One look of whoever leads: when, in seconds from the start; what is there; what is decided. */
interface Look extends World {
  at: number;
  decides?: Partial<Decision>;
  /** The step was not carried out. */
  fails?: true;
  /** Where traces are sent. */
  hasTrace?: NonNullable<After['hasTrace']>;
}

type Records = Pick<BlueGreenStatus, 'upgrade' | 'history'>;

const ms = (seconds: number): number => START_MS + seconds * 1000;
const iso = (seconds: number): string => new Date(ms(seconds)).toISOString();

const toGreen: Partial<Decision> = { wanted: green, wantedRevision: 'ggggggggg' };
const onGreen: Partial<Decision> = {
  ...toGreen,
  active: green,
  activeRevision: 'ggggggggg',
  phase: 'Draining',
};
const switching: Decision['step'] = { kind: 'pointServices', services: ['emqx'], revision: 'ggggggggg' };
const shrinking = (to: number): Decision['step'] => ({ kind: 'resize', set: blue, to, because: '' });

function look(before: Records, { at, decides, fails, hasTrace, ...world }: Look): Records {
  const { upgrade, history } = before;
  const seen = observed({
    ...world,
    nowMs: ms(at),
    status: { ...world.status, history, ...(upgrade && { upgrade }) },
    declaration: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, requestedAtMs: ms(-1) },
  });
  const decision: Decision = {
    step: { kind: 'wait', forMs: 1000 },
    phase: 'Progressing',
    message: '',
    ...{ active: blue, wanted: blue, activeRevision: 'bbbbbbbbb', wantedRevision: 'bbbbbbbbb' },
    wantedSize: 2,
    settled: false,
    ...decides,
  };
  return upgradeRecords(seen, decision, { isDone: !fails, ...(hasTrace && { hasTrace }) });
}

const after = (looks: Look[]): Records => looks.reduce(look, { history: [] });
const stepsOf = ({ upgrade, history }: Records): UpgradeStep[] => (upgrade ?? history[0])?.steps ?? [];
const isPhase = ({ name }: UpgradeStep): boolean => (UPGRADE_PHASES as readonly string[]).includes(name);
const phasesOf = (records: Records): UpgradeStep[] => stepsOf(records).filter(isPhase);
const namesOf = (records: Records): string[] => phasesOf(records).map(({ name }) => name);
const nodesOf = (records: Records, name: string): UpgradeStep[] =>
  stepsOf(records).filter((step) => step.name === name);

/** Two nodes of green, whose set was made at 1 s and whose pods at 2 s, Ready at these seconds. */
function greenWith(readyAt: (number | undefined)[], options: SetOptions = {}): NodeSet {
  const made = set(green, { size: 2, podCount: readyAt.length, createdAtMs: ms(1), ...options });
  const pods = made.pods.map((pod, ordinal): Pod => {
    const seconds = readyAt[ordinal];
    return {
      ...pod,
      createdAtMs: ms(2),
      ready: seconds !== undefined,
      ...(seconds !== undefined && { readySinceMs: ms(seconds) }),
      ...options.pods?.[ordinal],
    };
  });
  return { ...made, pods };
}

const ready = (): NodeSet => greenWith([8, 20]);
const blueWith = (size: number, pods: SetOptions['pods'] = {}): NodeSet =>
  set(blue, {
    size,
    podCount: Math.max(size, ...Object.keys(pods).map((ordinal) => Number(ordinal) + 1)),
    pods,
  });
const ending = (since: number, change: Partial<Pod> = {}): Partial<Pod> => ({
  ready: false,
  terminating: true,
  deletedAtMs: ms(since),
  ...change,
});
const drained = (pod: string): Partial<Pod> => ({ report: report(pod, { gate: { kind: 'drained' } }) });
const serving = { selects: 'ggggggggg' };

/** A whole upgrade of two nodes, as a leader looks at it that lives. */
const UPGRADE: Look[] = [
  { at: 0, sets: [blueWith(2)], decides: toGreen },
  { at: 2.5, sets: [blueWith(2), greenWith([undefined, undefined])], decides: toGreen },
  { at: 10, sets: [blueWith(2), greenWith([8, undefined])], decides: toGreen },
  { at: 20.5, sets: [blueWith(2), ready()], decides: { ...toGreen, step: switching } },
  { at: 21, sets: [blueWith(2), ready()], ...serving, decides: { ...onGreen, phase: 'Delaying' } },
  {
    ...{ at: 22, sets: [blueWith(2), ready()], ...serving },
    decides: { ...onGreen, phase: 'Delaying', switchedAtMs: ms(22) },
  },
  { at: 32, sets: [blueWith(2), ready()], ...serving, decides: { ...onGreen, step: shrinking(1) } },
  {
    ...{ at: 33, sets: [blueWith(1, { 1: ending(32) }), ready()], ...serving, decides: onGreen },
    evacuations: { [`${blue}-1`]: 'evicting_conns' },
  },
  {
    ...{ at: 50, sets: [blueWith(1, { 1: ending(32, drained(`${blue}-1`)) }), ready()], ...serving },
    decides: { ...onGreen, step: shrinking(0) },
  },
  {
    ...{ at: 51, sets: [blueWith(0, { 0: ending(50), 1: null }), ready()], ...serving },
    ...{
      stopped: [`${blue}-1`],
      decides: { ...onGreen, step: { kind: 'leave', node: `emqx@${blue}-1.x`, via: '' } },
    },
  },
  {
    ...{ at: 70, sets: [blueWith(0, { 0: ending(50, drained(`${blue}-0`)) }), ready()], ...serving },
    decides: onGreen,
  },
  {
    ...{ at: 71, sets: [blueWith(0), ready()], ...serving },
    decides: { ...onGreen, step: { kind: 'leave', node: `emqx@${blue}-0.x`, via: '' } },
  },
  {
    at: 72,
    sets: [blueWith(0), ready()],
    ...serving,
    decides: { ...onGreen, phase: 'Stable', settled: true },
  },
];

const PHASES: [string, number, number][] = [
  ['admission', -1, 0],
  ['creation', 0, 1],
  ['readiness', 1, 20],
  ['gates', 20, 20.5],
  ['switch', 20.5, 22],
  ['delay', 22, 32],
  ['draining', 32, 71],
  ['cleanUp', 71, 72],
];

describe('the record of a whole upgrade', () => {
  const records = after(UPGRADE);

  it('has its phases, dated by the objects where they tell', () => {
    expect(records.history).toMatchObject([{ result: 'succeeded', finishedAt: iso(72) }]);
    expect(phasesOf(records)).toEqual(
      PHASES.map(([name, from, to]) => ({ name, startedAt: iso(from), endedAt: iso(to) })),
    );
  });

  it('has each node that started, drained and left', () => {
    const started = (pod: string, to: number): UpgradeStep => ({
      ...{ name: 'start', pod, uid: pod, startedAt: iso(2), endedAt: iso(to), outcome: 'done' },
    });
    expect(nodesOf(records, 'start')).toEqual([started(`${green}-0`, 8), started(`${green}-1`, 20)]);
    const drain = (pod: string, from: number, to: number): UpgradeStep => ({
      ...{ name: 'drain', pod, uid: pod, startedAt: iso(from), endedAt: iso(to), outcome: 'drained' },
      ...{ clients: 100, sessions: 100 },
    });
    expect(nodesOf(records, 'drain')).toMatchObject([drain(`${blue}-1`, 32, 50), drain(`${blue}-0`, 50, 70)]);
    const left = (pod: string, from: number, to: number): UpgradeStep => ({
      ...{ name: 'leave', pod, startedAt: iso(from), endedAt: iso(to), outcome: 'done' },
    });
    expect(nodesOf(records, 'leave')).toEqual([left(`${blue}-1`, 51, 70), left(`${blue}-0`, 71, 72)]);
  });

  it('changes nothing that it has said before, but for the end of what goes on', () => {
    const ended = new Map<string, UpgradeStep>();
    let now: Records = { history: [] };
    for (const each of UPGRADE) {
      now = look(now, each);
      for (const step of stepsOf(now)) {
        const key = [step.name, step.pod, step.uid, step.startedAt].join(' ');
        if (ended.has(key)) expect(step).toEqual(ended.get(key));
        if (step.endedAt !== undefined) ended.set(key, step);
      }
      expect(phasesOf(now).filter(({ endedAt }) => endedAt === undefined).length).toBeLessThanOrEqual(1);
    }
    expect(ended.size).toBe(stepsOf(now).length);
  });
});

// A leader that dies before it writes is one look that leaves nothing behind; the next one takes over 15 s later.
describe('the record is whole when the leader is killed', () => {
  const cases = UPGRADE.flatMap((_, from) =>
    [1, 2, 3, 6]
      .filter((count) => from > 0 && from + count < UPGRADE.length)
      .map((count) => ({ from, count })),
  );
  it.each(cases)('and nobody writes from look $from on, $count times', ({ from, count }) => {
    const looks = [...UPGRADE.slice(0, from), ...UPGRADE.slice(from + count)];
    const records = after(looks);
    const phases = phasesOf(records);
    expect(phases.map(({ name }) => name)).toEqual(PHASES.map(([name]) => name));
    for (const [index, phase] of phases.entries()) {
      expect(phase.endedAt).toBe(phases[index + 1]?.startedAt ?? iso(72));
      expect(phase.startedAt <= (phase.endedAt ?? '')).toBe(true);
    }
    // The starts are in the pods as long as these are there.
    expect(nodesOf(records, 'start').map(({ startedAt, endedAt }) => [startedAt, endedAt])).toEqual([
      [iso(2), iso(8)],
      [iso(2), iso(20)],
    ]);
    const seen = looks
      .flatMap(({ sets = [] }) => sets.flatMap(({ pods }) => pods))
      .filter((pod) => pod.terminating);
    expect(nodesOf(records, 'drain').map(({ pod }) => pod)).toEqual(
      expect.arrayContaining([...new Set(seen.map(({ name }) => name))]),
    );
  });
});

describe('a phase', () => {
  const start = UPGRADE.slice(0, 3);
  const waiting = (at: number, phase: Decision['phase']): Look => ({
    ...{ at, sets: [blueWith(2), ready()], decides: { ...toGreen, phase } },
  });

  it('of a pause, or of a promotion waited for, comes between', () => {
    const records = after([
      ...start,
      waiting(21, 'AwaitingPromotion'),
      waiting(25, 'Paused'),
      waiting(30, 'Progressing'),
    ]);
    expect(phasesOf(records).slice(-5)).toEqual([
      { name: 'readiness', startedAt: iso(1), endedAt: iso(20) },
      // Nobody had looked at them before: who is waited for has passed them.
      { name: 'gates', startedAt: iso(20), endedAt: iso(21) },
      { name: 'promotion', startedAt: iso(21), endedAt: iso(25) },
      { name: 'pause', startedAt: iso(25), endedAt: iso(30) },
      { name: 'gates', startedAt: iso(30) },
    ]);
  });

  it('that comes back within the instant in which it came is another step, for its span is told by when it began', () => {
    const records = after([
      ...start,
      waiting(21, 'AwaitingPromotion'),
      waiting(25, 'Progressing'),
      waiting(25, 'AwaitingPromotion'),
      waiting(25, 'Progressing'),
      waiting(26, 'Progressing'),
    ]);
    const next = iso(25).replace('.000Z', '.001Z');
    expect(phasesOf(records).slice(-3)).toEqual([
      { name: 'gates', startedAt: iso(25), endedAt: iso(25) },
      { name: 'promotion', startedAt: iso(25), endedAt: next },
      { name: 'gates', startedAt: next },
    ]);
  });

  it('comes back when a node of green is lost', () => {
    const records = after([...start, waiting(21, 'Progressing'), { ...start[2], at: 30 }]);
    expect(namesOf(records).slice(-3)).toEqual(['readiness', 'gates', 'readiness']);
  });

  it('of the switch begins when that was carried out', () => {
    const refused: Look = { ...UPGRADE[3], fails: true } as Look;
    expect(namesOf(after([...start, refused])).at(-1)).toBe('gates');
  });

  it('is dated by an object only if that is between two looks: clocks differ', () => {
    const ahead = {
      ...UPGRADE[1],
      sets: [blueWith(2), greenWith([undefined], { createdAtMs: ms(99) })],
    } as Look;
    const behind = {
      ...UPGRADE[1],
      sets: [blueWith(2), greenWith([undefined], { createdAtMs: ms(-9) })],
    } as Look;
    for (const each of [ahead, behind]) {
      expect(phasesOf(after([UPGRADE[0] as Look, each])).at(-1)?.startedAt).toBe(iso(2.5));
    }
  });

  it('does not take in what has been told already as a part of the one before', () => {
    const gone = { 1: ending(23, drained(`${blue}-1`)) };
    const before = after([
      ...UPGRADE.slice(0, 6),
      { ...(UPGRADE[5] as Look), at: 24, sets: [blueWith(2, gone), ready()] },
    ]);
    const [told] = nodesOf(before, 'drain');
    expect(told).toMatchObject({ startedAt: iso(23), endedAt: iso(24) });
    const records = look(before, {
      ...{ at: 26, sets: [blueWith(1, gone), ready()], ...serving },
      decides: onGreen,
    });
    expect(nodesOf(records, 'drain')).toEqual([told]);
    expect(phasesOf(records).at(-1)).toMatchObject({ name: 'draining', startedAt: iso(26) });
  });

  it('of draining begins with the drain that its leader has begun, not with the whole second of the deletion', () => {
    const records = after([
      ...UPGRADE.slice(0, 6),
      { ...(UPGRADE[6] as Look), at: 32.97 },
      { ...(UPGRADE[7] as Look), at: 33.5, sets: [blueWith(1, { 1: ending(33) }), ready()] },
    ]);
    expect(nodesOf(records, 'drain')).toMatchObject([{ startedAt: iso(32.97) }]);
    expect(phasesOf(records).at(-1)).toEqual({ name: 'draining', startedAt: iso(32.97) });
  });

  it('of draining begins when EMQX accepted an evacuation from outside', () => {
    const own = set('emqx', {
      kind: 'declaration',
      size: 1,
      pods: { 0: { evacuationNote: { acceptedAtMs: ms(40) } } },
    });
    const records = after([
      ...UPGRADE.slice(0, 6),
      {
        at: 41,
        ...serving,
        decides: onGreen,
        sets: [own, ready()],
        evacuations: { 'emqx-0': 'evicting_conns' },
      },
    ]);
    expect(phasesOf(records).at(-1)).toEqual({ name: 'draining', startedAt: iso(40) });
  });

  it('is not brought back by what is told, or deleted, after the switch', () => {
    const records = after([...UPGRADE.slice(0, 8), { ...(UPGRADE[5] as Look), at: 40 }]);
    expect(namesOf(records).at(-1)).toBe('draining');
  });

  it('before the switch is not made up where the record was lost', () => {
    expect(namesOf(after(UPGRADE.slice(5)))).toEqual(['admission', 'delay', 'draining', 'cleanUp']);
  });
});

describe('a leader whose clock is an hour ahead', () => {
  const [first, ...others] = UPGRADE as [Look, ...Look[]];
  const records = after([{ ...first, at: 3600 }, ...others]);

  it('bends no phase that goes on: it has begun by the time of the next one', () => {
    const [, creation, ...rest] = phasesOf(records);
    expect(creation).toEqual({ name: 'creation', startedAt: iso(2.5), endedAt: iso(2.5) });
    expect(rest.at(-1)).toEqual({ name: 'cleanUp', startedAt: iso(71), endedAt: iso(72) });
    expect(namesOf(records)).toEqual(PHASES.map(([name]) => name));
    for (const { startedAt, endedAt = '' } of stepsOf(records)) expect(startedAt <= endedAt).toBe(true);
  });

  it('does not have its upgrade end before what it has told of it', () => {
    const ends = stepsOf(records).map(({ endedAt = '' }) => endedAt);
    expect(records.history[0]?.finishedAt).toBe(ends.sort().at(-1));
  });
});

describe('an upgrade that does not come to its end', () => {
  it('leaves no step open', () => {
    const aborted = look(after(UPGRADE.slice(0, 3)), {
      at: 15,
      sets: [blueWith(2), greenWith([8, undefined])],
    });
    expect(aborted.upgrade).toBeUndefined();
    expect(stepsOf(aborted).slice(-3)).toMatchObject([
      { name: 'readiness', endedAt: iso(15), outcome: 'interrupted' },
      { name: 'start', pod: `${green}-0`, endedAt: iso(8), outcome: 'done' },
      { name: 'start', pod: `${green}-1`, endedAt: iso(15), outcome: 'interrupted' },
    ]);
  });
});

describe('a drain', () => {
  const begun = UPGRADE.slice(0, 8);
  const next = (pod: Partial<Pod> | null, change: Partial<Look> = {}, size = 1): UpgradeStep | undefined => {
    const sets = [blueWith(size, { 1: pod }), ready()];
    return nodesOf(after([...begun, { at: 60, sets, ...serving, decides: onGreen, ...change }]), 'drain')[0];
  };
  const emptied = { node: `emqx@${blue}-1.x`, node_status: 'running', connections: 0, live_connections: 0 };
  const gaveUp = report(`${blue}-1`, { gate: { kind: 'gaveUp', detail: 'nowhere to go', sessionsLost: 7 } });

  it.each<{
    how: string;
    pod: Partial<Pod> | null;
    then: Partial<UpgradeStep>;
    change?: Partial<Look>;
    size?: number;
  }>([
    {
      how: 'that gave up',
      pod: ending(32, { report: gaveUp }),
      then: { outcome: 'gaveUp', sessionsLost: 7 },
    },
    { how: 'whose pod has gone', pod: null, then: { outcome: 'ended' } },
    { how: 'whose pod stays after all', pod: {}, size: 2, then: { outcome: 'interrupted' } },
    {
      how: 'that took too long',
      ...{ pod: null, change: { spec: { drainTimeoutSeconds: 20 } }, then: { outcome: 'timedOut' } },
    },
    {
      how: 'whose pod has gone since it held nobody',
      ...{ pod: null, change: { status: { emqxNodes: [emptied] } }, then: { outcome: 'drained' } },
    },
    {
      how: 'whose pod has gone, and that held somebody when it was last seen',
      pod: null,
      change: { status: { emqxNodes: [{ ...emptied, connections: 1 }] } },
      then: { outcome: 'ended' },
    },
  ])('$how says so', ({ pod, change, size, then }) => {
    expect(next(pod, change, size)).toMatchObject({ ...then, endedAt: iso(60) });
  });

  it('that goes on has no end', () => {
    const on = next(ending(32), { evacuations: { [`${blue}-1`]: 'evicting_sessions' } });
    expect(on).toMatchObject({
      name: 'drain',
      pod: `${blue}-1`,
      startedAt: iso(32),
      clients: 100,
      sessions: 100,
    });
    expect(on).not.toHaveProperty('endedAt');
    expect(on).not.toHaveProperty('outcome');
  });

  it('from outside begins when EMQX accepted it, and is told again when it is begun again', () => {
    const own = (change: Partial<Pod>): NodeSet =>
      set('emqx', { kind: 'declaration', size: 1, pods: { 0: change } });
    const evacuating: Look = {
      ...{ at: 41, ...serving, decides: onGreen, evacuations: { 'emqx-0': 'evicting_conns' } },
      sets: [own({ evacuationNote: { acceptedAtMs: ms(40) } }), ready()],
    };
    const stays: Look = { at: 45, ...serving, decides: onGreen, sets: [own({}), ready()] };
    const again = {
      ...evacuating,
      at: 50,
      sets: [own({ evacuationNote: { acceptedAtMs: ms(49) } }), ready()],
    };
    const records = after([...UPGRADE.slice(0, 6), evacuating, stays, again]);
    expect(nodesOf(records, 'drain')).toMatchObject([
      { pod: 'emqx-0', startedAt: iso(40), endedAt: iso(45), outcome: 'interrupted' },
      { pod: 'emqx-0', startedAt: iso(49) },
    ]);
  });

  const seenBy = (...seen: [EvacuationSeen['state'], number][]): Partial<Pod> => ({
    report: report(`${blue}-1`, {
      gate: { kind: 'draining', detail: '' },
      states: seen.map(([state, at]) => ({ state, at: iso(at), clients: 5, sessions: 5 })),
    }),
  });
  const told = (step: UpgradeStep | undefined): [string, string][] =>
    (step?.states ?? []).map(({ state, at }) => [state, at]);

  it("tells EMQX's states as its sidecar has seen them, within the time of the drain", () => {
    const on = next(
      ending(32, seenBy(['evicting_conns', 20], ['waiting_takeover', 40], ['evicting_sessions', 99])),
    );
    expect(told(on)).toEqual([
      ['evicting_conns', iso(32)],
      ['waiting_takeover', iso(40)],
      ['evicting_sessions', iso(60)],
    ]);
  });

  it("tells EMQX's states as others list them, where no sidecar does", () => {
    const evacuations = { [`${blue}-1`]: 'evicting_sessions' as const };
    expect(told(next(ending(32), { evacuations }))).toEqual([
      ['evicting_conns', iso(33)],
      ['evicting_sessions', iso(60)],
    ]);
  });

  it('of somebody else is none of ours', () => {
    const foreign = [{ process: 'evacuation' as const, node: `emqx@${blue}-0`, state: 'evicting_conns' }];
    expect(
      nodesOf(after([...UPGRADE.slice(0, 3), { ...(UPGRADE[2] as Look), at: 12, foreign }]), 'drain'),
    ).toEqual([]);
  });
});

describe('the record is bounded', () => {
  const many = 150;
  const large = set(green, { size: many, createdAtMs: ms(1) });
  const pods = large.pods.map((pod): Pod => ({ ...pod, createdAtMs: ms(2), ready: false }));
  const starting: Look = {
    ...{ at: 3, sets: [set(blue, { size: 1 }), { ...large, pods }] },
    decides: { ...toGreen, wantedSize: many },
  };
  const [first] = UPGRADE as [Look];

  it('to so many steps of one name while it goes on, and to fewer when it has ended', () => {
    const running = after([first, starting, { ...starting, at: 4 }]);
    expect(nodesOf(running, 'start')).toHaveLength(MOST_STEPS.running);
    const ended = look(running, { at: 5, sets: [set(blue, { size: 1 })] });
    expect(nodesOf(ended, 'start')).toHaveLength(MOST_STEPS.ended);
    expect(nodesOf(ended, 'start')[0]).toMatchObject({ pod: `${green}-0` });
  });

  it('not before its trace has been received, which has every step that was recorded; but to two that were not', () => {
    const away = { hasTrace: () => false };
    const running = after([
      { ...first, ...away },
      { ...starting, ...away },
    ]);
    const over: Look = { at: 5, sets: [set(blue, { size: 1 })], ...away };
    const ended = look(running, over);
    const countsIn = ({ history }: Records): number[] =>
      history.map(({ steps = [] }) => steps.filter(({ name }) => name === 'start').length);
    expect(countsIn(ended)).toEqual([MOST_STEPS.running]);
    expect(countsIn(look(ended, { ...over, at: 6 }))).toEqual([MOST_STEPS.running]);
    expect(countsIn(look(ended, { ...over, at: 6, hasTrace: () => true }))).toEqual([MOST_STEPS.ended]);
    const [one] = ended.history;
    if (!one) throw new Error('no record');
    expect(countsIn(look({ history: [one, one, one] }, { ...over, at: 6 }))).toEqual([
      ...[MOST_STEPS.running, MOST_STEPS.running, MOST_STEPS.ended],
    ]);
  });

  it('also when it goes to and fro without end', () => {
    const pause = (at: number): Look => ({
      at,
      sets: [blueWith(2)],
      decides: { ...toGreen, phase: 'Paused' },
    });
    const looks = Array.from({ length: 3 * MOST_STEPS.running }, (_, i) =>
      i % 2 ? { ...first, at: i } : pause(i),
    );
    const records = after([first, ...looks]);
    const names = namesOf(records);
    expect(names.filter((name) => name === 'pause')).toHaveLength(MOST_STEPS.running);
    const phases = phasesOf(records);
    for (const [index, { endedAt }] of phases.entries()) expect(endedAt).toBe(phases[index + 1]?.startedAt);
  });
});
