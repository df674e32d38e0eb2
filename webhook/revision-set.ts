import { textAt } from '../lib/fields.js';
import { sameJson } from '../lib/json.js';
import { LABEL } from '../lib/names.js';
import { untouched, type Answer } from './answer.js';
import { editMetadata } from './edit.js';
import { isBeingDeleted, labelsOf, type AdmissionRequest } from './review.js';
import { isKubernetesOwn } from './users.js';

/** Name of the declaration that the StatefulSet of the request belongs to; empty when it is no revision set. */
export function declarationOf({ object, oldObject }: AdmissionRequest): string {
  return textAt(labelsOf(oldObject), LABEL.declaration) || textAt(labelsOf(object), LABEL.declaration);
}

/**
 * Answers a request of anyone but Sluice about a revision set: its creation and changes of its `spec` are refused, and the labels that say
 * whose it is, and of which revision, are put back. Never its deletion, nor whatever the garbage collector or the StatefulSet controller
 * writes.
 */
export function admitRevisionSet(request: AdmissionRequest, declaration: string): Answer {
  const { user, operation, object, oldObject } = request;
  if (isKubernetesOwn(user) || isBeingDeleted(object)) return untouched();
  if (operation === 'CREATE' || !sameJson(object['spec'], oldObject['spec'])) {
    return {
      kind: 'refuse',
      message: `statefulset/${request.name} belongs to statefulset/${declaration}; change that one`,
    };
  }
  const revision = textAt(oldObject, 'spec', 'selector', 'matchLabels', LABEL.revision);
  const labels = { [LABEL.declaration]: declaration, ...(revision !== '' && { [LABEL.revision]: revision }) };
  return { kind: 'admit', ops: editMetadata(object, 'labels', labels), warnings: [] };
}
