import { isRecorded } from './served.js';
import { isEmpty, type Situation } from './situation.js';
import { progress, type Verdict } from './verdict.js';

/** Sets beyond the history limit go, and those that nobody could go back to: they were made after what serves, and never served. */
export function prune(situation: Situation): Verdict | undefined {
  const { observed, active, others } = situation;
  const kept = others.filter((set) => set.kind === 'revisionSet' && isEmpty(set));
  const unused = kept.find(
    (set) =>
      active &&
      set.createdAtMs > active.createdAtMs &&
      !observed.claims.some(({ revision }) => revision === set.revision) &&
      !isRecorded(set, situation),
  );
  if (unused) {
    const because = `${unused.name} has never served`;
    return progress({ kind: 'deleteSet', set: unused.name, because }, because);
  }
  const oldest = kept[0];
  // Its claims go first: nothing would know them any more.
  if (!oldest || observed.claims.some(({ revision }) => revision === oldest.revision)) return undefined;
  if (kept.length <= observed.blueGreen.spec.revisionHistoryLimit) return undefined;
  const because = `more than revisionHistoryLimit (${observed.blueGreen.spec.revisionHistoryLimit}) sets are kept`;
  return progress({ kind: 'deleteSet', set: oldest.name, because }, because);
}
