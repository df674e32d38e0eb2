import type { SidecarReport } from '../../lib/control.js';
import type { JsonObject } from '../../lib/json.js';
import { BLUE_GREEN, LABEL } from '../../lib/names.js';
import type { Kube } from '../kube/client.js';
import { ApiError, isNotFound } from '../kube/errors.js';
import { PATH } from '../kube/paths.js';
import { setNameOf } from '../../lib/revision.js';
import type { Observed } from '../model.js';
import { podOfNode } from '../situation.js';
import type { Sidecars } from '../sidecars.js';
import { specOf } from '../../lib/blue-green-spec.js';
import { parseBlueGreen } from './bluegreen.js';
import {
  at,
  controllerOf,
  controllerUidOf,
  isOwnedBy,
  labelOf,
  nameOf,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
} from '../../lib/fields.js';
import { setOfClaim } from './claims.js';
import { claimedRevisions, hasClaims, parseView, type RawView } from './parse.js';
import { sidecarAddress } from './pods.js';
import { isControlledSet, isSetOf, podLabelsOf, revisionsOf } from './neighbours.js';
import { isInDoubt, lookedAt } from './services.js';
import type { Silence } from './silence.js';
import { isExpected, missingNames, setNameOfPod, type ExpectedPods, type Owners } from './strays.js';

/** A declaration by its place. */
export interface Key {
  namespace: string;
  name: string;
}

/** What one pass saw, and the raw objects that its writes need. */
export interface View {
  observed: Observed;
  raw: RawView;
}

export interface ObserveTools {
  kube: Kube;
  sidecars: Pick<Sidecars, 'report'>;
  silence: Silence;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Partial spec of BlueGreens that Sluice makes. */
  defaults: JsonObject;
}

/**
 * Reads everything about one declaration, always from the API server itself: a watch's cache may be behind one's own writes.
 * @returns undefined when there is no such declaration under Sluice
 * @throws ApiError when something could not be read; a sidecar that does not answer is only absent
 */
export async function observe(tools: ObserveTools, key: Key, signal: AbortSignal): Promise<View | undefined> {
  const objects = await readObjects(tools, key, signal);
  if (!objects) return undefined;
  return viewOf({ ...objects, ...(await readReports(tools, objects.pods, signal)), nowMs: tools.now() });
}

/** The same without asking any sidecar, as if none answered. */
export async function observeObjects(
  tools: Omit<ObserveTools, 'sidecars' | 'silence'>,
  key: Key,
  signal: AbortSignal,
): Promise<View | undefined> {
  const objects = await readObjects(tools, key, signal);
  return objects && viewOf({ ...objects, reports: new Map(), turnedAwayBy: new Set(), nowMs: tools.now() });
}

function viewOf(raw: RawView): View {
  return { observed: parseView(raw), raw };
}

async function readObjects(
  tools: Omit<ObserveTools, 'sidecars' | 'silence'>,
  key: Key,
  signal: AbortSignal,
): Promise<Omit<RawView, 'reports' | 'turnedAwayBy' | 'nowMs'> | undefined> {
  const { kube } = tools;
  const { namespace, name } = key;
  const [declaration, blueGreen, labelled, unlabelled, services, autoscalers] = await Promise.all([
    getIfThere(kube, PATH.statefulSets(namespace, name), signal),
    getIfThere(kube, PATH.blueGreens(namespace, name), signal),
    kube.list(PATH.statefulSets(namespace), { labelSelector: `${LABEL.declaration}=${name}` }, signal),
    kube.list(PATH.statefulSets(namespace), { labelSelector: NO_LABEL }, signal),
    kube.list(PATH.services(namespace), {}, signal),
    listAutoscalers(kube, namespace, signal),
  ]);
  if (!declaration || isControlledSet(declaration)) return undefined;
  // the label alone makes nothing a revision set: another declaration may have been given it
  const sets = [...labelled, ...unlabelled].filter((set) => isSetOf(declaration, set));
  if (!isManaged(declaration, blueGreen, sets)) return undefined;

  const [pods, slices, claims] = await Promise.all([
    kube.list(PATH.pods(namespace), { labelSelector: selectorOf(declaration) }, signal),
    listSlices(tools, { namespace, declaration, blueGreen, services }, signal),
    hasClaims(declaration) ? listClaims(kube, { declaration, sets }, signal) : [],
  ]);
  const owners: Owners = {
    declaration,
    sets: sets.filter((set) => controllerUidOf(set) === textAt(declaration, 'metadata', 'uid')),
  };
  const ours = await podsOf(kube, { namespace, owners, pods, blueGreen }, signal);
  const [currentRevision, history, others] = await Promise.all([
    readCurrentRevision(kube, declaration, ours, signal),
    readHistory(kube, { owners, pods: ours, services, claims }, signal),
    readOthers(tools, { owners, pods: ours, services, blueGreen }, signal),
  ]);
  return {
    declaration,
    ...(blueGreen && { blueGreen }),
    sets,
    pods: ours,
    services,
    slices,
    claims,
    ...(currentRevision && { currentRevision }),
    history,
    others,
    autoscalers,
    defaults: tools.defaults,
  };
}

/** StatefulSets that nothing of ours is on: a revision set that lost its labels is among them, and beside it only those that are not under Sluice. */
const NO_LABEL = [LABEL.declaration, LABEL.upgrade, LABEL.managed].map((label) => `!${label}`).join(',');

/** Labelled; or not any more, and there is still something of Sluice to be handed back. */
function isManaged(declaration: JsonObject, blueGreen: JsonObject | undefined, sets: JsonObject[]): boolean {
  const uid = textAt(declaration, 'metadata', 'uid');
  return (
    labelOf(declaration, LABEL.upgrade) === BLUE_GREEN ||
    labelOf(declaration, LABEL.managed) !== undefined ||
    sets.some((set) => controllerUidOf(set) === uid) ||
    isOwnedBy(blueGreen, uid)
  );
}

async function getIfThere(kube: Kube, path: string, signal: AbortSignal): Promise<JsonObject | undefined> {
  try {
    return await kube.get(path, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** They are only told of, so that a cluster which keeps them from us is one that has none. */
async function listAutoscalers(kube: Kube, namespace: string, signal: AbortSignal): Promise<JsonObject[]> {
  try {
    return await kube.list(PATH.autoscalers(namespace), {}, signal);
  } catch (error) {
    if (error instanceof ApiError && [403, 404].includes(error.status)) return [];
    throw error;
  }
}

/** The pods of all sets: those that their StatefulSets control, and those whose StatefulSet is gone or has let them go. */
async function podsOf(
  kube: Kube,
  from: { namespace: string; owners: Owners; pods: JsonObject[]; blueGreen: JsonObject | undefined },
  signal: AbortSignal,
): Promise<JsonObject[]> {
  const { namespace, owners } = from;
  const alsoNamed = objectsAt(from.blueGreen, 'status', 'emqxNodes').map((node) =>
    podOfNode(textAt(node, 'node')),
  );
  const named = await missingPods(kube, { namespace, pods: from.pods, owners, alsoNamed }, signal);
  const ours = [...from.pods, ...named].filter((pod) => setNameOfPod(pod, owners) !== undefined);
  const uids = [owners.declaration, ...owners.sets].map((set) => textAt(set, 'metadata', 'uid'));
  const isHeld = await Promise.all(
    ours.map(async (pod) => {
      const owner = controllerOf(pod);
      if (!owner || uids.includes(textAt(owner, 'uid'))) return true;
      // It may have been made since the sets were read.
      const path = PATH.statefulSets(namespace, textAt(owner, 'name'));
      const there = await getIfThere(kube, path, signal);
      return textAt(there, 'metadata', 'uid') !== textAt(owner, 'uid');
    }),
  );
  return ours.filter((_, index) => isHeld[index]);
}

/**
 * Claims of revision sets, whatever their declaration once selected; and those that the declaration's own pods were given. Names of sets
 * are cut, so two declarations may give theirs the same one, their hash aside: what a set of somebody else holds is not ours.
 */
async function listClaims(
  kube: Kube,
  { declaration, sets }: Owners,
  signal: AbortSignal,
): Promise<JsonObject[]> {
  // The StatefulSet controller labels claims with matchLabels; expressions select pods only.
  const given = labelQuery(objectAt(declaration, 'spec', 'selector', 'matchLabels'));
  const namespace = textAt(declaration, 'metadata', 'namespace');
  const found = await Promise.all(
    [LABEL.revision, [`!${LABEL.revision}`, given].filter(Boolean).join(',')].map((labelSelector) =>
      kube.list(PATH.claims(namespace), { labelSelector }, signal),
    ),
  );
  const claims = found.flat();
  const claimed = new Set(claims.flatMap((claim) => setOfClaim(claim, declaration) ?? []));
  const unknown = [...claimed].filter((name) => !sets.some((set) => nameOf(set) === name));
  const holders = await Promise.all(
    unknown.map((name) => getIfThere(kube, PATH.statefulSets(namespace, name), signal)),
  );
  const foreign = [...sets, ...holders.filter((set) => set !== undefined)]
    .filter((set) => !['', textAt(declaration, 'metadata', 'uid')].includes(controllerUidOf(set)))
    .map(nameOf);
  return claims.filter((claim) => !foreign.includes(setOfClaim(claim, declaration) ?? ''));
}

/** Above this many, one list of the whole namespace asks less of the API server. */
const MOST_NAMED = 16;

/** Pods that the sets should have and that are not among those that were found by their labels. */
async function missingPods(
  kube: Kube,
  { namespace, pods, ...expected }: ExpectedPods & { namespace: string; pods: JsonObject[] },
  signal: AbortSignal,
): Promise<JsonObject[]> {
  const path = PATH.pods(namespace);
  const names: string[] = [];
  for (const name of missingNames(expected, pods)) if (names.push(name) > MOST_NAMED) break;
  if (names.length > MOST_NAMED) {
    const known = new Set(pods.map(nameOf));
    const all = await kube.list(path, {}, signal);
    return all.filter((pod) => !known.has(nameOf(pod)) && isExpected(nameOf(pod), expected));
  }
  const found = await Promise.all(
    names.map((name) => kube.list(path, { fieldSelector: `metadata.name=${name}` }, signal)),
  );
  return found.flat();
}

function listSlices(
  { kube, defaults }: Pick<ObserveTools, 'kube' | 'defaults'>,
  from: {
    namespace: string;
    declaration: JsonObject;
    blueGreen: JsonObject | undefined;
    services: JsonObject[];
  },
  signal: AbortSignal,
): Promise<JsonObject[]> {
  const { spec, status } = parseBlueGreen(from.blueGreen, { defaults, declarationUid: '' });
  const podLabels = podLabelsOf(from.declaration);
  const names = lookedAt(from.services, { podLabels, spec, hadClients: status?.services ?? [] });
  if (names.length === 0) return Promise.resolve([]);
  const labelSelector = `kubernetes.io/service-name in (${names.join(',')})`;
  return kube.list(PATH.endpointSlices(from.namespace), { labelSelector }, signal);
}

/** All StatefulSets of the namespace, where a Service may be another declaration's: seldom, for what is pinned says whose it is. */
function readOthers(
  { kube, defaults }: Pick<ObserveTools, 'kube' | 'defaults'>,
  from: { owners: Owners; pods: JsonObject[]; services: JsonObject[]; blueGreen: JsonObject | undefined },
  signal: AbortSignal,
): Promise<JsonObject[]> {
  const { declaration } = from.owners;
  const isDoubtful = isInDoubt(from.services, {
    podLabels: podLabelsOf(declaration),
    spec: specOf(from.blueGreen ? objectAt(from.blueGreen, 'spec') : defaults),
    revisions: revisionsOf(from.owners, from.pods),
  });
  if (!isDoubtful) return Promise.resolve([]);
  return kube.list(PATH.statefulSets(textAt(declaration, 'metadata', 'namespace')), {}, signal);
}

export async function readReports(
  { sidecars, silence }: ObserveTools,
  pods: JsonObject[],
  signal: AbortSignal,
): Promise<{ reports: Map<string, SidecarReport>; turnedAwayBy: Set<string> }> {
  const reports = new Map<string, SidecarReport>();
  const turnedAwayBy = new Set<string>();
  await Promise.all(
    pods.map(async (pod) => {
      const address = sidecarAddress(pod);
      if (address === undefined) return;
      const key = `${textAt(pod, 'metadata', 'namespace')}/${nameOf(pod)}`;
      try {
        reports.set(nameOf(pod), await sidecars.report(address, signal));
        silence.heard(key);
      } catch (error) {
        signal.throwIfAborted(); // a sidecar that does not answer has no report, and the plan says so
        if (silence.silent(key, error)) turnedAwayBy.add(nameOf(pod));
      }
    }),
  );
  return { reports, turnedAwayBy };
}

/** The ControllerRevision of the declaration's own pods, wanted only while there are some. */
async function readCurrentRevision(
  kube: Kube,
  declaration: JsonObject,
  pods: JsonObject[],
  signal: AbortSignal,
): Promise<JsonObject | undefined> {
  const uid = textAt(declaration, 'metadata', 'uid');
  const name = textAt(declaration, 'status', 'currentRevision');
  const runs =
    numberAt(declaration, ['spec', 'replicas'], 1) > 0 || pods.some((pod) => controllerUidOf(pod) === uid);
  if (!runs || !name) return undefined;
  const path = PATH.controllerRevisions(textAt(declaration, 'metadata', 'namespace'), name);
  return getIfThere(kube, path, signal);
}

/** What a set that was deleted is made again from, where its data is on claims: the templates that the declaration has had. */
async function readHistory(
  kube: Kube,
  from: { owners: Owners; pods: JsonObject[]; services: JsonObject[]; claims: JsonObject[] },
  signal: AbortSignal,
): Promise<JsonObject[]> {
  const { declaration, sets } = from.owners;
  const known = [declaration, ...sets].map(nameOf);
  const names = [
    ...from.pods.map((pod) => setNameOfPod(pod, from.owners) ?? ''),
    ...claimedRevisions({ ...from, declaration }).map((revision) => setNameOf(nameOf(declaration), revision)),
  ];
  if (!hasClaims(declaration) || names.every((name) => known.includes(name))) return [];
  const path = PATH.controllerRevisions(textAt(declaration, 'metadata', 'namespace'));
  const all = await kube.list(path, { labelSelector: selectorOf(declaration) }, signal);
  return all.filter((one) => controllerUidOf(one) === textAt(declaration, 'metadata', 'uid'));
}

/** A StatefulSet's selector in the form of a query. */
export function selectorOf(set: JsonObject): string {
  const labels = labelQuery(objectAt(set, 'spec', 'selector', 'matchLabels'));
  const expressions = objectsAt(set, 'spec', 'selector', 'matchExpressions').map((expression) => {
    const key = textAt(expression, 'key');
    const values = at(expression, 'values');
    const list = Array.isArray(values) ? values.filter((value) => typeof value === 'string').join(',') : '';
    switch (textAt(expression, 'operator')) {
      case 'In':
        return `${key} in (${list})`;
      case 'NotIn':
        return `${key} notin (${list})`;
      case 'DoesNotExist':
        return `!${key}`;
      default:
        return key;
    }
  });
  return [labels, ...expressions].filter(Boolean).join(',');
}

function labelQuery(labels: JsonObject): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : ''}`)
    .join(',');
}
