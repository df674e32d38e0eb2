import { nameOf, objectsAt, textAt } from '../../lib/fields.js';
import { isNotFound } from '../kube/errors.js';
import { PATH } from '../kube/paths.js';
import type { Step } from '../model.js';
import { ownerOf } from './owner.js';
import type { Site } from './tools.js';

/** Deletes claims as they were observed; one that has gone, or was made anew under its name, is left alone. */
export async function deleteClaims({ view, tools, signal }: Site, names: string[]): Promise<void> {
  const { declaration, claims } = view.observed;
  for (const { name, uid } of claims.filter((claim) => names.includes(claim.name))) {
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
    try {
      await tools.kube.delete(PATH.claims(declaration.namespace, name), options, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** Makes the declaration an owner of claims, or none. One that has gone is left alone. */
export async function ownClaims(
  { view, tools, signal }: Site,
  step: Extract<Step, { kind: 'ownClaims' }>,
): Promise<void> {
  const { namespace, uid } = view.observed.declaration;
  // The StatefulSet controller may make itself the controller, and nobody's deletion is to wait for them.
  const owner = { ...ownerOf(view.raw.declaration), controller: false, blockOwnerDeletion: false };
  for (const raw of view.raw.claims.filter((claim) => step.claims.includes(nameOf(claim)))) {
    const others = objectsAt(raw, 'metadata', 'ownerReferences').filter((each) => each['uid'] !== uid);
    const metadata = {
      resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
      ownerReferences: step.owned ? [...others, owner] : others,
    };
    try {
      await tools.kube.mergePatch(PATH.claims(namespace, nameOf(raw)), { metadata }, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
