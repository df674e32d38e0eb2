import { describe, expect, it } from '@jest/globals';
import { phasesOf } from '../../lib/phases.js';
import type { UpgradeStep } from '../../lib/types.js';

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();

/** Phases, each from its second to the next one's; the last goes on. */
function steps(...phases: [name: UpgradeStep['name'], second: number][]): UpgradeStep[] {
  return phases.map(([name, second], index) => {
    const next = phases[index + 1];
    return { name, startedAt: at(second), ...(next && { endedAt: at(next[1]) }) };
  });
}

const shown = (...phases: Parameters<typeof steps>): string[] =>
  phasesOf({ steps: steps(...phases) }, Date.parse(at(30))).map(({ name, state }) => `${name} ${state}`);

describe('the phases of an upgrade', () => {
  it('are those that were, the one that is, and those to come', () => {
    expect(shown(['admission', 0], ['creation', 1], ['readiness', 2])).toEqual([
      ...['admission done', 'creation done', 'readiness now'],
      ...['gates next', 'switch next', 'delay next', 'draining next', 'cleanUp next'],
    ]);
  });

  it('have a pause behind what it first interrupted', () => {
    const phases = shown(
      ...([
        ['creation', 1],
        ['readiness', 2],
        ['gates', 3],
        ['promotion', 4],
        ['pause', 5],
        ['promotion', 6],
        ['switch', 7],
        ['pause', 8],
      ] as Parameters<typeof steps>),
    );
    expect(phases.slice(3, 6)).toEqual(['promotion done', 'pause now', 'switch done']);
  });

  it('have one that comes back in one place, with all the time that it took', () => {
    const record = steps(['creation', 0], ['pause', 5], ['creation', 9], ['readiness', 12]);
    const [first, second] = phasesOf({ steps: record }, Date.parse(at(30)));
    expect([first, second]).toEqual([
      { name: 'creation', state: 'done', seconds: 8 },
      { name: 'pause', state: 'done', seconds: 4 },
    ]);
  });

  it('are none without a record', () => expect(phasesOf({ steps: [] }, 0)).toEqual([]));
});
