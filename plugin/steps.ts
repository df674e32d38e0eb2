import { isOpen, secondsOf, wordOf, type PhaseView } from '../lib/phases.js';
import type { UpgradeStatus } from '../lib/types.js';
import { columns } from './columns.js';
import { span, type Line, type Span, type Tone } from './paint.js';
import { duration } from '../lib/times.js';

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
