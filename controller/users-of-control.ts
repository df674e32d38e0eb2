import { nameOf, numberAt, textAt } from '../lib/fields.js';
import { LABEL } from '../lib/names.js';
import type { Kube } from './kube/client.js';
import { PATH } from './kube/paths.js';

/** A revision set of any namespace that has pods, as `namespace/name`: their sidecars know one control CA. Undefined when there is none. */
export async function findSidecars(
  kube: Pick<Kube, 'list'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const sets = await kube.list(PATH.statefulSets(''), { labelSelector: LABEL.revision }, signal);
  const set = sets.find(
    (each) => numberAt(each, ['spec', 'replicas'], 1) > 0 || numberAt(each, ['status', 'replicas']) > 0,
  );
  return set && `${textAt(set, 'metadata', 'namespace')}/${nameOf(set)}`;
}
