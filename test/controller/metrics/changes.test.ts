import { describe, expect, it } from '@jest/globals';
import { changesBetween, changesTold, type Change } from '../../../controller/metrics/changes.js';
import {
  evacuatedBy,
  following,
  type DrainState,
  type Picture,
} from '../../../controller/metrics/picture.js';
import type { UpgradeStep } from '../../../lib/types.js';
import { drain, ended, ENDED, evacuation, picture, STARTED } from './pictures.js';

const evacuating = (...list: ReturnType<typeof evacuation>[]): Picture =>
  picture({ nodeEvacuationsStatus: list });
const draining = (drains: Record<string, DrainState>): Picture =>
  picture({}, { drains: Object.entries(drains).map(([uid, state]) => drain(uid, state)) });

describe('evictions', () => {
  it.each<{ when: string; before: Picture; after: Picture; then: Change[] }>([
    { when: 'nobody is evicted', before: picture(), after: picture(), then: [] },
    {
      when: 'an evacuation has begun since',
      before: picture(),
      after: evacuating(evacuation('a', 90, 150)),
      then: [{ kind: 'evicted', clients: 10, sessions: 0 }],
    },
    {
      when: 'two go on',
      before: evacuating(evacuation('a', 90, 150), evacuation('b', 100, 150)),
      after: evacuating(evacuation('a', 70, 150), evacuation('b', 95, 149)),
      then: [{ kind: 'evicted', clients: 25, sessions: 1 }],
    },
    {
      when: 'the node was evacuated before, stopped, and is again',
      before: evacuating(evacuation('a', 0, 0)),
      after: evacuating(evacuation('a', 18, 150, { clients: 20, sessions: 150 })),
      then: [{ kind: 'evicted', clients: 2, sessions: 0 }],
    },
    {
      when: 'clients have come while load balancers are waited for',
      before: evacuating(evacuation('a', 100, 150)),
      after: evacuating(evacuation('a', 120, 170)),
      then: [],
    },
    {
      when: 'nothing is reported any more: whoever was left was not evicted',
      before: evacuating(evacuation('a', 50, 100)),
      after: picture(),
      then: [],
    },
  ])('are counted when $when', ({ before, after, then }) => {
    expect(changesBetween(before, following(before, after))).toEqual(then);
  });

  it('are counted once, though a look in between hears nothing of them, or some clients come back', () => {
    const at = (clients: number): Picture =>
      picture(
        { nodeEvacuationsStatus: [evacuation('a', clients, 150)] },
        { pods: [{ uid: 'a', isEnding: true }] },
      );
    const silent = picture({}, { pods: [{ uid: 'a', isEnding: true }] });
    const counted: number[] = [];
    [at(60), silent, silent, at(50), at(55), at(40)].reduce((before, seen) => {
      const after = following(before, seen);
      for (const change of changesBetween(before, after))
        if (change.kind === 'evicted') counted.push(change.clients);
      return after;
    }, at(100));
    expect(counted).toEqual([40, 10, 10]);
  });

  it('of another pod that has the name of the node are its own', () => {
    const pods = (uid: string) => ({ pods: [{ uid, isEnding: true }], evacuated: [] });
    const seen = (uid: string, clients: number): Picture => ({
      ...picture({}, pods(uid)),
      evacuated: [evacuatedBy(evacuation('a', clients, 150), uid)],
    });
    const before = seen('first', 40);
    expect(changesBetween(before, following(before, seen('second', 90)))).toEqual([
      { kind: 'evicted', clients: 10, sessions: 0 },
    ]);
  });
});

describe('drains', () => {
  it.each<{
    when: string;
    before: Record<string, DrainState>;
    after: Record<string, DrainState>;
    then: string[];
  }>([
    { when: 'one goes on', before: { a: 'draining' }, after: { a: 'draining' }, then: [] },
    { when: 'one has ended', before: { a: 'draining' }, after: { a: 'drained' }, then: ['drained'] },
    { when: 'it was over at once', before: {}, after: { a: 'drained' }, then: ['drained'] },
    { when: 'it ended before', before: { a: 'drained' }, after: { a: 'drained' }, then: [] },
    { when: 'its pod has gone since', before: { a: 'drained' }, after: {}, then: [] },
    { when: 'sessions were left', before: { a: 'draining' }, after: { a: 'gaveUp' }, then: ['gaveUp'] },
    { when: 'the pod has gone in the middle', before: { a: 'draining' }, after: {}, then: ['ended'] },
    {
      when: 'another pod follows',
      before: { a: 'draining' },
      after: { a: 'drained', b: 'draining' },
      then: ['drained'],
    },
  ])('are counted by outcome: $when', ({ before, after, then }) => {
    const outcomes = changesBetween(draining(before), draining(after)).map(
      (change) => change.kind === 'drainEnded' && change.outcome,
    );
    expect(outcomes).toEqual(then);
  });
});

it('a drain whose pod has gone had ended if the node held nobody when it was last seen', () => {
  const before = picture({}, { drains: [drain('a', 'draining', { isEmpty: true })] });
  expect(changesBetween(before, picture())).toEqual([{ kind: 'drainEnded', outcome: 'drained' }]);
});

describe('upgrades', () => {
  it('are counted when they have ended, with what they took', () => {
    const before = { history: [ended('1')] };
    const after = { history: [ended('2', 'aborted'), ended('1')] };
    expect(changesTold(before, after)).toEqual([{ kind: 'upgradeEnded', result: 'aborted', seconds: 300 }]);
    expect(changesTold(after, after)).toEqual([]);
  });

  it('have steps, each counted once, also when the upgrade has ended meanwhile', () => {
    const begun = { name: 'drain', pod: 'emqx-blue-0', uid: 'a', startedAt: STARTED } as const;
    const over = { ...begun, endedAt: ENDED };
    const open = (steps: UpgradeStep[]) => ({ upgrade: { ...ended('1'), steps } });
    const closed = { history: [{ ...ended('1'), steps: [over] }] };
    const counted = [{ kind: 'stepEnded', step: 'drain', seconds: 300 }];
    expect(changesTold(open([begun]), open([over]))).toEqual(counted);
    expect(changesTold(open([begun]), closed)).toEqual([
      { kind: 'upgradeEnded', result: 'succeeded', seconds: 300 },
      ...counted,
    ]);
    expect(changesTold(open([over]), closed).filter(({ kind }) => kind === 'stepEnded')).toEqual([]);
  });

  it('that fall out of the history are not counted again', () => {
    const before = { history: [ended('2'), ended('1')] };
    expect(changesTold(before, { history: [ended('2')] })).toEqual([]);
  });
});
