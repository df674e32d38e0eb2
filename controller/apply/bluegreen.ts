import { ANNOTATION, BLUEGREEN, LABEL } from '../../lib/names.js';
import { labelOf, objectsAt, ownAnnotations, textAt } from '../../lib/fields.js';
import type { JsonObject } from '../../lib/json.js';
import { isMadeByUs } from '../observe/bluegreen.js';
import { isAlreadyExists } from '../kube/errors.js';
import { PATH } from '../kube/paths.js';
import type { Step } from '../model.js';
import { disown } from './disown.js';
import { besideOwnerOf } from './owner.js';
import type { Site } from './tools.js';

/**
 * Makes the BlueGreen of a declaration that has none, and owns none of its fields: the API server fills in defaults before it notes who
 * wrote them, so the user's first server-side apply of another rate would conflict. One that somebody else makes meanwhile is as good.
 */
export async function createBlueGreen(
  { view, tools, signal }: Site,
  { paused }: Extract<Step, { kind: 'createBlueGreen' }>,
): Promise<void> {
  const { namespace, name, wish } = view.observed.declaration;
  try {
    const made = await tools.kube.create(
      PATH.blueGreens(namespace),
      {
        apiVersion: `${BLUEGREEN.group}/${BLUEGREEN.version}`,
        kind: BLUEGREEN.kind,
        metadata: {
          name,
          namespace,
          labels: { [LABEL.managed]: 'true' },
          ...(wish !== undefined && { annotations: { [ANNOTATION.replicas]: String(wish) } }),
          ownerReferences: [besideOwnerOf(view.raw.declaration)],
        },
        spec: {
          ...tools.defaults,
          ...(wish !== undefined && { replicas: wish }),
          ...(paused && { paused }),
        },
      },
      signal,
    );
    await disown(tools.kube, PATH.blueGreens(namespace, name), made, signal);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/**
 * What a BlueGreen that Sluice made has lost: its owner, which the garbage collector takes from it where a declaration goes with
 * --cascade=orphan, or the label that says so. Undefined when it has both, is the user's, or goes with another StatefulSet.
 */
export function lackingOfBlueGreen(raw: JsonObject, declaration: JsonObject): JsonObject | undefined {
  const uid = textAt(declaration, 'metadata', 'uid');
  const owners = objectsAt(raw, 'metadata', 'ownerReferences');
  const isKept = owners.some((owner) => owner['kind'] === 'StatefulSet');
  const isLabelled = labelOf(raw, LABEL.managed) === 'true';
  if (!isMadeByUs(raw, uid) || (isKept && isLabelled)) return undefined;
  return {
    ...(!isKept && { ownerReferences: [...owners, besideOwnerOf(declaration)] }),
    ...(!isLabelled && { labels: { [LABEL.managed]: 'true' } }),
  };
}

/** Writes the declared size into the BlueGreen, and in the same patch that it was carried. */
export async function carrySize({ view, tools, signal }: Site, replicas: number): Promise<void> {
  const { declaration, blueGreen } = view.observed;
  const path = PATH.blueGreens(declaration.namespace, declaration.name);
  const written = await tools.kube.mergePatch(
    path,
    {
      metadata: {
        resourceVersion: blueGreen.resourceVersion,
        annotations: { [ANNOTATION.replicas]: String(replicas) },
      },
      spec: { replicas },
    },
    signal,
  );
  await disown(tools.kube, path, written, signal);
}

/** Deletes the BlueGreen that Sluice made; one that the user made stays, without Sluice's notes. */
export async function dropBlueGreen({ view, tools, signal }: Site): Promise<void> {
  const { declaration, blueGreen } = view.observed;
  const path = PATH.blueGreens(declaration.namespace, declaration.name);
  const { resourceVersion } = blueGreen;
  if (!blueGreen.isOurs) {
    const annotations = Object.fromEntries(ownAnnotations(view.raw.blueGreen).map((key) => [key, null]));
    await tools.kube.mergePatch(path, { metadata: { resourceVersion, annotations } }, signal);
    return;
  }
  const preconditions = { uid: textAt(view.raw.blueGreen, 'metadata', 'uid'), resourceVersion };
  await tools.kube.delete(
    path,
    { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', preconditions },
    signal,
  );
}
