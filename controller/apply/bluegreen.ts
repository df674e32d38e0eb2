import { ANNOTATION, BLUEGREEN } from '../../lib/names.js';
import { isAlreadyExists } from '../kube/errors.js';
import { PATH } from '../kube/paths.js';
import { ownerOf } from './owner.js';
import type { Site } from './tools.js';

/** Makes the BlueGreen of a declaration that has none. One that somebody else makes meanwhile is as good. */
export async function createBlueGreen({ view, tools, signal }: Site): Promise<void> {
  const { namespace, name, wish } = view.observed.declaration;
  try {
    await tools.kube.create(
      PATH.blueGreens(namespace),
      {
        apiVersion: `${BLUEGREEN.group}/${BLUEGREEN.version}`,
        kind: BLUEGREEN.kind,
        metadata: {
          name,
          namespace,
          ...(wish !== undefined && { annotations: { [ANNOTATION.replicas]: String(wish) } }),
          ownerReferences: [{ ...ownerOf(view.raw.declaration), controller: false }],
        },
        spec: { ...tools.defaults, ...(wish !== undefined && { replicas: wish }) },
      },
      signal,
    );
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/** Writes the declared size into the BlueGreen, and in the same patch that it was carried. */
export async function carrySize({ view, tools, signal }: Site, replicas: number): Promise<void> {
  const { declaration, blueGreen } = view.observed;
  await tools.kube.mergePatch(
    PATH.blueGreens(declaration.namespace, declaration.name),
    {
      metadata: {
        resourceVersion: blueGreen.resourceVersion,
        annotations: { [ANNOTATION.replicas]: String(replicas) },
      },
      spec: { replicas },
    },
    signal,
  );
}
