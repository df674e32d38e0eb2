import {
  MOST_STEPS,
  UPGRADE_PHASES,
  type UpgradePhase,
  type UpgradeStatus,
  type UpgradeStep,
} from '../../lib/types.js';
import type { Decision, NodeSet, Observed, Pod } from '../model.js';
import { isEmpty, stayingPods } from '../situation.js';
import type { Seen } from './seen.js';

/** What each upgrade goes through, whether or not somebody looked while it lasted. */
const PATH: UpgradePhase[] = ['creation', 'readiness', 'gates', 'switch', 'delay', 'draining', 'cleanUp'];
const AFTER_SWITCH = PATH.indexOf('switch');

/** The phases so far. A phase ends in the instant in which the next one begins. */
export function phases(upgrade: UpgradeStatus, before: UpgradeStep[], seen: Seen): UpgradeStep[] {
  const { nowMs } = seen.observed;
  const known = before.filter(isPhase);
  const last = known.at(-1);
  const next = phaseOf(upgrade, seen, lastOfPath(known));
  if (last === undefined) return [...admission(upgrade), { name: next, startedAt: upgrade.startedAt }];
  const toldMs = lastTold(before);
  let steps = known;
  for (const name of wayTo(next, last.name, lastOfPath(known))) {
    const open = steps.at(-1);
    if (open === undefined || isFull(name, steps)) continue;
    // An object's time counts where it lies between the two looks: clocks differ, and the API server's has whole seconds.
    const sinceMs = Math.max(Date.parse(open.startedAt), toldMs);
    const times = beginsOf(name, { upgrade, before, seen }).filter((ms) => ms > sinceMs && ms <= nowMs);
    const at = freeTime(name, earliest(times) ?? Math.max(nowMs, sinceMs), steps);
    steps = [...steps.slice(0, -1), { ...open, endedAt: at }, { name, startedAt: at }];
  }
  return steps;
}

/** A step is known, and its span too, by its name and its begin: one that comes back within the same instant begins a millisecond later. */
function freeTime(name: UpgradePhase, atMs: number, steps: UpgradeStep[]): string {
  const at = new Date(atMs).toISOString();
  const isTaken = steps.some((step) => step.name === name && step.startedAt === at);
  return isTaken ? freeTime(name, atMs + 1, steps) : at;
}

/**
 * The moment after which a phase may begin: what has ended for a node may be told already as a part of the phase that it began in, which
 * another leader, or a look back at the objects, must not change.
 */
function lastTold(before: UpgradeStep[]): number {
  const began = before
    .filter((step) => !isPhase(step) && step.endedAt !== undefined)
    .map(({ startedAt }) => Date.parse(startedAt) + 1);
  return Math.max(...began, -Infinity);
}

function isPhase({ name }: UpgradeStep): boolean {
  return (UPGRADE_PHASES as readonly string[]).includes(name);
}

function admission({ requestedAt, startedAt }: UpgradeStatus): UpgradeStep[] {
  const isBefore = requestedAt !== undefined && Date.parse(requestedAt) <= Date.parse(startedAt);
  return isBefore ? [{ name: 'admission', startedAt: requestedAt, endedAt: startedAt }] : [];
}

function lastOfPath(known: UpgradeStep[]): UpgradePhase | undefined {
  return known.findLast(({ name }) => PATH.includes(name as UpgradePhase))?.name as UpgradePhase | undefined;
}

/** A record that is full goes on with the phase that it is in. */
function isFull(name: UpgradePhase, steps: UpgradeStep[]): boolean {
  return steps.filter((step) => step.name === name).length >= MOST_STEPS.running;
}

/** The phases that begin between the last look and this one; none while it is the same. */
function wayTo(next: UpgradePhase, last: string, lastPlace: UpgradePhase | undefined): UpgradePhase[] {
  if (next === last) return [];
  // Whoever waits to be promoted has passed the gates.
  const to = PATH.indexOf(next === 'promotion' ? 'switch' : next);
  const from = lastPlace === undefined ? -1 : PATH.indexOf(lastPlace);
  // Of a record that began after the switch nobody knows what was before.
  const passed = to > from && from >= 0 ? PATH.slice(from + 1, to) : [];
  return [...passed, next];
}

/** The phase that what is observed belongs to. */
function phaseOf(upgrade: UpgradeStatus, seen: Seen, lastPlace: UpgradePhase | undefined): UpgradePhase {
  const { observed, decision, isDone } = seen;
  if (decision.phase === 'Paused') return 'pause';
  if (decision.phase === 'AwaitingPromotion') return 'promotion';
  if (decision.active !== decision.wanted) {
    const { step, wantedRevision } = decision;
    const isSwitching = step.kind === 'pointServices' && step.revision === wantedRevision && isDone;
    return isSwitching ? 'switch' : phaseOfGreen(greenOf(observed, decision), decision.wantedSize);
  }
  const found = phaseOfBlue(upgrade, observed, decision);
  // A pod that is told something, or deleted by somebody, brings nothing back that is over.
  const from = lastPlace === undefined ? -1 : PATH.indexOf(lastPlace);
  return lastPlace !== undefined && from >= AFTER_SWITCH && from > PATH.indexOf(found) ? lastPlace : found;
}

function phaseOfGreen(green: NodeSet | undefined, wantedSize: number): UpgradePhase {
  if (green === undefined || green.size < wantedSize) return 'creation';
  return readyPods(green).length < wantedSize ? 'readiness' : 'gates';
}

function phaseOfBlue(upgrade: UpgradeStatus, observed: Observed, decision: Decision): UpgradePhase {
  if (leftSets(observed, decision).length === 0) return 'cleanUp';
  if (decision.phase === 'Draining' && leavingPods(observed, decision).length > 0) return 'draining';
  return upgrade.switchedAt === undefined && decision.switchedAtMs === undefined ? 'switch' : 'delay';
}

/** When a phase may have begun, by the objects and by the steps in it; the earliest that is possible counts. */
function beginsOf(
  name: UpgradePhase,
  known: { upgrade: UpgradeStatus; before: UpgradeStep[]; seen: Seen },
): number[] {
  const { upgrade, before, seen } = known;
  const { observed, decision } = seen;
  const green = greenOf(observed, decision);
  switch (name) {
    case 'readiness':
      return listed(green?.createdAtMs);
    case 'gates':
      return listed(latest(green ? readyPods(green).map(({ readySinceMs }) => readySinceMs) : []));
    case 'delay':
      return listed(
        upgrade.switchedAt === undefined ? decision.switchedAtMs : Date.parse(upgrade.switchedAt),
      );
    case 'draining':
      return [...drainBegins(before), ...leavingPods(observed, decision).flatMap(leftSince)];
    case 'admission':
    case 'creation':
    case 'promotion':
    case 'switch':
    case 'cleanUp':
    case 'pause':
      return [];
  }
}

/** Of those that go on: whoever takes a node away writes so at once, and its deletion is known at the next look, in whole seconds. */
function drainBegins(before: UpgradeStep[]): number[] {
  return before
    .filter(({ name, endedAt }) => name === 'drain' && endedAt === undefined)
    .map(({ startedAt }) => Date.parse(startedAt));
}

function leftSince({ evacuationNote, deletedAtMs }: Pod): number[] {
  return listed(evacuationNote?.acceptedAtMs ?? deletedAtMs);
}

function listed(time: number | undefined): number[] {
  return time === undefined ? [] : [time];
}

function greenOf({ sets }: Observed, { wanted }: Decision): NodeSet | undefined {
  return sets.find(({ name, kind }) => name === wanted && kind !== 'lost');
}

function readyPods(green: NodeSet): Pod[] {
  return stayingPods(green).filter(({ ready }) => ready);
}

function leftSets({ sets }: Observed, { active }: Decision): NodeSet[] {
  return sets.filter((set) => set.name !== active && !isEmpty(set));
}

/** Pods of the sets left that are on their way out. */
function leavingPods(observed: Observed, decision: Decision): Pod[] {
  return leftSets(observed, decision).flatMap(({ pods, size }) =>
    pods.filter(
      ({ terminating, ordinal, evacuationNote }) =>
        terminating || ordinal >= size || evacuationNote !== undefined,
    ),
  );
}

function earliest(times: number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times);
}

function latest(times: (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
