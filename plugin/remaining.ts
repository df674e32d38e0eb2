import { isLeft } from '../lib/left.js';
import { remainingFor, type Remaining } from '../lib/remaining.js';
import type { View } from './view.js';

/** What is left of the upgrade in progress; undefined when there is none. Pure. */
export function remainingOf(view: View): Remaining | undefined {
  const { wanted = '' } = view.status;
  const left = view.sets.filter(({ name }) => isLeft(name, wanted));
  return remainingFor(
    left.flatMap((set) => set.nodes),
    view,
  );
}
