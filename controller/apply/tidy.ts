import type { JsonObject } from '../../lib/json.js';
import { PATH } from '../kube/paths.js';
import { controllerUidOf, nameOf, textAt } from '../../lib/fields.js';
import { disown, isOwned } from './disown.js';
import { ownerOf } from './owner.js';
import type { Site } from './tools.js';

/**
 * Finishes what a death between two writes may have left, and takes over orphaned revision sets.
 * @returns whether something was written, so that it must be observed again
 */
export async function tidy({ view, tools, signal }: Site): Promise<boolean> {
  const { namespace, name, uid } = view.observed.declaration;
  const { services, preview } = view.observed;
  const ours = [...services, ...(preview?.kind === 'found' ? [preview] : [])].map((one) => one.name);
  const owned: [string, JsonObject][] = [
    [PATH.statefulSets(namespace, name), view.raw.declaration] as [string, JsonObject],
    ...view.raw.services
      .filter((service) => ours.includes(nameOf(service)))
      .map((service): [string, JsonObject] => [PATH.services(namespace, nameOf(service)), service]),
  ].filter(([, object]) => isOwned(object));
  for (const [path, object] of owned) await disown(tools.kube, path, object, signal);

  const orphans = view.raw.sets.filter(
    (set) => controllerUidOf(set) === '' && textAt(set, 'metadata', 'uid') !== uid,
  );
  for (const orphan of orphans) {
    const resourceVersion = textAt(orphan, 'metadata', 'resourceVersion');
    const metadata = { resourceVersion, ownerReferences: [ownerOf(view.raw.declaration)] };
    await tools.kube.mergePatch(PATH.statefulSets(namespace, nameOf(orphan)), { metadata }, signal);
  }
  return owned.length + orphans.length > 0;
}
