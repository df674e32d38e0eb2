import type { JsonObject } from '../../lib/json.js';
import { isNotFound } from '../kube/errors.js';
import { PATH } from '../kube/paths.js';
import { at, controllerUidOf, labelOf, nameOf, plainTemplate, textAt } from '../../lib/fields.js';
import { noteOfMaking } from '../../lib/made-from.js';
import { ANNOTATION, LABEL } from '../../lib/names.js';
import { revisionOfSet } from '../observe/neighbours.js';
import { lackingOfBlueGreen } from './bluegreen.js';
import { disown, isOwned } from './disown.js';
import { restoreKeySecret } from './key-secret.js';
import { ownerOf } from './owner.js';
import type { Site } from './tools.js';

/**
 * Finishes what a death between two writes may have left, takes over orphaned revision sets and the BlueGreen that Sluice made, labels
 * again what lost a label, and makes the API key's Secret again where pods wait for it.
 * @returns whether something was written, so that it must be observed again
 */
export async function tidy(site: Site): Promise<boolean> {
  const { view, tools, signal } = site;
  const { namespace, name } = view.observed.declaration;
  const { services, preview } = view.observed;
  const ours = [...services, ...(preview?.kind === 'found' ? [preview] : [])].map((one) => one.name);
  const owned: [string, JsonObject][] = [
    [PATH.statefulSets(namespace, name), view.raw.declaration] as [string, JsonObject],
    ...view.raw.services
      .filter((service) => ours.includes(nameOf(service)))
      .map((service): [string, JsonObject] => [PATH.services(namespace, nameOf(service)), service]),
    // the webhook's entry too: it writes a size, and has no right to do more
    ...(view.raw.blueGreen
      ? [[PATH.blueGreens(namespace, name), view.raw.blueGreen] as [string, JsonObject]]
      : []),
  ].filter(([, object]) => isOwned(object));
  let isWritten = await restoreKeySecret(site);
  for (const [path, object] of owned) {
    if (await disown(tools.kube, path, object, signal)) isWritten = true;
  }

  const { blueGreen, sets, declaration } = view.raw;
  const lacking = [
    ...sets.map((set) => ({
      path: PATH.statefulSets(namespace, nameOf(set)),
      object: set,
      metadata: lackingOf(set, declaration),
    })),
    ...(blueGreen
      ? [
          {
            path: PATH.blueGreens(namespace, name),
            object: blueGreen,
            metadata: lackingOfBlueGreen(blueGreen, declaration),
          },
        ]
      : []),
  ].filter(({ metadata }) => metadata !== undefined);
  if (lacking.some(({ metadata }) => metadata?.['ownerReferences']) && (await isGoing(site)))
    return isWritten;
  for (const { path, object, metadata } of lacking) {
    const resourceVersion = textAt(object, 'metadata', 'resourceVersion');
    await tools.kube.mergePatch(path, { metadata: { resourceVersion, ...metadata } }, signal);
  }
  return isWritten || lacking.length > 0;
}

/**
 * Whether the declaration is being deleted, or has been made anew since. `--cascade=orphan` takes its owner from each set first: given back
 * then, the set would be collected with the declaration, and its pods with it. The garbage collector takes an owner away only when the
 * deletion is on record, so whoever looks after having seen the set sees it.
 */
async function isGoing({ view, tools, signal }: Site): Promise<boolean> {
  const { namespace, name } = view.observed.declaration;
  const now = await tools.kube.get(PATH.statefulSets(namespace, name), signal).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  const isSame = textAt(now, 'metadata', 'uid') === textAt(view.raw.declaration, 'metadata', 'uid');
  return !isSame || textAt(now, 'metadata', 'deletionTimestamp') !== '';
}

/** What a revision set has lost, or has not been given yet: its owner, the labels by which it is found, and how it came back from its creation. */
function lackingOf(set: JsonObject, declaration: JsonObject): JsonObject | undefined {
  const owner = controllerUidOf(set);
  const uid = textAt(declaration, 'metadata', 'uid');
  if (textAt(set, 'metadata', 'uid') === uid || !['', uid].includes(owner)) return undefined;
  const labels = { [LABEL.declaration]: nameOf(declaration), [LABEL.revision]: revisionOfSet(set) };
  const isLabelled = Object.entries(labels).every(([key, value]) => (labelOf(set, key) ?? '') === value);
  // Whoever labelled all StatefulSets meant no revision set.
  const strange = [LABEL.upgrade, LABEL.managed].filter((key) => labelOf(set, key) !== undefined);
  const template = plainTemplate(at(declaration, 'spec', 'template'));
  const note = noteOfMaking(set, { name: nameOf(declaration), template });
  if (owner === uid && isLabelled && strange.length === 0 && note === undefined) return undefined;
  return {
    ...(owner === '' && { ownerReferences: [ownerOf(declaration)] }),
    ...((!isLabelled || strange.length > 0) && {
      labels: { ...labels, ...Object.fromEntries(strange.map((key) => [key, null])) },
    }),
    ...(note !== undefined && { annotations: { [ANNOTATION.madeFrom]: note } }),
  };
}
