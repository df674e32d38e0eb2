import { sameJson } from '../lib/json.js';
import { ANNOTATION } from '../lib/names.js';
import { revisionOf, setNameOf } from '../lib/revision.js';
import type { Condition } from '../lib/types.js';
import { remainingOf } from './remaining.js';
import { inWords } from './tree.js';
import type { View } from './view.js';

/** Whether what was asked for is done, with the reason in words. */
export type Verdict =
  | { kind: 'done'; message: string }
  | { kind: 'failed'; message: string }
  /** `about`: what is waited for, without figures that change meanwhile. */
  | { kind: 'running'; message: string; about: string };

/** Judges an upgrade as `kubectl sluice status` tells it. Pure. */
export function verdictOf(view: View): Verdict {
  const { status, declaration } = view;
  const message = status.message ?? 'the controller has not looked at it yet';
  const isCurrent = speaksOfPresent(view);
  // Of the user's own BlueGreen that is all that is left; Sluice's own one goes.
  if (declaration?.isLabelled === false && status.phase === 'Idle') return { kind: 'done', message };
  if (!declaration) return { kind: 'failed', message: `there is no statefulset/${view.name}` };
  if (isCurrent && (status.phase === 'Aborted' || isTrue(view, 'Stalled'))) {
    return { kind: 'failed', message };
  }
  if (isCurrent && isTrue(view, 'Ready')) return { kind: 'done', message };
  const about = `${status.phase ?? ''}: ${status.waitingFor?.what ?? message}`;
  if (!isCurrent) {
    const unseen = `the last edit has yet to be taken up; until then: ${status.phase ?? ''}: ${message}`;
    return { kind: 'running', message: unseen, about: `until then: ${about}` };
  }
  const remaining = remainingOf(view);
  const rest = remaining && status.phase !== 'Paused' ? `; left: ${inWords(remaining, view.nowMs)}` : '';
  return {
    kind: 'running',
    message: `${status.phase ?? ''}: ${message}${rest}`,
    about,
  };
}

/** Whether the status speaks of what the StatefulSet and the BlueGreen ask for now: right after an edit it still speaks of before. */
function speaksOfPresent(view: View): boolean {
  const { name, status, generation, declaration, notes } = view;
  if (status.observedGeneration !== generation || !declaration) return false;
  const { wish, isRolledOut, isLabelled, aborted } = declaration;
  if (wish !== undefined && notes[ANNOTATION.replicas] !== String(wish)) return false;
  if (aborted !== undefined && isPresent(view, { revision: aborted })) return true;
  // Without its label it is handed back, onto its own pods.
  if (status.wanted === name || !isLabelled) return status.wanted === name && isRolledOut;
  return isPresent(view, { name: status.wanted ?? '' });
}

/** Whether a set has the declaration's present template; one that is not made yet is told by its name. */
function isPresent(
  { name, declaration, sets }: View,
  meant: { name: string } | { revision: string },
): boolean {
  const template = declaration?.template ?? {};
  const isMeant = (one: { name: string; revision: string }): boolean =>
    'name' in meant ? one.name === meant.name : one.revision === meant.revision;
  const made = sets.find(isMeant);
  if (made?.template) return sameJson(made.template, template);
  const revision = revisionOf(name, template);
  return isMeant({ name: setNameOf(name, revision), revision });
}

function isTrue({ status }: View, type: Condition['type']): boolean {
  return (
    status.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true
  );
}
