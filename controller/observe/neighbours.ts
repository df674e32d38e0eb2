import {
  controllerOf,
  controllerUidOf,
  labelOf,
  nameOf,
  numberAt,
  objectAt,
  textAt,
} from '../../lib/fields.js';
import type { JsonObject } from '../../lib/json.js';
import { BLUE_GREEN, LABEL } from '../../lib/names.js';
import { ownRevisionOf, setNameOf } from '../../lib/revision.js';
import type { Owners } from './strays.js';

/** Another declaration of the namespace, as far as Services go. */
export interface Neighbour {
  name: string;
  podLabels: JsonObject;
  /** Of its revision sets. */
  revisions: string[];
  /** It has pods of its own, whose revision is on them alone. */
  isAdopted: boolean;
}

/** The revisions that a declaration's Services may select: of its sets, of its pods, and of its own pods at its present template. */
export function revisionsOf({ declaration, sets }: Owners, pods: JsonObject[]): string[] {
  const template = objectAt(declaration, 'spec', 'template');
  return [
    ownRevisionOf(nameOf(declaration), template),
    ...sets.map(revisionOfSet),
    ...pods.map((pod) => labelOf(pod, LABEL.revision) ?? ''),
  ].filter((revision) => revision !== '');
}

/** Whether a StatefulSet is a revision set of the declaration, labels or not: it controls it, or nobody does and its name says so. */
export function isSetOf(declaration: JsonObject, set: JsonObject): boolean {
  const owner = controllerUidOf(set);
  if (owner !== '') return owner === textAt(declaration, 'metadata', 'uid');
  const revision = revisionOfSet(set);
  return revision !== '' && nameOf(set) === setNameOf(nameOf(declaration), revision);
}

/** What is immutable of a revision set says which one it runs: its label may have been taken away. */
export function revisionOfSet(set: JsonObject): string {
  return textAt(set, 'spec', 'selector', 'matchLabels', LABEL.revision);
}

/** Whether it is a revision set that a StatefulSet controls: such a one is never a declaration, whatever labels somebody gave it. */
export function isControlledSet(set: JsonObject): boolean {
  return revisionOfSet(set) !== '' && textAt(controllerOf(set), 'kind') === 'StatefulSet';
}

/** Whether a StatefulSet is under Sluice, by its labels. One that is being deleted counts: its pods may outlast its label. */
export function isDeclaration(set: JsonObject): boolean {
  const isUnderSluice =
    labelOf(set, LABEL.upgrade) === BLUE_GREEN || labelOf(set, LABEL.managed) !== undefined;
  return isUnderSluice && !isControlledSet(set);
}

/** The labels of the pods that a StatefulSet is to have. */
export function podLabelsOf(set: JsonObject): JsonObject {
  return objectAt(set, 'spec', 'template', 'metadata', 'labels');
}

/** The other declarations among StatefulSets of the namespace. */
export function neighboursOf(all: JsonObject[], declaration: JsonObject): Neighbour[] {
  return all
    .filter(isDeclaration)
    .filter((set) => textAt(set, 'metadata', 'uid') !== textAt(declaration, 'metadata', 'uid'))
    .map((set) => ({
      name: nameOf(set),
      podLabels: podLabelsOf(set),
      revisions: all
        .filter((each) => controllerUidOf(each) === textAt(set, 'metadata', 'uid'))
        .map(revisionOfSet)
        .filter((revision) => revision !== ''),
      isAdopted: numberAt(set, ['spec', 'replicas'], 1) > 0 || numberAt(set, ['status', 'replicas'], 0) > 0,
    }));
}
