import { labelOf, objectAt } from '../../lib/fields.js';
import type { JsonObject } from '../../lib/json.js';
import { LABEL } from '../../lib/names.js';
import { isDeclaration, podLabelsOf, revisionOfSet } from './neighbours.js';
import { pinnedTo, selects } from './services.js';

/** What there is in a namespace, as read after its Services. */
export interface Surroundings {
  /** All StatefulSets. */
  sets: JsonObject[];
  /** Pods with a revision's label. */
  pods: JsonObject[];
}

/** Whether some declaration's own passes care for a Service: it selects, its revision key aside, the pods that are asked for. */
export function isCaredFor(service: JsonObject, sets: JsonObject[]): boolean {
  return sets.filter(isDeclaration).some((set) => selects(service, podLabelsOf(set)));
}

/**
 * Whether nothing of Sluice is left that a managed Service is for: no declaration whose pods it selects, no revision set and no pod with a
 * revision's label that it selects, its own revision key aside, or that is of that revision. Without the key it then reaches whom it
 * reached, or pods that Sluice has nothing to do with. Whose it was does not matter, so that nobody has to have seen that one go.
 */
export function isLeftover(service: JsonObject, { sets, pods }: Surroundings): boolean {
  const key = pinnedTo(service);
  const isFor = (revision: string, labels: JsonObject): boolean =>
    (key !== '' && revision === key) || selects(service, labels);
  return (
    !isCaredFor(service, sets) &&
    !sets.some((set) => revisionOfSet(set) !== '' && isFor(revisionOfSet(set), podLabelsOf(set))) &&
    !pods.some((pod) => isFor(labelOf(pod, LABEL.revision) ?? '', objectAt(pod, 'metadata', 'labels')))
  );
}
