import { remainingFor, type Remaining } from '../lib/remaining.js';
import type { SetView, View } from './view.js';

/** What is left of the upgrade in progress; undefined when there is none. Pure. */
export function remainingOf(view: View): Remaining | undefined {
  const isSwitched = view.status.active === view.status.wanted;
  const left = view.sets.filter((set) => isLeft(set, isSwitched));
  return remainingFor(
    left.flatMap((set) => set.nodes),
    view,
  );
}

function isLeft({ roles }: SetView, isSwitched: boolean): boolean {
  return isSwitched ? roles.includes('leaving') : roles.includes('active');
}
