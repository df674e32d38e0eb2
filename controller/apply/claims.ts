import { isNotFound } from '../kube/errors.js';
import { PATH } from '../kube/paths.js';
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
