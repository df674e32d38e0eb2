import { sustain } from './grow.js';
import { leave } from './leave.js';
import { whyNotReady } from './readiness.js';
import { reopenActive } from './reopen.js';
import { isMixed, type Situation } from './situation.js';
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
    message: [`paused: ${whyPaused(situation)}set spec.paused to false to go on`, message]
      .filter(Boolean)
      .join('; '),
  };
}

/** One that Sluice has made, and nobody has edited since, is paused only where the one before was deleted in the middle of an upgrade. */
function whyPaused({ observed: { blueGreen, declaration, sets } }: Situation): string {
  if (!blueGreen.isOurs || blueGreen.generation > 1 || !isMixed(sets)) return '';
  return `BlueGreen ${declaration.name} was deleted in the middle of an upgrade and made again with the chart's defaults; check its spec (replicas, rates, promotion), then `;
}
