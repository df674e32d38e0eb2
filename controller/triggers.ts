import { setNameOf } from '../lib/revision.js';
import type { Trigger } from './model.js';
import type { Situation } from './situation.js';
import { progress, type Verdict } from './verdict.js';

/**
 * Triggers that are done with, or that name nothing that could be done now: left there, they would hit a later upgrade to the same
 * revision. After the rule abort, which acts on those that it can.
 */
export function consume(situation: Situation): Verdict | undefined {
  const { promote, abort, retry } = situation.observed.declaration;
  const found: [Trigger, string, Fate | undefined][] = [
    ['promote', promote, promote === '' ? undefined : fateOfPromote(promote, situation)],
    ['abort', abort, abort === '' ? undefined : fateOfAbort(abort, situation)],
    ['retry', retry, retry === '' ? undefined : fateOfRetry(retry, situation)],
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

function fateOfRetry(value: string, situation: Situation): Fate | undefined {
  const { observed, isAborted, wantedRevision, activeRevision } = situation;
  const { aborted, drainHold } = observed.declaration;
  if (drainHold && drainHold.retriedAtMs === undefined) {
    // The rule that takes pods down ends the hold.
    if (isRetryOfDrain(value, situation)) return undefined;
    return { ignored: `the drain that is held belongs to the upgrade to ${wantedRevision}` };
  }
  if (isAborted && aborted) return { ignored: `the aborted revision is ${aborted.revision}` };
  const isTried = drainHold
    ? isRetryOfDrain(value, situation)
    : activeRevision !== wantedRevision && names(value, wantedRevision, situation);
  if (isTried) return 'done';
  return { ignored: `nothing of ${activeRevision} was aborted or is held that could be tried again` };
}

/** Whether a retry means the drain that is held: it names the revision gone to, or the one left. */
export function isRetryOfDrain(value: string, situation: Situation): boolean {
  const { observed, wantedRevision, activeRevision } = situation;
  const held = observed.sets.find(({ pods }) =>
    pods.some(({ name }) => name === observed.declaration.drainHold?.pod),
  );
  return [wantedRevision, activeRevision, ...(held ? [held.revision] : [])].some((revision) =>
    names(value, revision, situation),
  );
}

/** Whether the value of a trigger means this revision: by its hash, or by the name of its set. */
export function names(value: string, revision: string, { observed }: Situation): boolean {
  if (value === '') return false;
  const set = observed.sets.find((each) => each.revision === revision);
  return [revision, set?.name ?? setNameOf(observed.declaration.name, revision)].includes(value);
}

/** Whether a person has promoted what is wanted. */
export function isPromoted(situation: Situation): boolean {
  return names(situation.observed.declaration.promote, situation.wantedRevision, situation);
}
