import { MOST_STEPS, type UpgradeStatus, type UpgradeStep } from '../../lib/types.js';
import { nodeSteps } from './node-steps.js';
import { phases } from './phases.js';
import type { Seen } from './seen.js';

/**
 * The record of an upgrade's steps after one more look: the one before, with what has begun or ended since. Nothing but that record and
 * the objects is needed, so whoever leads next goes on with it, and dates what nobody saw by the objects.
 */
export function stepsOf(upgrade: UpgradeStatus, seen: Seen): UpgradeStep[] {
  const before = redated(upgrade.steps ?? [], seen.observed.nowMs);
  return limited(
    [...phases(upgrade, before, seen), ...nodeSteps(upgrade, before, seen)],
    before,
    MOST_STEPS.running,
  );
}

/** Two leaders read one clock, the API server's, but in whole seconds and from answers that took their time. */
const READING_MS = 5_000;

/**
 * What goes on cannot have begun much later than now: a leader whose clock was ahead said so. What has ended may be in its trace already,
 * so a difference in reading stays as it is: the phase before has ended then.
 */
function redated(steps: UpgradeStep[], nowMs: number): UpgradeStep[] {
  const now = new Date(nowMs).toISOString();
  return steps.map((step) =>
    step.endedAt === undefined && Date.parse(step.startedAt) > nowMs + READING_MS
      ? { ...step, startedAt: now }
      : step,
  );
}

/** The record of an upgrade that is over: whatever still goes on was interrupted, but for the last phase of one that came to its end. */
export function endedSteps(steps: UpgradeStep[], finishedAt: string, isComplete: boolean): UpgradeStep[] {
  return steps.map((step): UpgradeStep => {
    if (step.endedAt !== undefined) return step;
    const isWhole = isComplete && step.pod === undefined;
    return {
      ...step,
      endedAt: later(step.startedAt, finishedAt),
      ...(!isWhole && { outcome: 'interrupted' }),
    };
  });
}

/** What stays of them in the record. */
export function keptSteps(steps: UpgradeStep[]): UpgradeStep[] {
  return limited(steps, [], MOST_STEPS.ended);
}

/** In the order in which they were first written, and at most so many of one name. */
function limited(steps: UpgradeStep[], before: UpgradeStep[], most: number): UpgradeStep[] {
  const known = new Map(before.map((step, index) => [keyOf(step), index]));
  const ordered = steps.toSorted(
    (a, b) => (known.get(keyOf(a)) ?? before.length) - (known.get(keyOf(b)) ?? before.length),
  );
  const counts = new Map<string, number>();
  return ordered.filter(({ name }) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count <= most;
  });
}

function keyOf({ name, pod = '', uid = '', startedAt }: UpgradeStep): string {
  return [name, pod, uid, startedAt].join('\n');
}

function later(one: string, other: string): string {
  return Date.parse(one) > Date.parse(other) ? one : other;
}
