import type {
  BlueGreenStatus,
  StepOutcome,
  UpgradeResult,
  UpgradeStatus,
  UpgradeStep,
} from '../../lib/types.js';
import { isSameEvacuation, type Picture } from './picture.js';

/** The values of label `outcome` of drains. */
export const DRAIN_OUTCOMES = ['drained', 'gaveUp', 'ended'] as const;
export type DrainOutcome = (typeof DRAIN_OUTCOMES)[number];

/** What has happened between two looks at one BlueGreen: what counters count. */
export type Change =
  | { kind: 'evicted'; clients: number; sessions: number }
  | { kind: 'drainEnded'; outcome: DrainOutcome }
  | { kind: 'upgradeEnded'; result: UpgradeResult; seconds: number }
  | { kind: 'stepEnded'; step: UpgradeStep['name']; seconds: number };

/** What the records of upgrades are read from. */
type Told = Partial<Pick<BlueGreenStatus, 'upgrade' | 'history'>>;

/**
 * What a write has changed in the records of upgrades. Pure. Whoever wrote it counts it, and nobody else: a leader that is killed and the one
 * after it together count each end once.
 * @param before as it was stored until then
 */
export function changesTold(before: Told, after: Told): Change[] {
  return [...drainSteps(before, after), ...upgrades(before, after), ...steps(before, after)];
}

/**
 * What `after`, which follows `before`, has that it had not, of what no record tells: evictions, and drains outside an upgrade. Pure. The first look of a
 * process counts nothing: what was there already was counted by the leader before, and a counter that begins anew is what `rate()` expects.
 */
export function changesBetween(before: Picture, after: Picture): Change[] {
  return [...evictions(before, after), ...drains(before, after)];
}

function evictions(before: Picture, after: Picture): Change[] {
  let clients = 0;
  let sessions = 0;
  for (const evacuation of after.evacuated) {
    const earlier = before.evacuated.find((one) => isSameEvacuation(one, evacuation));
    clients += evacuation.gone.clients - (earlier?.gone.clients ?? 0);
    sessions += evacuation.gone.sessions - (earlier?.gone.sessions ?? 0);
  }
  return clients + sessions > 0 ? [{ kind: 'evicted', clients, sessions }] : [];
}

function drains(before: Picture, after: Picture): Change[] {
  const isTold = told(before.status, after.status);
  const stateIn = (picture: Picture, uid: string) => picture.drains.find((drain) => drain.uid === uid)?.state;
  const ended = after.drains.flatMap(({ uid, state }): DrainOutcome[] => {
    const earlier = stateIn(before, uid);
    if (isTold(uid) || state === 'draining' || earlier === 'drained' || earlier === 'gaveUp') return [];
    return [state];
  });
  const gone = before.drains
    .filter(({ uid, state }) => state === 'draining' && after.pods.every((pod) => pod.uid !== uid))
    .filter(({ uid }) => !isTold(uid))
    .map(({ isEmpty }): DrainOutcome => (isEmpty ? 'drained' : 'ended'));
  return [...ended, ...gone].map((outcome) => ({ kind: 'drainEnded', outcome }));
}

/** Whether some record tells of the drain of that pod. */
function told(...statuses: Told[]): (uid: string) => boolean {
  const uids = new Set(
    statuses.flatMap(recordsIn).flatMap(({ steps = [] }) => steps.filter(isDrain).map(({ uid }) => uid)),
  );
  return (uid) => uids.has(uid);
}

function drainSteps(before: Told, after: Told): Change[] {
  return endedSince(before, after).flatMap((step): Change[] => {
    const outcome = isDrain(step) && step.outcome ? OUTCOMES[step.outcome] : undefined;
    return outcome === undefined ? [] : [{ kind: 'drainEnded', outcome }];
  });
}

/** None of one that was broken off: it is no drain that has ended. */
const OUTCOMES: Partial<Record<StepOutcome, DrainOutcome>> = {
  drained: 'drained',
  gaveUp: 'gaveUp',
  timedOut: 'ended',
  ended: 'ended',
};

function upgrades(before: Told, { history = [] }: Told): Change[] {
  const isKnown = ({ id, startedAt }: UpgradeStatus) =>
    (before.history ?? []).some((one) => one.id === id && one.startedAt === startedAt);
  return history
    .filter((ended) => !isKnown(ended))
    .map(({ result, startedAt, finishedAt }) => ({
      kind: 'upgradeEnded',
      result,
      seconds: secondsBetween(startedAt, finishedAt),
    }));
}

/** Phases, and the steps of nodes; those of an upgrade that has ended are in its record. */
function steps(before: Told, after: Told): Change[] {
  return endedSince(before, after).map(({ name, startedAt, endedAt }) => ({
    kind: 'stepEnded',
    step: name,
    seconds: secondsBetween(startedAt, endedAt),
  }));
}

type EndedStep = UpgradeStep & { endedAt: string };

function endedSince(before: Told, after: Told): EndedStep[] {
  const known = new Set(endedIn(before).map(({ key }) => key));
  return endedIn(after)
    .filter(({ key }) => !known.has(key))
    .map(({ step }) => step);
}

function endedIn(status: Told): { key: string; step: EndedStep }[] {
  return recordsIn(status).flatMap(({ id, startedAt: began, steps = [] }) =>
    steps.flatMap((step) => {
      const { name, pod = '', uid = '', startedAt, endedAt } = step;
      if (endedAt === undefined) return [];
      return [{ key: [id, began, name, pod, uid, startedAt].join(' '), step: { ...step, endedAt } }];
    }),
  );
}

function recordsIn({ upgrade, history = [] }: Told): UpgradeStatus[] {
  return [...(upgrade ? [upgrade] : []), ...history];
}

function isDrain({ name }: UpgradeStep): boolean {
  return name === 'drain';
}

/** Clocks of different machines may disagree: never negative. */
function secondsBetween(start: string, end: string): number {
  return Math.max(0, (Date.parse(end) - Date.parse(start)) / 1000);
}
