import { createHash } from 'node:crypto';
import { setNameOf } from '../../lib/revision.js';
import { parseTraceparent, spanIdOf } from '../../lib/telemetry/traceparent.js';
import type { BlueGreenStatus, Phase, UpgradeStatus } from '../../lib/types.js';
import type { Decision, Observed } from '../model.js';
import { APART_MS } from '../clock.js';
import type { Seen } from './seen.js';
import { endedSteps, keptSteps, stepsOf } from './steps.js';
import { isEmpty } from '../situation.js';

type History = BlueGreenStatus['history'];

/** Phases in which people are waited for: the deadline counts anew from their end. */
const WAITS: ReadonlySet<Phase> = new Set(['Paused', 'AwaitingPromotion']);

/** Upgrades that are remembered; enough to see a bad week. */
const HISTORY_LIMIT = 10;

/** Of these, the latest so many may be whole: hundreds of KB each, where an upgrade has a hundred nodes; etcd takes 1.5 MiB. */
const WHOLE_LIMIT = 2;

/** What a pass adds to what was observed and decided. */
export interface After {
  /** The decision's step was carried out. */
  isDone?: boolean;
  /** Whether the whole trace of an upgrade has been received; undefined, or absent, where none of it is sent. */
  hasTrace?: (record: UpgradeStatus) => boolean | undefined;
}

/** The record of the upgrade in progress, and of those before it. */
export function upgradeRecords(
  observed: Observed,
  decision: Decision,
  { isDone = true, hasTrace }: After = {},
): { upgrade?: UpgradeStatus; history: History } {
  const seen = { observed, decision, isDone };
  const previous = observed.blueGreen.status;
  const before = withReceipts(previous?.history ?? [], hasTrace);
  const open = previous?.upgrade;
  const isOver =
    open !== undefined && (decision.settled || open.to !== decision.wanted || observed.declaration.deleting);
  const ended = kept(isOver ? [close(open, seen), ...before] : before, hasTrace !== undefined);
  const current = open && !isOver ? open : begin(observed, decision, ended);
  if (!current) return { history: ended };
  const isResumed =
    previous?.phase !== undefined && WAITS.has(previous.phase) && decision.phase !== previous.phase;
  const switchedAt =
    decision.switchedAtMs === undefined ? undefined : new Date(decision.switchedAtMs).toISOString();
  // a replica whose clock was ahead may have noted it in what is the future for us
  const isNoted = current.switchedAt !== undefined && !(Date.parse(current.switchedAt) > observed.nowMs);
  const upgrade: UpgradeStatus = {
    ...(hasTrace ? withTraced(current, hasTrace(current) === undefined ? undefined : false) : current),
    ...(switchedAt !== undefined && !isNoted && { switchedAt }),
    ...((isResumed || isBegunAnew(current, decision)) && {
      resumedAt: new Date(observed.nowMs).toISOString(),
    }),
  };
  return { upgrade: { ...upgrade, steps: stepsOf(upgrade, seen) }, history: ended };
}

/** Notes whose traces have been received. */
function withReceipts(history: History, hasTrace: After['hasTrace']): History {
  return history.map((record) =>
    record.traced === false && hasTrace ? withTraced(record, hasTrace(record)) : record,
  );
}

function withTraced<T extends UpgradeStatus>(record: T, traced: boolean | undefined): T {
  const changed = { ...record };
  if (traced === undefined) delete changed.traced;
  else changed.traced = traced;
  return changed;
}

/** A record loses what is too much of it when its trace has been received, or others have ended since, or none is sent. */
function kept(history: History, isSent: boolean): History {
  return history.slice(0, HISTORY_LIMIT).map((record, index) => {
    const { steps } = record;
    const isWhole = isSent && record.traced === false && index < WHOLE_LIMIT;
    return isWhole || steps === undefined ? record : { ...record, steps: keptSteps(steps) };
  });
}

/** Whether the record of an upgrade begins with this pass. */
export function beginsUpgrade(observed: Observed, decision: Decision): boolean {
  const { upgrade } = upgradeRecords(observed, decision);
  return upgrade !== undefined && upgrade.startedAt !== observed.blueGreen.status?.upgrade?.startedAt;
}

/**
 * An upgrade begins when another set than the active one is wanted; and when the delay before the first drain begins and no record
 * speaks of it (it was lost with the status), for the delay is counted from it.
 */
function begin(observed: Observed, decision: Decision, history: History): UpgradeStatus | undefined {
  const { declaration, sets, nowMs } = observed;
  const active = sets.find(({ name }) => name === decision.active);
  const left =
    decision.switchedAtMs === undefined
      ? undefined
      : sets.find((set) => set.name !== decision.active && !isEmpty(set));
  // Without a Service to switch it cannot begin.
  const isWanted =
    active !== undefined && decision.active !== decision.wanted && observed.services.length > 0;
  const from = isWanted ? active.name : left?.name;
  if (from === undefined || decision.settled || declaration.deleting) return undefined;
  const startedAt = new Date(nowMs).toISOString();
  const { traceparent, requestedAtMs } = declaration;
  const asked = parseTraceparent(traceparent);
  // A retry, and the way back from an abort, answer a request that another upgrade began with, and lie in that one's span.
  const isAnswered = traceparent === '' || history.some((one) => one.traceparent === traceparent);
  // The webhook notes it by its own clock.
  const isAsked = requestedAtMs !== undefined && requestedAtMs <= nowMs + APART_MS && !isAnswered;
  const id = asked?.traceId ?? madeUpId(declaration.uid, decision.wanted, startedAt);
  const isRoot = asked !== undefined && !isAnswered;
  const parentSpanId = isRoot ? declaration.parentSpan : asked?.spanId;
  return {
    id,
    spanId: isRoot ? asked.spanId : spanIdOf(id, from, decision.wanted, startedAt),
    ...(parentSpanId !== undefined && { parentSpanId }),
    startedAt,
    requestedBy: declaration.requestedBy,
    from,
    to: decision.wanted,
    traceparent,
    ...(isAsked && { requestedAt: new Date(Math.min(requestedAtMs, nowMs)).toISOString() }),
  };
}

/**
 * Green is taken down before its switch, to be made anew: with mended settings; or, where it is the declaration's own pods, with another
 * template. What that takes was not asked for when the upgrade began.
 */
function isBegunAnew({ to }: UpgradeStatus, { step, active }: Decision): boolean {
  const isDown = step.kind === 'deleteSet' || (step.kind === 'resize' && step.to === 0);
  return isDown && step.set === to && active !== to;
}

function close(open: UpgradeStatus, seen: Seen): History[number] {
  const { observed, decision } = seen;
  const now = new Date(observed.nowMs).toISOString();
  const outcome = outcomeOf(open, observed, decision);
  const isComplete = outcome.result === 'succeeded' || outcome.result === 'rolledBack';
  // What is wanted now is another's green; and a record of an earlier version goes on without steps.
  const steps = isComplete && open.to === decision.wanted ? stepsOf(open, seen) : (open.steps ?? []);
  // A leader whose clock was ahead may have dated an end later than now.
  const times = [open.startedAt, ...steps.flatMap(({ startedAt, endedAt }) => [startedAt, endedAt ?? now])];
  const finishedAt = times.reduce((one, other) => (Date.parse(other) > Date.parse(one) ? other : one), now);
  return { ...open, finishedAt, ...outcome, steps: endedSteps(steps, now, isComplete) };
}

/** What the records come to when the declaration has gone, and its BlueGreen with it, in mid-upgrade. */
export function lastRecords(
  { upgrade, history }: Pick<BlueGreenStatus, 'upgrade' | 'history'>,
  nowMs: number,
): { history: History } {
  if (!upgrade) return { history };
  const finishedAt = new Date(Math.max(nowMs, Date.parse(upgrade.startedAt))).toISOString();
  const steps = endedSteps(upgrade.steps ?? [], finishedAt, false);
  return { history: [{ ...upgrade, finishedAt, ...DELETED, steps }, ...history] };
}

/** The same as they are kept where a BlueGreen stays behind. */
export function closedRecords(
  records: Pick<BlueGreenStatus, 'upgrade' | 'history'>,
  nowMs: number,
  hasTrace: After['hasTrace'],
): History {
  const { history } = lastRecords(records, nowMs);
  return kept(withReceipts(history, hasTrace), hasTrace !== undefined);
}

const DELETED = { result: 'superseded', reason: 'the StatefulSet was deleted' } as const;

/** How an upgrade has ended; the way back from an aborted one is a record of its own. */
function outcomeOf(
  { to }: UpgradeStatus,
  { declaration: { name, aborted, deleting }, sets }: Observed,
  { active, wanted, wantedSize }: Decision,
): Pick<History[number], 'result' | 'reason'> {
  const isOf = (revision: string): boolean => to === setNameOf(name, revision) || to.endsWith(`-${revision}`);
  if (aborted && isOf(aborted.revision)) {
    return { result: 'aborted', ...(aborted.because !== undefined && { reason: aborted.because }) };
  }
  const isDone = to === active && sets.every((set) => set.name === active || isEmpty(set));
  if (deleting && !isDone) return DELETED;
  if (to !== wanted && !isDone) return { result: 'superseded', reason: `${wanted} was wanted instead` };
  if (to !== active && wantedSize === 0) {
    return { result: 'superseded', reason: 'no nodes were wanted before the switch' };
  }
  const isBack = aborted && (isOf(aborted.replacing) || to === name);
  return isBack
    ? { result: 'rolledBack', reason: `revision ${aborted.revision} was aborted` }
    : { result: 'succeeded' };
}

function madeUpId(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}
