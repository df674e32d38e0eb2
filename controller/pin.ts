import type { ClientService, NodeSet, Pod } from './model.js';
import { justLabelled } from './readiness.js';
import { isEmpty, stayingPods, type Situation } from './situation.js';
import { progress, waitFor, type Verdict } from './verdict.js';

/** Step 1: the Services select the active revision, and nothing else, before any other pod exists. */
export function pin({
  observed,
  active,
  wanted,
  activeRevision,
  activeName,
  wantedSize,
}: Situation): Verdict | undefined {
  const { services, sets } = observed;
  // Pods of the declaration come without the label, and come back without it. Of a label that was about to go, the late write is fenced off.
  const own = [active, wanted].find((set) => set?.kind === 'declaration');
  const isUnlabelled = ({ revision, handedBack }: Pod): boolean =>
    revision !== own?.revision || handedBack === true;
  const pods = own?.pods.filter(isUnlabelled).map(({ name }) => name) ?? [];
  if (own && pods.length > 0) {
    return progress({ kind: 'labelPods', pods, revision: own.revision }, `labelling the pods of ${own.name}`);
  }
  // Where no node is wanted nobody is to be taken anywhere, and the Services are to be let go of.
  const isReached =
    wantedSize === 0 || (active !== undefined && stayingPods(active).some(({ ready }) => ready));
  const unpinned = services.filter(
    (service) =>
      (service.revision !== activeRevision || !service.managed) &&
      !isToStay(service, sets) &&
      (isReached || !isServing(service, sets)),
  );
  if (unpinned.length === 0) return undefined;
  // Where no other pod exists, nobody is reached by mistake meanwhile.
  const isAlone = own === active && sets.every((set) => set === own || isEmpty(set));
  const unseen = own && isAlone ? justLabelled(own, observed) : undefined;
  if (unseen) return waitFor('Progressing', unseen);
  const names = unpinned.map(({ name }) => name);
  return progress(
    { kind: 'pointServices', services: names, revision: activeRevision },
    `pointing ${names.join(', ')} at ${activeName}`,
  );
}

/** One that was switched with the others would reach nobody, and it reaches pods where it is. */
function isToStay({ estranged, revision, managed }: ClientService, sets: NodeSet[]): boolean {
  const isAt = sets.some((set) => set.revision === revision && set.pods.length > 0);
  return estranged === true && managed && isAt;
}

/** It is pinned to a set that takes clients: it follows to the active one when somebody takes them there. */
function isServing({ revision, managed }: ClientService, sets: NodeSet[]): boolean {
  const at = sets.find((set) => set.revision === revision);
  return managed && at !== undefined && stayingPods(at).some(({ ready }) => ready);
}

/** A Service by which clients do not come any more selects what its user wrote: the revision that it was pinned to will have no pod. */
export function unpin({ observed: { former } }: Situation): Verdict | undefined {
  if (former.length === 0) return undefined;
  return progress(
    { kind: 'unpinServices', services: former },
    `${former.join(', ')}, by which clients do not come, ${former.length > 1 ? 'select' : 'selects'} without revision`,
  );
}
