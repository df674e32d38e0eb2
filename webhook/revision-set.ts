import { textAt } from '../lib/fields.js';
import { sameJson } from '../lib/json.js';
import { LABEL } from '../lib/names.js';
import { untouched, type Answer } from './answer.js';
import { isBeingDeleted, labelsOf, type AdmissionRequest } from './review.js';
import { isKubernetesOwn } from './users.js';

/** Name of the declaration that the StatefulSet of the request belongs to; empty when it is no revision set. */
export function declarationOf({ object, oldObject }: AdmissionRequest): string {
  return textAt(labelsOf(oldObject), LABEL.declaration) || textAt(labelsOf(object), LABEL.declaration);
}

/**
 * Answers a request of anyone but Sluice about a revision set: its creation and changes of its `spec` are refused.
 * Never its deletion, nor whatever the garbage collector or the StatefulSet controller writes.
 */
export function admitRevisionSet(request: AdmissionRequest, declaration: string): Answer {
  if (isKubernetesOwn(request.user) || isBeingDeleted(request.object)) return untouched();
  const changes =
    request.operation === 'CREATE' ||
    (request.operation === 'UPDATE' && !sameJson(request.object['spec'], request.oldObject['spec']));
  if (!changes) return untouched();
  return {
    kind: 'refuse',
    message: `statefulset/${request.name} belongs to statefulset/${declaration}; change that one`,
  };
}
