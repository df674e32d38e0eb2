import { describe, expect, it } from '@jest/globals';
import type { Decision } from '../../../controller/model.js';
import { eventFor, happenings } from '../../../controller/status/events.js';
import { observed, report, set } from '../cases.js';

const decided: Decision = {
  step: { kind: 'makeSet', name: 'emqx-ggggggggg', revision: 'ggggggggg', size: 3 },
  phase: 'Progressing',
  message: 'making emqx-ggggggggg',
  active: 'emqx-bbbbbbbbb',
  wanted: 'emqx-ggggggggg',
  activeRevision: 'bbbbbbbbb',
  wantedRevision: 'ggggggggg',
  wantedSize: 3,
  settled: false,
};
const waiting: Decision = { ...decided, step: { kind: 'wait', forMs: 1 }, message: 'x is starting' };

describe('what is told', () => {
  it('is each step that is more than book-keeping', () => {
    expect(happenings(observed(), decided, undefined)).toEqual([
      { type: 'Normal', reason: 'RevisionSetCreated', message: 'making emqx-ggggggggg' },
    ]);
    expect(happenings(observed(), waiting, undefined)).toEqual([]);
  });

  it.each([
    { what: 'the first pin', revision: 'bbbbbbbbb', to: undefined, reason: 'ServicePinned' },
    {
      what: 'a pin put back before the switch',
      revision: 'bbbbbbbbb',
      to: 'emqx-ggggggggg',
      reason: 'ServicePinned',
    },
    { what: 'the switch', revision: 'ggggggggg', to: 'emqx-ggggggggg', reason: 'ServiceSwitched' },
    {
      what: 'the rest of a switch cut short',
      revision: 'bbbbbbbbb',
      to: 'emqx-bbbbbbbbb',
      reason: 'ServiceSwitched',
    },
  ])('tells $what as $reason', ({ revision, to, reason }) => {
    const upgrade = { id: '', startedAt: '', requestedBy: '', from: '', to: to ?? '', traceparent: '' };
    const seen = observed(to === undefined ? {} : { status: { upgrade } });
    const step = { kind: 'pointServices' as const, services: ['emqx'], revision };
    const pinned = { ...decided, step, active: 'emqx-bbbbbbbbb', activeRevision: 'bbbbbbbbb' };
    expect(happenings(seen, pinned, undefined).map((one) => one.reason)).toEqual([reason]);
  });

  it('is a refusal in place of the step', () => {
    expect(happenings(observed(), decided, { kind: 'refused', message: 'no' })).toEqual([
      { type: 'Warning', reason: 'Refused', message: 'no' },
    ]);
  });

  it('is a warning when a person must act', () => {
    expect(happenings(observed(), { ...waiting, stalled: 'NoService' }, undefined)).toEqual([
      { type: 'Warning', reason: 'NoService', message: 'x is starting' },
    ]);
  });

  it.each([
    { ignored: true, told: [{ type: 'Warning', reason: 'TriggerIgnored', message: 'names nothing' }] },
    { ignored: false, told: [] },
  ])(
    'is a warning when a trigger is ignored ($ignored), and nothing when it is done with',
    ({ ignored, told }) => {
      const step = { kind: 'clearTriggers' as const, triggers: { promote: 'x' }, ignored };
      expect(happenings(observed(), { ...decided, step, message: 'names nothing' }, undefined)).toEqual(told);
    },
  );

  it('is a warning when a gate gave up', () => {
    const gate = { kind: 'gaveUp' as const, detail: 'nowhere to go', sessionsLost: 7 };
    const name = 'emqx-bbbbbbbbb';
    const pods = { 0: { ready: false, terminating: true, report: report(`${name}-0`, { gate }) } };
    expect(happenings(observed({ sets: [set(name, { pods })] }), waiting, undefined)).toEqual([
      {
        type: 'Warning',
        reason: 'DrainGaveUp',
        message: `${name}-0 stopped with 7 sessions left: nowhere to go`,
      },
    ]);
  });
});

describe('a drain that takes too long', () => {
  const name = 'emqx-bbbbbbbbb';
  const seen = (onDrainTimeout: 'Hold' | 'Proceed'): ReturnType<typeof observed> =>
    observed({
      sets: [
        set(name, {
          size: 2,
          podCount: 3,
          pods: { 2: { ready: false, terminating: true, deletedAtMs: 0 } },
        }),
      ],
      spec: { drainTimeoutSeconds: 60, onDrainTimeout },
      evacuations: { [`${name}-2`]: 'evicting_conns' },
    });

  it.each([
    { policy: 'Hold' as const, then: 'no further pod is taken down' },
    { policy: 'Proceed' as const, then: 'the next pod has its turn' },
  ])('is a warning that says what follows: $then', ({ policy, then }) => {
    const message = `${name}-2 has not handed over within drainTimeoutSeconds (60 s): ${then} (onDrainTimeout: ${policy})`;
    expect(happenings(seen(policy), waiting, undefined)).toEqual([
      { type: 'Warning', reason: 'DrainTimedOut', message },
    ]);
  });

  it('is told when it is tried again', () => {
    const hold = { pod: 'x', uid: 'u', wanted: 'w', heldAtMs: 1, retriedAtMs: 2 };
    const step = { kind: 'holdDrains' as const, hold };
    expect(happenings(observed(), { ...decided, step, message: 'once more' }, undefined)).toEqual([
      { type: 'Normal', reason: 'DrainRetried', message: 'once more' },
    ]);
  });
});

describe('an Event', () => {
  const about = { apiVersion: 'apps/v1', kind: 'StatefulSet', namespace: 'mq', name: 'emqx', uid: 'u' };
  const happening = { type: 'Normal' as const, reason: 'NodeLeft', message: 'm' };
  const nameOf = (changes: object, when = { nowMs: 3_600_000, upgradeId: 'a' }): unknown =>
    eventFor({ ...happening, ...changes }, about, when)['metadata'];

  it('has the same name when the same is told again, by whomever', () => {
    expect(nameOf({})).toEqual(nameOf({}, { nowMs: 7_199_999, upgradeId: 'a' }));
  });

  it('has another name for other words, in another upgrade, and after an hour', () => {
    const names = [
      nameOf({}),
      nameOf({ message: 'n' }),
      nameOf({}, { nowMs: 3_600_000, upgradeId: 'b' }),
      nameOf({}, { nowMs: 7_200_000, upgradeId: 'a' }),
    ].map((name) => JSON.stringify(name));
    expect(new Set(names).size).toBe(4);
  });
});
