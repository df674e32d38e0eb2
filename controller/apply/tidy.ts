import type { JsonObject } from '../../lib/json.js';
import { isNotFound } from '../kube/errors.js';
import { PATH } from '../kube/paths.js';
import { controllerUidOf, labelOf, nameOf, textAt } from '../../lib/fields.js';
import { LABEL } from '../../lib/names.js';
import { revisionOfSet } from '../observe/neighbours.js';
import { disown, isOwned } from './disown.js';
import { ownerOf } from './owner.js';
import type { Site } from './tools.js';

/**
 * Finishes what a death between two writes may have left, and takes over orphaned revision sets, and labels again those that lost a label.
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
  let isWritten = false;
  for (const [path, object] of owned) {
    if (await disown(tools.kube, path, object, signal)) isWritten = true;
  }

  const lacking = view.raw.sets.flatMap((set) => {
    const metadata = lackingOf(set, view.raw.declaration);
    return metadata ? [{ set, metadata }] : [];
  });
  if (lacking.some(({ metadata }) => metadata['ownerReferences']) && (await isGoing(site))) return isWritten;
  for (const { set, metadata } of lacking) {
    const resourceVersion = textAt(set, 'metadata', 'resourceVersion');
    const patch = { metadata: { resourceVersion, ...metadata } };
    await tools.kube.mergePatch(PATH.statefulSets(namespace, nameOf(set)), patch, signal);
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

/** What a revision set has lost: its owner, or the labels by which people and watches find it. Undefined when it has all. */
function lackingOf(set: JsonObject, declaration: JsonObject): JsonObject | undefined {
  const owner = controllerUidOf(set);
  const uid = textAt(declaration, 'metadata', 'uid');
  if (textAt(set, 'metadata', 'uid') === uid || !['', uid].includes(owner)) return undefined;
  const labels = { [LABEL.declaration]: nameOf(declaration), [LABEL.revision]: revisionOfSet(set) };
  const isLabelled = Object.entries(labels).every(([key, value]) => (labelOf(set, key) ?? '') === value);
  if (owner === uid && isLabelled) return undefined;
  return {
    ...(owner === '' && { ownerReferences: [ownerOf(declaration)] }),
    ...(!isLabelled && { labels }),
  };
}
