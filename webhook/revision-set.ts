import { controllerOf, textAt } from '../lib/fields.js';
import { sameJson, type JsonObject } from '../lib/json.js';
import { LABEL } from '../lib/names.js';
import { setNameOf } from '../lib/revision.js';
import { untouched, type Answer } from './answer.js';
import { editMetadata } from './edit.js';
import { isBeingDeleted, labelsOf, type AdmissionRequest } from './review.js';
import { isKubernetesOwn } from './users.js';

/** Name of the declaration that the StatefulSet of the request belongs to; empty when it is no revision set. */
export function declarationOf({ operation, name, object, oldObject }: AdmissionRequest): string {
  return ownerIn(name, operation === 'CREATE' ? object : oldObject);
}

/**
 * A revision set selects by its revision, which nobody can change, and the declaration that its label names controls it; one that nobody
 * controls has the name of such a set. On any other StatefulSet the label says nothing, and whoever put it there may take it off.
 */
function ownerIn(name: string, set: JsonObject): string {
  const declaration = textAt(labelsOf(set), LABEL.declaration);
  const revision = revisionIn(set);
  if (declaration === '' || revision === '') return '';
  const owner = controllerOf(set);
  const isIts = owner
    ? owner['kind'] === 'StatefulSet' && owner['name'] === declaration
    : name === setNameOf(declaration, revision);
  return isIts ? declaration : '';
}

function revisionIn(set: JsonObject): string {
  return textAt(set, 'spec', 'selector', 'matchLabels', LABEL.revision);
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
    const belongs = `statefulset/${request.name} belongs to statefulset/${declaration}; change that one`;
    const copy =
      operation === 'CREATE'
        ? ' (of a copy for something else, take out ownerReferences and every key under sluice.dev/: labels, annotations and selector)'
        : '';
    return { kind: 'refuse', message: `${belongs}${copy}` };
  }
  // No revision set is a declaration: `kubectl label statefulset --all` reaches them, too.
  const labels = {
    [LABEL.declaration]: declaration,
    [LABEL.revision]: revisionIn(oldObject),
    [LABEL.upgrade]: undefined,
    [LABEL.managed]: undefined,
  };
  return { kind: 'admit', ops: editMetadata(object, 'labels', labels), warnings: [] };
}
