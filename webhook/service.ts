import { objectAt, textAt } from '../lib/fields.js';
import { disownSpec } from '../lib/managed-fields.js';
import { LABEL } from '../lib/names.js';
import { untouched, type Answer } from './answer.js';
import { editMap, editMetadata } from './edit.js';
import { isBeingDeleted, labelsOf, type AdmissionRequest } from './review.js';

/**
 * Answers an UPDATE by anyone but Sluice of a Service that Sluice manages: what decides which revision gets the
 * clients is put back. A Service that loses its whole selector leaves Sluice, and is let go.
 */
export function admitService({ operation, object, oldObject }: AdmissionRequest): Answer {
  const managed = textAt(labelsOf(oldObject), LABEL.managed);
  if (operation !== 'UPDATE' || managed !== 'true' || isBeingDeleted(object)) return untouched();
  const spec = objectAt(object, 'spec');
  if (Object.keys(objectAt(spec, 'selector')).length === 0) return untouched();

  const revision = textAt(oldObject, 'spec', 'selector', LABEL.revision);
  const selector: Record<string, string> = revision === '' ? {} : { [LABEL.revision]: revision };
  return {
    kind: 'admit',
    ops: [
      ...editMetadata(object, 'labels', { [LABEL.managed]: managed }),
      ...editMap(spec, '/spec/selector', 'selector', selector),
      ...disownSpec(object, ['selector']),
    ],
    warnings: [],
  };
}
