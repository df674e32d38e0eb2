import { sameJson } from '../lib/json.js';
import { Failure, refused } from './failure.js';
import type { Kube } from './kube.js';
import { PATH } from './read.js';
import type { DeclarationView, SetView, View } from './view.js';

/** kubectl's own annotation for a restart. */
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

/** Replaces every node by a new one, as `kubectl rollout restart` does. @param now RFC 3339 */
export async function restart(kube: Kube, view: View, now: string): Promise<string> {
  declarationOf(view);
  const annotations = { [RESTARTED_AT]: now };
  await kube.patch(PATH.statefulSets(view.namespace, view.name), {
    spec: { template: { metadata: { annotations } } },
  });
  return `statefulset/${view.name} restarted`;
}

/** Gives the declaration an earlier revision's template again, as `kubectl rollout undo` does. */
export async function undo(kube: Kube, view: View, to: string | undefined): Promise<string> {
  const { resourceVersion } = declarationOf(view);
  const set = earlierSet(view, to);
  await kube.patch(PATH.statefulSets(view.namespace, view.name), [
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    { op: 'replace', path: '/spec/template', value: set.template },
  ]);
  return `statefulset/${view.name} goes back to ${set.name}`;
}

/**
 * The set whose template is to be wanted again: the one named, else the one that the upgrade in progress or the latest one
 * left; after an abort, the one that serves on. Pure.
 * @throws Failure when there is none
 */
export function earlierSet(
  view: View,
  to: string | undefined,
): SetView & { template: NonNullable<SetView['template']> } {
  const { name, sets, status } = view;
  const { template: present, aborted } = declarationOf(view);
  const earlier = sets.filter(({ template }) => template && !sameJson(template, present));
  const choice = `there ${earlier.length === 0 ? 'is none' : `is ${earlier.map((set) => set.name).join(', ')}`}`;
  const left = status.upgrade?.from ?? status.history?.find((one) => one.to === status.active)?.from;
  // What is asked for was refused, so going back means what serves in its place.
  const before = aborted === undefined ? left : status.wanted;
  const meant = to ?? before ?? earlier[0]?.name;
  const set = sets.find((one) => one.name === meant || one.revision === meant);
  if (!set) {
    if (to !== undefined) throw refused(`no revision ${to} of ${name} is kept: ${choice}`);
    if (meant === name) throw refused(ownPods(name));
    throw refused(
      `no earlier revision of ${name} is kept to go back to${meant === undefined ? '' : ` (it was ${meant})`}: ${choice}`,
    );
  }
  const { template } = set;
  if (set.name === name) throw refused(ownPods(name));
  if (!template)
    throw refused(
      `what Sluice added to ${set.name} was edited, so its template cannot be told: apply it from your files`,
    );
  if (sameJson(template, present)) throw refused(`${set.name} is what statefulset/${name} asks for already`);
  return { ...set, template };
}

/** The template of the pods that a StatefulSet had when it was labelled is in no set, but Kubernetes keeps it. */
function ownPods(name: string): string {
  return `what came before are the pods of statefulset/${name} itself: kubectl rollout undo statefulset/${name}`;
}

function declarationOf({ declaration, name, namespace }: View): DeclarationView {
  if (!declaration) throw new Failure(`there is no statefulset/${name} in namespace ${namespace}`);
  return declaration;
}
