import { createHash } from 'node:crypto';
import { setNameOf } from '../../lib/revision.js';
import type { BlueGreenStatus, Phase, UpgradeStatus } from '../../lib/types.js';
import type { Decision, Observed } from '../model.js';
import { isEmpty } from '../situation.js';

type History = BlueGreenStatus['history'];

/** Phases in which people are waited for: the deadline counts anew from their end. */
const WAITS: ReadonlySet<Phase> = new Set(['Paused', 'AwaitingPromotion']);

/** Upgrades that are remembered; enough to see a bad week. */
const HISTORY_LIMIT = 10;

/** The record of the upgrade in progress, and of those before it. */
export function upgradeRecords(
  observed: Observed,
  decision: Decision,
): { upgrade?: UpgradeStatus; history: History } {
  const previous = observed.blueGreen.status;
  const history = previous?.history ?? [];
  const open = previous?.upgrade;
  const isOver = open !== undefined && (decision.settled || open.to !== decision.wanted);
  const ended: History = isOver
    ? [close(open, observed, decision), ...history].slice(0, HISTORY_LIMIT)
    : history;
  const current = open && !isOver ? open : begin(observed, decision);
  if (!current) return { history: ended };
  const isResumed =
    previous?.phase !== undefined && WAITS.has(previous.phase) && decision.phase !== previous.phase;
  const switchedAt =
    decision.switchedAtMs === undefined ? undefined : new Date(decision.switchedAtMs).toISOString();
  // a replica whose clock was ahead may have noted it in what is the future for us
  const isNoted = current.switchedAt !== undefined && !(Date.parse(current.switchedAt) > observed.nowMs);
  return {
    upgrade: {
      ...current,
      ...(switchedAt !== undefined && !isNoted && { switchedAt }),
      ...((isResumed || isBegunAnew(current, decision)) && {
        resumedAt: new Date(observed.nowMs).toISOString(),
      }),
    },
    history: ended,
  };
}

/**
 * An upgrade begins when another set than the active one is wanted; and when the delay before the first drain begins and no record
 * speaks of it (it was lost with the status), for the delay is counted from it.
 */
function begin(observed: Observed, decision: Decision): UpgradeStatus | undefined {
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
  if (from === undefined || decision.settled) return undefined;
  const startedAt = new Date(nowMs).toISOString();
  return {
    id: traceIdOf(declaration.traceparent) ?? madeUpId(declaration.uid, decision.wanted, startedAt),
    startedAt,
    requestedBy: declaration.requestedBy,
    from,
    to: decision.wanted,
    traceparent: declaration.traceparent,
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

function close(open: UpgradeStatus, observed: Observed, decision: Decision): History[number] {
  return {
    ...open,
    finishedAt: new Date(observed.nowMs).toISOString(),
    ...outcomeOf(open, observed, decision),
  };
}

/** How an upgrade has ended; the way back from an aborted one is a record of its own. */
function outcomeOf(
  { to }: UpgradeStatus,
  { declaration: { name, aborted }, sets }: Observed,
  { active, wanted, wantedSize }: Decision,
): Pick<History[number], 'result' | 'reason'> {
  const isOf = (revision: string): boolean => to === setNameOf(name, revision) || to.endsWith(`-${revision}`);
  if (aborted && isOf(aborted.revision)) {
    return { result: 'aborted', ...(aborted.because !== undefined && { reason: aborted.because }) };
  }
  const isDone = to === active && sets.every((set) => set.name === active || isEmpty(set));
  if (to !== wanted && !isDone) return { result: 'superseded', reason: `${wanted} was wanted instead` };
  if (to !== active && wantedSize === 0) {
    return { result: 'superseded', reason: 'no nodes were wanted before the switch' };
  }
  const isBack = aborted && (isOf(aborted.replacing) || to === name);
  return isBack
    ? { result: 'rolledBack', reason: `revision ${aborted.revision} was aborted` }
    : { result: 'succeeded' };
}

/** The trace id of a W3C trace context: `00-<32 hex digits>-<16>-<2>`. */
function traceIdOf(traceparent: string): string | undefined {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent)?.[1];
}

function madeUpId(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}
