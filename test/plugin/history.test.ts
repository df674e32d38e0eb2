import { describe, expect, it } from '@jest/globals';
import { historyOf } from '../../plugin/history.js';
import { paint } from '../../plugin/paint.js';
import { summaryOf } from '../../plugin/summary.js';
import { traceLines, traceOf } from '../../plugin/trace.js';
import type { UpgradeStep } from '../../lib/types.js';
import { ago, BLUE, draining, GREEN, upgrade, view } from './cases.js';

const ended = { ...upgrade, finishedAt: ago(10), result: 'aborted' as const, reason: 'somebody said so' };
const once = view({ status: { history: [ended] } });
const words = (lines: ReturnType<typeof historyOf>): string[] =>
  lines.map((line) => paint(line, false).replace(/ +/g, ' '));

describe('the history', () => {
  it('has a line for each upgrade, with how long it took and why it ended so', () => {
    expect(words(historyOf(once, { isWide: false, hasSteps: false }))).toEqual([
      'RESULT FROM TO BEGAN TOOK BY REASON',
      `aborted ${BLUE} ${GREEN} 1m ago 50s alice somebody said so`,
    ]);
  });

  it('begins with the upgrade in progress, and has the trace when wide', () => {
    expect(words(historyOf(draining(), { isWide: true, hasSteps: false }))).toEqual([
      'RESULT FROM TO BEGAN TOOK BY TRACE',
      `in progress ${BLUE} ${GREEN} 1m ago 1m alice ${'a'.repeat(32)}`,
    ]);
  });

  it('has the steps of each below it', () => {
    const steps: UpgradeStep[] = [
      { name: 'readiness', startedAt: ago(60), endedAt: ago(42) },
      { name: 'draining', startedAt: ago(38) },
      {
        name: 'drain',
        pod: `${BLUE}-2`,
        startedAt: ago(38),
        endedAt: ago(20),
        clients: 1000,
        sessions: 1200,
        outcome: 'drained',
      },
    ];
    const seen = view({ status: { upgrade: { ...upgrade, steps }, history: [ended] } });
    expect(words(historyOf(seen, { isWide: false, hasSteps: true })).slice(1)).toEqual([
      `in progress ${BLUE} ${GREEN} 1m ago 1m alice`,
      ' AT STEP POD TOOK CLIENTS SESSIONS OUTCOME',
      ' +0s ✔ readiness 18s',
      ' +22s ◌ draining 38s',
      ` +22s ✔ drain ${BLUE}-2 18s 1000 1200 drained`,
      `aborted ${BLUE} ${GREEN} 1m ago 50s alice somebody said so`,
      ' no steps were recorded',
    ]);
  });

  it('may be empty', () =>
    expect(words(historyOf(view(), { isWide: false, hasSteps: false }))).toEqual(['no upgrade yet']));
});

describe('the trace', () => {
  it('is that of the upgrade in progress, else of the latest', () => {
    expect(traceOf(draining(), undefined).id).toBe(upgrade.id);
    expect(traceOf(once, undefined)).toMatchObject({ from: BLUE, to: GREEN });
    expect(() => traceOf(view(), undefined)).toThrow('emqx has had no upgrade yet');
  });

  it.each([
    ['received', true],
    ['toBeReceived', false],
    ['notSent', undefined],
  ])('is %s when the record says %s', (state, traced) => {
    const history = [{ ...ended, ...(traced !== undefined && { traced }) }];
    expect(traceOf(view({ status: { history } }), undefined).state).toBe(state);
  });

  it('is under way with its upgrade', () => {
    const underWay = view({ status: { upgrade: { ...upgrade, traced: false } } });
    expect(traceOf(underWay, undefined).state).toBe('underWay');
    expect(traceOf(draining(), undefined).state).toBe('notSent');
  });

  it('is a link alone where the tool is known', () => {
    const lines = traceLines(traceOf(once, 'https://traces.example.com/{id}?live'));
    expect(words(lines)).toEqual([`https://traces.example.com/${upgrade.id}?live`]);
    expect(() => traceOf(once, 'https://traces.example.com/')).toThrow('has no {id}');
  });
});

it('the summary has a line for each declaration, with what is left of its upgrade', () => {
  expect(words(summaryOf([view(), draining()], { isWide: false }))).toEqual([
    'NAMESPACE NAME PHASE ACTIVE NODES CLIENTS LEFT TIME LEFT AGE',
    `mqtt emqx ✔ Stable ${BLUE} 3/3 12d`,
    `mqtt emqx ◌ Draining ${GREEN} 3/3 1600 26s 12d`,
  ]);
});
