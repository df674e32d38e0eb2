import { BLUE_GREEN, LABEL } from '../lib/names.js';
import { whyNotWithoutNodes } from './handBack.js';
import { unheard } from './hindrance.js';
import { unnoticed } from './leave.js';
import type { Observed } from './model.js';
import { whyNotReady } from './readiness.js';
import { isOwnRevision, type Situation } from './situation.js';
import { LATER_MS, SOON_MS, waitFor, type Verdict } from './verdict.js';
import { counted } from '../lib/words.js';

export function rest(situation: Situation): Verdict {
  const { active, activeName, wantedSize, isAborted, observed } = situation;
  const { declaration, blueGreen } = observed;
  const notReady = active ? whyNotReady(active, wantedSize, observed) : undefined;
  if (notReady) {
    const isEnding = active?.pods.some(({ terminating }) => terminating) === true;
    // A first start, or a growth, is no degradation.
    const isOnItsWay = [undefined, 'Progressing'].includes(blueGreen.status?.phase);
    return waitFor(isOnItsWay ? 'Progressing' : 'Degraded', notReady, isEnding ? SOON_MS : LATER_MS);
  }
  if (isAborted && declaration.aborted) {
    const { revision, because } = declaration.aborted;
    const why = because === undefined ? '' : `: ${because}`;
    const message = `upgrade to revision ${revision} was aborted${why}; ${activeName} serves on with ${counted(wantedSize, 'node')}; ${wayOn(revision, observed)}`;
    return { step: { kind: 'rest' }, phase: 'Aborted', message, stalled: 'UpgradeAborted' };
  }
  // Nothing waits for it now, and the next upgrade would, for good.
  const deaf = active?.pods.find(({ turnsUsAway, report }) => turnsUsAway && !report);
  const told = deaf && unheard(deaf);
  if (told) return { step: { kind: 'rest' }, phase: 'Degraded', ...told };
  // An upgrade has ended when the last node that it leaves is a member no more, and no sooner.
  const lingering = blueGreen.status?.upgrade && unnoticed(situation);
  if (lingering !== undefined) {
    const message = `the pod of ${lingering} has gone, and EMQX still lists that node as running: it leaves the EMQX cluster when that is noticed`;
    return waitFor('Progressing', message);
  }
  const waiting = whyNotWithoutNodes(situation);
  if (waiting) return { step: { kind: 'rest' }, phase: 'Stable', ...waiting };
  return {
    step: { kind: 'rest' },
    phase: 'Stable',
    message: `${activeName} serves with ${counted(wantedSize, 'node')}`,
  };
}

/** What ends an abort, and what waits for that, in words. */
function wayOn(aborted: string, observed: Observed): string {
  const { name, handingBack } = observed.declaration;
  const retry = `annotate sluice.dev/retry=${aborted}`;
  if (!handingBack) return `${retry}, or edit the template again`;
  // What was refused may be the template, or the hand-back itself.
  const other = isOwnRevision(aborted, observed)
    ? `put label ${LABEL.upgrade}=${BLUE_GREEN} back`
    : `take the refused template back (kubectl rollout undo statefulset ${name}), or edit it again`;
  return `the hand-back of ${name} waits for that to end: ${retry}, or ${other}`;
}
