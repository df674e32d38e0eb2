import { sustain } from './grow.js';
import { leave } from './leave.js';
import { whyNotReady } from './readiness.js';
import { reopenActive } from './reopen.js';
import type { Situation } from './situation.js';
import { firstOf, LATER_MS, SOON_MS, type Rule, type Verdict } from './verdict.js';

/** Of all that comes after a pause, what mends the active set goes on in it: it takes nobody anywhere, and N nodes are to serve. */
const REPAIRS: Rule[] = [reopenActive, leave, sustain];

/** `spec.paused` ends the pass: whatever comes after takes steps. */
export function pause(situation: Situation): Verdict | undefined {
  const { observed, active, wantedSize } = situation;
  // Whoever is left of a set that was deleted cannot wait for anybody's word.
  if (!observed.blueGreen.spec.paused || active?.kind === 'lost') return undefined;
  const repair = firstOf(REPAIRS, situation);
  const notReady = active && whyNotReady(active, wantedSize, observed);
  const forMs = notReady ? SOON_MS : LATER_MS;
  const { message, ...verdict } = repair ?? { step: { kind: 'wait', forMs }, ...notReady };
  return {
    ...verdict,
    phase: 'Paused',
    message: ['paused: set spec.paused to false to go on', message].filter(Boolean).join('; '),
  };
}
