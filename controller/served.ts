import type { NodeSet } from './model.js';
import type { Situation } from './situation.js';

/** Whether a set may have had the clients: it is older than what has them now, or a record says so. */
export function mayHaveServed(set: NodeSet, situation: Situation): boolean {
  const { active } = situation;
  return (active !== undefined && set.createdAtMs <= active.createdAtMs) || isRecorded(set, situation);
}

/**
 * Whether a record says that a set had the clients: it was left; that it was switched to is noted where there is a delay, else by the end
 * of its upgrade.
 */
export function isRecorded({ name }: NodeSet, { observed }: Situation): boolean {
  const { history = [], upgrade } = observed.blueGreen.status ?? {};
  const open = upgrade ? [upgrade] : [];
  return (
    [...history, ...open].some(
      ({ from, to, switchedAt }) => from === name || (to === name && switchedAt !== undefined),
    ) || history.some(({ to, result }) => to === name && (result === 'succeeded' || result === 'rolledBack'))
  );
}
