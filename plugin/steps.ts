import { UPGRADE_PHASES, type UpgradePhase, type UpgradeStatus, type UpgradeStep } from '../lib/types.js';
import { columns } from './columns.js';
import { span, type Line, type Span, type Tone } from './paint.js';
import { duration } from './times.js';

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
  return UPGRADE_PHASES.flatMap((name): PhaseView[] => {
    const turns = turnsOf(name);
    const isOptional = OPTIONAL.includes(name);
    if (turns.length === 0) return isOptional || isOver ? [] : [{ name, state: 'next', seconds: 0 }];
    const seconds = turns.reduce((sum, step) => sum + secondsOf(step, nowMs), 0);
    return [{ name, state: turns.some(isOpen) ? 'now' : 'done', seconds }];
  });
}

const SIGNS = { done: '✔', now: '◌', next: '·' } as const;
const TONES = { done: 'good', now: 'busy', next: 'faint' } as const satisfies Record<string, Tone>;

/** Phases as pieces of a line: `✔ readiness 21s`. */
export function phaseSpans(phases: readonly PhaseView[]): Span[] {
  return phases.map(({ name, state, seconds }) => {
    const took = state === 'next' ? '' : ` ${duration(seconds)}`;
    return span(`${SIGNS[state]} ${wordOf(name)}${took}`, TONES[state]);
  });
}

/** Every step of an upgrade, by when it began, a line each. Pure. */
export function stepLines({ startedAt, steps = [] }: UpgradeStatus, nowMs: number): Line[] {
  if (steps.length === 0) return [[span('no steps were recorded')]];
  const sorted = [...steps].sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
  const beganMs = Math.min(Date.parse(startedAt), ...sorted.map((step) => Date.parse(step.startedAt)));
  const rows = sorted.map((step): Line => {
    const { name, pod = '', clients, sessions, sessionsLost, outcome = '' } = step;
    const isBad = ['gaveUp', 'timedOut', 'interrupted'].includes(outcome);
    const lost = sessionsLost === undefined ? '' : `: ${sessionsLost} sessions lost`;
    return [
      span(`+${duration((Date.parse(step.startedAt) - beganMs) / 1000)}`, 'faint'),
      span(
        `${isOpen(step) ? '◌' : isBad ? '✖' : '✔'} ${wordOf(name)}`,
        isOpen(step) ? 'busy' : isBad ? 'bad' : 'good',
      ),
      span(pod),
      span(duration(secondsOf(step, nowMs))),
      span(clients === undefined ? '' : String(clients)),
      span(sessions === undefined ? '' : String(sessions)),
      span(`${outcome}${lost}`),
    ];
  });
  return columns(['AT', 'STEP', 'POD', 'TOOK', 'CLIENTS', 'SESSIONS', 'OUTCOME'], rows);
}

function wordOf(name: UpgradeStep['name']): string {
  return name === 'cleanUp' ? 'clean-up' : name;
}

function isOpen({ endedAt }: UpgradeStep): boolean {
  return endedAt === undefined;
}

function secondsOf({ startedAt, endedAt }: UpgradeStep, nowMs: number): number {
  const endMs = endedAt === undefined ? nowMs : Date.parse(endedAt);
  return Math.max(0, (endMs - Date.parse(startedAt)) / 1000);
}
