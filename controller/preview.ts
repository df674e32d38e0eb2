import { NO_REVISION } from './model.js';
import { hindranceOf } from './readiness.js';
import { staleIn } from './remake.js';
import type { Situation } from './situation.js';
import { progress, type Verdict } from './verdict.js';

/**
 * The preview Service follows the wanted revision, but reaches green only once all of it is ready; until then it reaches nobody, so that
 * whoever tries green out never looks at blue.
 */
export function preview(situation: Situation): Verdict | undefined {
  const { observed, wanted, activeRevision, wantedRevision } = situation;
  const { preview: service } = observed;
  if (service?.kind !== 'found') return undefined;
  // Green that is made anew is another one, whose nodes come one by one.
  const isLasting = wanted !== undefined && staleIn(situation).length === 0;
  const isThere = service.revision === wantedRevision || (wanted && !hindranceOf(situation, wanted));
  const isWhole = activeRevision === wantedRevision || (isLasting && isThere);
  const revision = isWhole ? wantedRevision : NO_REVISION;
  if (service.revision === revision && service.managed) return undefined;
  return progress(
    { kind: 'pointPreview', service: service.name, revision },
    isWhole
      ? `preview Service ${service.name} reaches revision ${revision}`
      : `preview Service ${service.name} reaches nobody until ${situation.wantedName} is ready`,
  );
}

/** Without its key the preview Service selects both colours. Which of them it is to reach is the pass's to say, which knows who is ready. */
export function closePreview(situation: Situation): Verdict | undefined {
  const { preview: service } = situation.observed;
  return service?.kind === 'found' && service.revision === undefined ? preview(situation) : undefined;
}
