import type { Phase } from '../lib/types.js';
import type { Hindrance } from './hindrance.js';
import type { Decision } from './model.js';
import type { Situation } from './situation.js';

/** What a rule decides; the rest of the Decision is the same for every rule. */
export type Verdict = Pick<Decision, 'step' | 'phase' | 'message' | 'about' | 'stalled' | 'switchedAtMs'>;

/** Has something to say, or leaves the pass to the next one. */
export type Rule = (situation: Situation) => Verdict | undefined;

/** The first of the rules that has something to say decides. */
export function firstOf(rules: Rule[], situation: Situation): Verdict | undefined {
  let verdict: Verdict | undefined;
  for (const rule of rules) verdict ??= rule(situation);
  return verdict;
}

export const SOON_MS = 1_000;
export const LATER_MS = 10_000;

/** A step that takes the upgrade, or its preparation, on. */
export function progress(step: Decision['step'], message: string): Verdict {
  return { step, phase: 'Progressing', message };
}

/** Nothing to be done but to look again after `forMs` milliseconds. */
export function waitFor(phase: Phase, why: string | Hindrance, forMs = SOON_MS): Verdict {
  const hindrance = typeof why === 'string' ? { message: why } : why;
  return { step: { kind: 'wait', forMs }, phase, ...hindrance };
}
