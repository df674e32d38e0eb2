import { nameOf, textAt } from '../lib/fields.js';
import type { JsonObject } from '../lib/json.js';
import { BLUEGREEN, LABEL } from '../lib/names.js';
import { Failure, NotFound } from './failure.js';
import { KubeError, type Kube } from './kube.js';
import { viewOf, type View } from './view.js';

/** Addresses in the API; a namespace of `''` means all of them. */
export const PATH = {
  blueGreens: (namespace: string, name?: string): string =>
    address(`/apis/${BLUEGREEN.group}/${BLUEGREEN.version}`, namespace, BLUEGREEN.plural, name),
  statefulSets: (namespace: string, name?: string): string =>
    address('/apis/apps/v1', namespace, 'statefulsets', name),
  pods: (namespace: string): string => address('/api/v1', namespace, 'pods'),
  events: (namespace: string): string => address('/api/v1', namespace, 'events'),
};

function address(prefix: string, namespace: string, plural: string, name?: string): string {
  return [
    prefix,
    ...(namespace ? ['namespaces', namespace] : []),
    plural,
    ...(name === undefined ? [] : [name]),
  ].join('/');
}

/** Which declarations are meant. */
export interface Scope {
  /** Absent: all of the namespace. */
  name?: string;
  /** `''`: every namespace. */
  namespace: string;
}

/**
 * Reads declarations with their sets and pods, by a few calls however many there are.
 * @throws NotFound when there is none of that name, with what to do
 */
export async function readViews(kube: Kube, scope: Scope): Promise<View[]> {
  const { name, namespace } = scope;
  const [blueGreens, statefulSets, pods] = await Promise.all([
    readBlueGreens(kube, scope),
    readSets(kube, namespace),
    kube.list(PATH.pods(namespace), LABEL.revision),
  ]);
  const wanted = name === undefined ? blueGreens : blueGreens.filter((one) => nameOf(one) === name);
  if (name !== undefined && wanted.length === 0) throw missing(name, namespace, { blueGreens, statefulSets });
  const nowMs = Date.now();
  return wanted.map((blueGreen) => {
    const isBeside = (one: JsonObject): boolean => namespaceOf(one) === namespaceOf(blueGreen);
    return viewOf({
      nowMs,
      blueGreen,
      statefulSets: statefulSets.filter(isBeside),
      pods: pods.filter(isBeside),
    });
  });
}

/** The one that is meant: by its name, or the only one in its namespace. @throws Failure when that cannot be told */
export async function readView(kube: Kube, scope: Scope): Promise<View> {
  const views = await readViews(kube, scope);
  const [first, second] = views;
  if (first && !second) return first;
  if (!first) throw new NotFound(noneIn(scope.namespace));
  const names = views.map(({ name }) => name).join(', ');
  throw new Failure(`there are several in namespace ${scope.namespace}: name one of ${names}`);
}

/** What to say where nothing is under Sluice. */
export function noneIn(namespace: string): string {
  const where = namespace === '' ? 'any namespace' : `namespace ${namespace}`;
  return `no StatefulSet in ${where} is under Sluice: kubectl label statefulset NAME ${LABEL.upgrade}=blue-green`;
}

/** In every namespace only those that are Sluice's affair: declarations, those that are handed back, and revision sets. */
async function readSets(kube: Kube, namespace: string): Promise<JsonObject[]> {
  if (namespace !== '') return kube.list(PATH.statefulSets(namespace));
  const selectors = [LABEL.upgrade, `${LABEL.managed},!${LABEL.upgrade}`, LABEL.declaration];
  const lists = await Promise.all(selectors.map((selector) => kube.list(PATH.statefulSets(''), selector)));
  return lists.flat();
}

async function readBlueGreens(kube: Kube, { namespace }: Scope): Promise<JsonObject[]> {
  try {
    return await kube.list(PATH.blueGreens(namespace));
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
    throw new Failure(
      `Sluice is not installed in this cluster: it knows no ${BLUEGREEN.plural}.${BLUEGREEN.group}; install the chart, or check --context`,
    );
  }
}

function missing(
  name: string,
  namespace: string,
  { blueGreens, statefulSets }: { blueGreens: JsonObject[]; statefulSets: JsonObject[] },
): NotFound {
  const owner = statefulSets.find((set) => nameOf(set) === name);
  const declaration = textAt(owner, 'metadata', 'labels', LABEL.declaration);
  if (declaration)
    return new NotFound(`statefulset/${name} belongs to statefulset/${declaration}: name that one`);
  if (owner) {
    return new NotFound(
      `statefulset/${name} is not under Sluice: kubectl label statefulset ${name} ${LABEL.upgrade}=blue-green`,
    );
  }
  const others = blueGreens.map(nameOf).join(', ');
  return new NotFound(
    `no bluegreen/${name} in ${namespace === '' ? 'any namespace' : `namespace ${namespace}`}${others ? ` (there is ${others})` : ''}: check the name and -n`,
  );
}

function namespaceOf(raw: JsonObject): string {
  return textAt(raw, 'metadata', 'namespace');
}
