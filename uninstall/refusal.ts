import { labelOf, nameOf, textAt } from '../lib/fields.js';
import type { JsonObject } from '../lib/json.js';
import { BLUE_GREEN, LABEL } from '../lib/names.js';
import type { Needed } from './needed.js';

/** How the chart was installed, for the commands that a refusal names. */
export interface Installation {
  release: string;
  namespace: string;
  /** The release's present revision in Helm. */
  revision: string;
}

/**
 * Why Sluice may not be uninstalled yet, in words: every StatefulSet that is under it, being handed back, or one of its own, and what
 * to do about each. Without Sluice, edits of these would reach no pod, and nobody would tell their nodes where to drain to. And every
 * Service that is pinned still though its StatefulSet has gone: it would stay so, and reach nobody.
 * @returns undefined when there are none
 */
export function refusalOf({ sets, services }: Needed, installation: Installation): string | undefined {
  const places = inOrder(sets);
  const namespaces = new Set(places.map((set) => textAt(set, 'metadata', 'namespace')));
  // Where there is a StatefulSet they go with what is done about that.
  const alone = inOrder(services).filter(
    (service) => !namespaces.has(textAt(service, 'metadata', 'namespace')),
  );
  if (places.length === 0 && alone.length === 0) return undefined;
  const { release, namespace, revision } = installation;
  return [
    'Sluice is still needed and was not uninstalled:',
    ...places.map((set) => `- ${whatToDo(set, places)}`),
    ...alone.map((service) => `- ${whatItWaitsFor(service)}`),
    `When these are done, uninstall again. To keep Sluice instead: helm rollback ${release} ${revision} --namespace ${namespace}`,
    `To leave all as it is and uninstall at once: helm uninstall ${release} --namespace ${namespace} --no-hooks`,
  ].join('\n');
}

/** By namespace and name, each once. */
function inOrder(objects: JsonObject[]): JsonObject[] {
  return [...new Map(objects.map((each) => [placeOf(each), each])).entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, each]) => each);
}

function whatItWaitsFor(service: JsonObject): string {
  const namespace = textAt(service, 'metadata', 'namespace');
  const pods = `kubectl get pods --namespace ${namespace} --selector ${LABEL.revision}`;
  return `service/${nameOf(service)} in namespace ${namespace} is pinned to pods whose StatefulSet was deleted: it selects what you wrote when these have ended; delete those that nobody ends (${pods})`;
}

function whatToDo(set: JsonObject, all: JsonObject[]): string {
  const name = nameOf(set);
  const namespace = textAt(set, 'metadata', 'namespace');
  const what = `statefulset/${name} in namespace ${namespace}`;
  const declaration = labelOf(set, LABEL.declaration);
  if (declaration !== undefined) {
    const owner = all.find((each) => isDeclaration(each) && placeOf(each) === `${namespace}/${declaration}`);
    return owner
      ? `${what} runs the pods of statefulset/${declaration}: it goes with the hand-back of that one`
      : `${what} was left by statefulset/${declaration}, which is gone or no longer managed: kubectl delete statefulset ${name} --namespace ${namespace}`;
  }
  if ((labelOf(set, LABEL.upgrade) ?? '') === '') {
    const follow = `kubectl get bluegreen ${name} --namespace ${namespace} -o wide -w`;
    const scale = `kubectl scale statefulset ${name} --namespace ${namespace} --replicas=1`;
    return `${what} is being handed back: wait, and follow with ${follow}; its message says what is waited for. At 0 nodes with data on claims that is a node: ${scale}`;
  }
  const label = `kubectl label statefulset ${name} --namespace ${namespace} ${LABEL.upgrade}-`;
  return `${what} is managed: remove the label (${label}), and wait until it is handed back`;
}

function isDeclaration(set: JsonObject): boolean {
  const upgrade = labelOf(set, LABEL.upgrade);
  return (
    labelOf(set, LABEL.declaration) === undefined &&
    (upgrade === BLUE_GREEN || labelOf(set, LABEL.managed) !== undefined)
  );
}

function placeOf(set: JsonObject): string {
  return `${textAt(set, 'metadata', 'namespace')}/${nameOf(set)}`;
}
