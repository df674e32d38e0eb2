import { setNameOf } from '../lib/revision.js';
import type { Trigger } from './model.js';
import { whyNotReady } from './readiness.js';
import { canBeWanted, type Situation } from './situation.js';
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

/**
 * Triggers that are done with, or that name nothing that could be done now: left there, they would hit a later upgrade to the same
 * revision. After {@link abort}, which acts on those that it can.
 */
export function consume(situation: Situation): Verdict | undefined {
  const { promote, abort, retry } = situation.observed.declaration;
  const found: [Trigger, string, Fate | undefined][] = [
    ['promote', promote, promote === '' ? undefined : fateOfPromote(promote, situation)],
    ['abort', abort, abort === '' ? undefined : fateOfAbort(abort, situation)],
    ['retry', retry, retry === '' ? undefined : fateOfRetry(situation)],
  ];
  for (const [trigger, value, fate] of found) {
    if (!fate) continue;
    const step = { kind: 'clearTriggers', triggers: { [trigger]: value } } as const;
    return fate === 'done'
      ? progress({ ...step, ignored: false }, `what annotation sluice.dev/${trigger} asked for is done`)
      : progress(
          { ...step, ignored: true },
          `annotation sluice.dev/${trigger} names ${value} and is ignored: ${fate.ignored}`,
        );
  }
  return undefined;
}

/** What becomes of a trigger: `done`, or ignored for a reason; undefined when its time is still to come. */
type Fate = 'done' | { ignored: string };

function fateOfPromote(value: string, situation: Situation): Fate | undefined {
  const { observed, activeRevision, wantedRevision, wantedName } = situation;
  const isWanted = names(value, wantedRevision, situation);
  if (!isWanted) return { ignored: `the wanted revision is ${wantedRevision}` };
  if (activeRevision !== wantedRevision) return undefined;
  const { upgrade } = observed.blueGreen.status ?? {};
  return upgrade?.to === wantedName ? 'done' : { ignored: `${wantedName} is active already` };
}

function fateOfAbort(value: string, situation: Situation): Fate {
  const { observed, wantedRevision, activeRevision, wantedName, isAborted } = situation;
  const { aborted } = observed.declaration;
  if (isAborted && aborted) {
    if (names(value, aborted.revision, situation)) return 'done';
    return {
      ignored: `${aborted.revision} was aborted; annotate sluice.dev/retry=${aborted.revision} to go there again`,
    };
  }
  if (!names(value, wantedRevision, situation))
    return { ignored: `the wanted revision is ${wantedRevision}` };
  const isUnderWay =
    activeRevision !== wantedRevision || observed.blueGreen.status?.upgrade?.to === wantedName;
  return {
    ignored: isUnderWay
      ? `there is no way back from ${wantedName}, because what it replaces is gone`
      : `${wantedName} is active and no upgrade is in progress; to go back, kubectl rollout undo`,
  };
}

function fateOfRetry({ observed, isAborted }: Situation): Fate {
  const { aborted } = observed.declaration;
  return {
    ignored:
      isAborted && aborted
        ? `the aborted revision is ${aborted.revision}`
        : 'nothing was aborted that could be tried again',
  };
}

/** Whether the value of a trigger means this revision: by its hash, or by the name of its set. */
function names(value: string, revision: string, { observed }: Situation): boolean {
  if (value === '') return false;
  const set = observed.sets.find((each) => each.revision === revision);
  return [revision, set?.name ?? setNameOf(observed.declaration.name, revision)].includes(value);
}

/** Whether a person has promoted what is wanted. */
export function isPromoted(situation: Situation): boolean {
  return names(situation.observed.declaration.promote, situation.wantedRevision, situation);
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
function whyLate({ observed, wanted, wantedName, wantedSize, ...situation }: Situation): string | undefined {
  const { spec, status } = observed.blueGreen;
  const isSwitched = situation.activeRevision === situation.wantedRevision;
  if (isSwitched || wantedSize === 0 || status?.upgrade?.to !== wantedName) return undefined;
  // Without a Service nothing can be done, and the plan says so.
  if (observed.services.length === 0) return undefined;
  // Nothing could be done in a pause. The pass that ends one finds the phase still as it was.
  if (status.phase === 'Paused') return undefined;
  const { startedAt, resumedAt = startedAt } = status.upgrade;
  const elapsedSeconds = (observed.nowMs - Date.parse(resumedAt)) / 1000;
  if (elapsedSeconds <= spec.progressDeadlineSeconds) return undefined;
  const notReady = wanted ? whyNotReady(wanted, wantedSize, observed)?.message : 'its set was not made';
  return (
    notReady && `not ready within progressDeadlineSeconds (${spec.progressDeadlineSeconds} s): ${notReady}`
  );
}
