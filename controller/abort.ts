import { whyNotStart } from './pairing.js';
import { hindranceOfGreen } from './readiness.js';
import { canBeWanted, stayingPods, type Situation } from './situation.js';
import { names } from './triggers.js';
import { progress, type Verdict } from './verdict.js';

/** An upgrade that was refused, by a person or by its deadline; and the end of a refusal. */
export function abort(situation: Situation): Verdict | undefined {
  const { observed, wantedRevision, wantedName, isAborted } = situation;
  const { aborted, abort, retry } = observed.declaration;
  if (aborted) {
    if (isAborted && !names(retry, aborted.revision, situation)) return undefined;
    return progress({ kind: 'clearAborted' }, 'a new revision or a retry ends the abort');
  }
  const replacing = replacedRevision(situation);
  const isRefused = names(abort, wantedRevision, situation);
  const because = isRefused ? `annotation sluice.dev/abort names it` : whyLate(situation);
  if (replacing === undefined || because === undefined) return undefined;
  return progress(
    { kind: 'abort', revision: wantedRevision, replacing, because },
    `upgrade to ${wantedName} aborted: ${because}`,
  );
}

/** The revision that the upgrade in progress is to replace, if there is a way back to it. */
function replacedRevision({
  observed,
  activeRevision,
  wantedRevision,
  wantedName,
}: Situation): string | undefined {
  const upgrade = observed.blueGreen.status?.upgrade;
  const from = observed.sets.find(({ name }) => upgrade?.to === wantedName && name === upgrade.from);
  const replaced = activeRevision === wantedRevision ? from?.revision : activeRevision;
  if (replaced === undefined || replaced === wantedRevision) return undefined;
  return canBeWanted(replaced, observed) ? replaced : undefined;
}

/** Why an upgrade has missed its deadline, in words. */
function whyLate(situation: Situation): string | undefined {
  const { observed, wanted, wantedName, wantedSize } = situation;
  const { spec, status } = observed.blueGreen;
  const isSwitched = situation.activeRevision === situation.wantedRevision;
  if (isSwitched || wantedSize === 0 || status?.upgrade?.to !== wantedName) return undefined;
  // Nothing was begun, and the plan says why.
  if (observed.services.length === 0 || whyNotStart(situation)) return undefined;
  // Nothing could be done in a pause, and green was ready when people were waited for. The pass that ends it finds the phase as it was.
  if (status.phase === 'Paused' || status.phase === 'AwaitingPromotion') return undefined;
  // What it would go back to serves nobody either.
  if (!situation.active || !stayingPods(situation.active).some(({ ready }) => ready)) return undefined;
  const { startedAt, resumedAt = startedAt } = status.upgrade;
  const elapsedSeconds = (observed.nowMs - Date.parse(resumedAt)) / 1000;
  if (elapsedSeconds <= spec.progressDeadlineSeconds) return undefined;
  // A green that is Ready but may never take the clients has not made it either.
  // What keeps it from being made may be known to nobody but the pass that tried.
  const notMade = ['its set was not made', status.waitingFor?.what].filter(Boolean).join(': ');
  const hindrance = wanted ? hindranceOfGreen(situation, wanted)?.message : notMade;
  return (
    hindrance && `not ready within progressDeadlineSeconds (${spec.progressDeadlineSeconds} s): ${hindrance}`
  );
}
