import { keepClaims } from './claims.js';
import type { Observed } from './model.js';
import { whyNotMade, whyNotStart } from './pairing.js';
import { hindranceOf } from './readiness.js';
import { openingOf } from './reopen.js';
import type { Situation } from './situation.js';
import { isPromoted } from './triggers.js';
import { progress, waitFor, type Verdict } from './verdict.js';

/** Step 3: every green node is Ready and sees all the others; then, when promoted, each Service is pointed at green by one patch. */
export function switchOver(situation: Situation): Verdict | undefined {
  const { observed, wanted, activeRevision, wantedRevision, wantedName, wantedSize } = situation;
  if (activeRevision === wantedRevision || wantedSize === 0) return undefined;
  if (observed.services.length === 0)
    return waitFor('Progressing', { message: noService(observed), stalled: 'NoService' });
  const refused = whyNotMade(situation);
  if (refused) return waitFor('Degraded', refused);
  const unfit = whyNotStart(situation);
  if (unfit) return waitFor('Progressing', unfit);
  if (!wanted) return undefined;
  const hindrance = hindranceOf(situation, wanted);
  if (hindrance) return waitFor('Progressing', hindrance);
  const estranged = estrangedIn(observed);
  if (estranged.length > 0) {
    const message = `${wantedName} is ready, and ${estranged.join(', ')} ${estranged.length > 1 ? 'do' : 'does'} not select its pods: correct the selector, or the template's labels; then the clients are switched`;
    return waitFor('Progressing', { message, stalled: 'NoService' });
  }
  if (!isLetGo(situation)) {
    return waitFor(
      'AwaitingPromotion',
      `${wantedName} is ready; annotate sluice.dev/promote=${wantedRevision} to switch to it, or set spec.promotion.auto`,
    );
  }
  const kept = keepClaims(situation);
  if (kept) return kept;
  const services = observed.services.map(({ name }) => name);
  const open = wanted.kind === 'declaration' ? openingOf(wanted, situation) : undefined;
  return progress(
    {
      kind: 'pointServices',
      services,
      revision: wantedRevision,
      ...(open && { open }),
    },
    `switching ${services.join(', ')} to ${wantedName}`,
  );
}

/** Client Services that would reach nobody at what is wanted, as kubectl spells them. */
export function estrangedIn({ services }: Observed): string[] {
  return services.filter(({ estranged }) => estranged).map(({ name }) => `service/${name}`);
}

/** Whoever is left of a set that was deleted cannot wait for anybody's word. */
export function isLetGo(situation: Situation): boolean {
  const { observed, active } = situation;
  return observed.blueGreen.spec.promotion.auto || active?.kind === 'lost' || isPromoted(situation);
}

/** Why there is nothing to switch, and what to do, in words. */
function noService({ declaration: { name }, leftAlone }: Observed): string {
  const why =
    leftAlone.length > 0 ? leftAlone.join('; ') : `none selects the pods of ${name}; create one that does`;
  return `no upgrade without a Service to switch: ${why}`;
}
