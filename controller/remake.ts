import { sameJson } from '../lib/json.js';
import { hasNobody, isClientless, isListed, stayingPods, type Situation } from './situation.js';
import { progress, waitFor, type Verdict } from './verdict.js';

/**
 * A green that was made with other values of `spec.emqx` is made anew while it holds nobody: its template is never edited, and with a wrong
 * port or key it would stay out for ever. One that clients have reached keeps what it was made with.
 */
export function remake(situation: Situation): Verdict | undefined {
  const { observed, active, wanted } = situation;
  const fields = staleIn(situation);
  if (!wanted || fields.length === 0) return undefined;
  const isJoining =
    active &&
    stayingPods(active).some(({ ready, failing }) => !ready && !failing) &&
    !hasNobody(wanted, observed.sets);
  if (isJoining) return undefined;
  const because = `${wanted.name} was made with another ${fields.join(' and ')}, and is made anew`;
  if (wanted.size > 0) return progress({ kind: 'resize', set: wanted.name, to: 0, because }, because);
  if (wanted.pods.length > 0) return waitFor('Progressing', `${because} when its pods have gone`);
  return progress({ kind: 'deleteSet', set: wanted.name, because }, because);
}

/** The fields of `spec.emqx` for which a green that holds nobody is to be made anew. */
export function staleIn(situation: Situation): string[] {
  const { observed, active, wanted } = situation;
  if (!wanted || wanted === active || wanted.kind !== 'revisionSet') return [];
  // What an aborted upgrade goes back to could not be made again: its template is nowhere else.
  if (!sameJson(wanted.template, observed.declaration.template)) return [];
  if (isListed(wanted, situation) || !isClientless(wanted, observed.sets)) return [];
  return (wanted.outdated ?? []).filter((field) => field.startsWith('spec.emqx.'));
}
