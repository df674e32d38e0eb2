import { UPGRADE_PHASES, type UpgradePhase, type UpgradeStatus, type UpgradeStep } from './types.js';

/** What people are shown of the record of an upgrade's steps. */

/** One phase of an upgrade, all its turns together: a pause, or a node that is lost, may bring it back. */
export interface PhaseView {
  name: UpgradePhase;
  state: 'done' | 'now' | 'next';
  seconds: number;
}

/** Those that no upgrade needs. */
const OPTIONAL: readonly UpgradePhase[] = ['admission', 'promotion', 'pause'];

/** The phases of an upgrade in their order: those that were, the one that is, and those to come. Pure; none without a record. */
export function phasesOf({ steps = [] }: Pick<UpgradeStatus, 'steps'>, nowMs: number): PhaseView[] {
  const turnsOf = (name: UpgradePhase): UpgradeStep[] => steps.filter((step) => step.name === name);
  if (UPGRADE_PHASES.every((name) => turnsOf(name).length === 0)) return [];
  const isOver = steps.every(({ endedAt }) => endedAt !== undefined);
  return inOrder(steps).flatMap((name): PhaseView[] => {
    const turns = turnsOf(name);
    const isOptional = OPTIONAL.includes(name);
    if (turns.length === 0) return isOptional || isOver ? [] : [{ name, state: 'next', seconds: 0 }];
    const seconds = turns.reduce((sum, step) => sum + secondsOf(step, nowMs), 0);
    return [{ name, state: turns.some(isOpen) ? 'now' : 'done', seconds }];
  });
}

/** A pause stands behind the phase that it first interrupted. */
function inOrder(steps: readonly UpgradeStep[]): UpgradePhase[] {
  const gone = UPGRADE_PHASES.flatMap((name) => steps.filter((step) => step.name === name))
    .toSorted((one, other) => Date.parse(one.startedAt) - Date.parse(other.startedAt))
    .map(({ name }) => name as UpgradePhase);
  const others: UpgradePhase[] = UPGRADE_PHASES.filter((name) => name !== 'pause');
  const interrupted = gone[gone.indexOf('pause') - 1];
  const place = interrupted === undefined ? 0 : others.indexOf(interrupted) + 1;
  return others.toSpliced(place, 0, 'pause');
}

/** A step's name for people. */
export function wordOf(name: UpgradeStep['name']): string {
  return name === 'cleanUp' ? 'clean-up' : name;
}

export function isOpen({ endedAt }: UpgradeStep): boolean {
  return endedAt === undefined;
}

/** How long a step took, or has taken. */
export function secondsOf({ startedAt, endedAt }: UpgradeStep, nowMs: number): number {
  const endMs = endedAt === undefined ? nowMs : Date.parse(endedAt);
  return Math.max(0, (endMs - Date.parse(startedAt)) / 1000);
}
