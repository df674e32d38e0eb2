import type { SidecarReport } from '../../lib/control.js';
import { emqxContainer } from '../../lib/emqx-container.js';
import { isObject, sameJson, type JsonObject } from '../../lib/json.js';
import { changedAtCreation, madeFrom } from '../../lib/made-from.js';
import { ANNOTATION, FROZEN_PARTITION, keySecretName, LABEL } from '../../lib/names.js';
import { ownRevisionOf, revisionOf, setNameOf } from '../../lib/revision.js';
import type { Aborted, Declaration, DrainHold, NodeSet, Observed, Pod } from '../model.js';
import type { BlueGreenSpec } from '../../lib/types.js';
import { isMixed } from '../situation.js';
import { outdatedFields } from '../inject/outdated.js';
import { parseBlueGreen } from './bluegreen.js';
import { autoscalersOf } from './autoscalers.js';
import { ownClaims, parseClaims } from './claims.js';
import {
  annotationOf,
  at,
  controllerUidOf,
  labelOf,
  nameOf,
  numberAt,
  objectAt,
  objectsAt,
  plainTemplate,
  sizeOf,
  wishOf,
  textAt,
  timeAt,
} from '../../lib/fields.js';
import { neighboursOf, revisionOfSet, revisionsOf } from './neighbours.js';
import { parsePod } from './pods.js';
import { laggingOf, parseService, rolesOf } from './services.js';
import { firstOrdinal, isOfNamesake, lostLabels, revisionIn, setNameOfPod, type Owners } from './strays.js';

/** Everything of one declaration as the API server and the sidecars gave it. */
export interface RawView {
  nowMs: number;
  declaration: JsonObject;
  blueGreen?: JsonObject;
  /** StatefulSets that carry the declaration's name in their label, or that it owns. */
  sets: JsonObject[];
  /** Pods of the declaration and of its revision sets, those that were deleted or have let them go included. */
  pods: JsonObject[];
  /** All of the namespace. */
  services: JsonObject[];
  /** All StatefulSets of the namespace; read only where a Service may be another declaration's. */
  others: JsonObject[];
  /** Of the client Services. */
  slices: JsonObject[];
  /**
   * Volume claims of the namespace that carry a revision's label, or the labels by which the declaration selects; none are read where
   * it has no claim templates.
   */
  claims: JsonObject[];
  /** The declaration's ControllerRevision that its pods come back at; absent when it runs none. */
  currentRevision?: JsonObject;
  /** All of the declaration's ControllerRevisions; read only where a set was deleted whose data is on claims. */
  history: JsonObject[];
  /** HorizontalPodAutoscalers of the namespace. */
  autoscalers: JsonObject[];
  /** By pod name. */
  reports: ReadonlyMap<string, SidecarReport>;
  /** Names of the pods whose sidecar turns the controller away. */
  turnedAwayBy: ReadonlySet<string>;
  /** Spec of a BlueGreen that Sluice makes. */
  defaults: JsonObject;
}

/** Turns raw objects into what the plan decides from. Pure. */
export function parseView(view: RawView): Observed {
  const declaration = parseDeclaration(view.declaration, view.blueGreen);
  const { defaults } = view;
  const blueGreen = parseBlueGreen(view.blueGreen, { defaults, declarationUid: declaration.uid });
  const podLabels = objectAt(declaration.template, 'metadata', 'labels');
  const emqx = emqxContainer(declaration.template, blueGreen.spec.emqx);
  const { spec } = blueGreen;
  const secretName = spec.emqx.apiKeySecret.name || keySecretName(declaration.name);
  const owners: Owners = {
    declaration: view.declaration,
    sets: view.sets.filter((set) => controllerUidOf(set) === declaration.uid),
  };
  const context: SetContext = {
    view,
    owners,
    emqxContainer: 'refused' in emqx ? '' : emqx.name,
    injection: { spec, secretName },
  };
  const revisionSets = owners.sets.map((set) => parseSet(set, context));
  const wasActive = blueGreen.status?.active === declaration.name;
  const own = ownSet(declaration, revisionSets, { ...context, wasActive });
  const sets = [...revisionSets, ...deletedSets(context), ...(own ? [own] : [])].sort(
    (a, b) => a.createdAtMs - b.createdAtMs || (a.name < b.name ? -1 : 1),
  );
  const roles = rolesOf(view.services, {
    podLabels,
    spec,
    revisions: revisionsOf(owners, view.pods),
    neighbours: neighboursOf(view.others, view.declaration),
    isMixed: isMixed(sets),
    hadClients: blueGreen.status?.services ?? [],
    pods: view.pods.map((pod) => objectAt(pod, 'metadata', 'labels')),
  });
  return {
    nowMs: view.nowMs,
    declaration,
    blueGreen,
    sets,
    services: roles.clients.map((service) => ({
      ...parseService(service, view.slices),
      ...(roles.estranged.includes(service) && { estranged: true as const }),
    })),
    claims: parseClaims(view.claims, view.declaration),
    ownClaims: ownClaims(view.claims, view.declaration),
    ...(roles.preview && { preview: roles.preview }),
    marked: roles.marked.map(nameOf),
    former: roles.former.map(nameOf),
    lagging: laggingOf(view.services, view.slices),
    leftAlone: roles.leftAlone,
    autoscalers: autoscalersOf(view.autoscalers, view.declaration),
  };
}

interface SetContext {
  view: RawView;
  owners: Owners;
  emqxContainer: string;
  /** What a set would be made with now. */
  injection: { spec: BlueGreenSpec; secretName: string };
}

function parseDeclaration(raw: JsonObject, blueGreen: JsonObject | undefined): Declaration {
  const wish = wishOf(annotationOf(raw, ANNOTATION.replicas));
  const aborted = parseAborted(annotationOf(raw, ANNOTATION.aborted));
  const drainHold = parseDrainHold(annotationOf(raw, ANNOTATION.drainHeld));
  const trigger = (key: string): string =>
    annotationOf(raw, key) || (blueGreen && annotationOf(blueGreen, key)) || '';
  const name = nameOf(raw);
  const template = plainTemplate(at(raw, 'spec', 'template'));
  // An edit past the webhook leaves the notes of the one before, and nobody knows whose it was.
  const isStamped = annotationOf(raw, ANNOTATION.revision) === revisionOf(name, template);
  const parentSpan = annotationOf(raw, ANNOTATION.parentSpan) ?? '';
  const requestedAtMs = Date.parse((isStamped && annotationOf(raw, ANNOTATION.requestedAt)) || '');
  return {
    name,
    namespace: textAt(raw, 'metadata', 'namespace'),
    uid: textAt(raw, 'metadata', 'uid'),
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
    template,
    replicas: numberAt(raw, ['spec', 'replicas'], 1),
    heldReplicas: sizeOf(annotationOf(raw, ANNOTATION.heldReplicas)) ?? 0,
    hasClaims: hasClaims(raw),
    ...(wish !== undefined && { wish }),
    frozen:
      textAt(raw, 'spec', 'updateStrategy', 'type') === 'RollingUpdate' &&
      at(raw, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') === FROZEN_PARTITION,
    managed: labelOf(raw, LABEL.managed) === 'true',
    // a value that means nothing changes nothing
    handingBack: (labelOf(raw, LABEL.upgrade) ?? '') === '',
    startsAsWritten:
      numberAt(raw, ['status', 'observedGeneration']) >= numberAt(raw, ['metadata', 'generation']) &&
      textAt(raw, 'status', 'currentRevision') === textAt(raw, 'status', 'updateRevision'),
    deleting: at(raw, 'metadata', 'deletionTimestamp') !== undefined,
    requestedBy: (isStamped && annotationOf(raw, ANNOTATION.requestedBy)) || '',
    traceparent: (isStamped && annotationOf(raw, ANNOTATION.traceparent)) || '',
    ...(isStamped && /^[0-9a-f]{16}$/.test(parentSpan) && { parentSpan }),
    ...(!Number.isNaN(requestedAtMs) && { requestedAtMs }),
    ...(aborted && { aborted }),
    promote: trigger(ANNOTATION.promote),
    abort: trigger(ANNOTATION.abort),
    retry: trigger(ANNOTATION.retry),
    ...(drainHold && { drainHold }),
  };
}

/** Its nodes keep their data. */
export function hasClaims(declaration: JsonObject): boolean {
  return objectsAt(declaration, 'spec', 'volumeClaimTemplates').length > 0;
}

function parseAborted(text: string | undefined): Aborted | undefined {
  if (text === undefined) return undefined;
  try {
    const raw: unknown = JSON.parse(text);
    if (!isObject(raw) || !textAt(raw, 'revision')) return undefined;
    const because = textAt(raw, 'because');
    return {
      revision: textAt(raw, 'revision'),
      replacing: textAt(raw, 'replacing'),
      ...(because && { because }),
    };
  } catch {
    return undefined; // a person has edited it: the same as none
  }
}

function parseDrainHold(text: string | undefined): DrainHold | undefined {
  if (text === undefined) return undefined;
  try {
    const raw: unknown = JSON.parse(text);
    if (!isObject(raw) || !textAt(raw, 'pod')) return undefined;
    const retriedAtMs = timeAt(raw, 'retriedAt');
    return {
      pod: textAt(raw, 'pod'),
      uid: textAt(raw, 'uid'),
      wanted: textAt(raw, 'wanted'),
      heldAtMs: timeAt(raw, 'heldAt') || 0,
      ...(!Number.isNaN(retriedAtMs) && { retriedAtMs }),
    };
  } catch {
    return undefined; // a person has edited it: the same as none
  }
}

function parseSet(raw: JsonObject, context: SetContext): NodeSet {
  const live = plainTemplate(at(raw, 'spec', 'template'));
  const { declaration } = context.view;
  const asked = { name: nameOf(declaration), template: plainTemplate(at(declaration, 'spec', 'template')) };
  const own = madeFrom(raw, asked);
  const changed = changedAtCreation(raw);
  const both = {
    name: nameOf(raw),
    revision: revisionOfSet(raw),
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
    createdAtMs: timeAt(raw, 'metadata', 'creationTimestamp') || 0,
    pods: podsOf(raw, context),
  };
  if (isGoing(raw)) {
    const template = hasClaims(declaration) ? (own ?? {}) : {};
    return { ...both, kind: 'lost', holdsName: true, size: 0, template };
  }
  return {
    ...both,
    kind: 'revisionSet',
    size: numberAt(raw, ['spec', 'replicas'], 1),
    // a template that cannot be told is like no other, so that it is never taken for the wanted one
    template: own ?? {},
    ...(own && { outdated: outdatedFields(live, own, context.injection) }),
    ...(changed.length > 0 && { changedAtCreation: changed }),
  };
}

/**
 * Deleted in the foreground, or held by somebody's finalizer: its controller makes no pod any more. One that leaves its pods behind is
 * gone in a moment, and they say so.
 */
function isGoing(set: JsonObject): boolean {
  const finalizers = at(set, 'metadata', 'finalizers');
  return isEnding(set) && !(Array.isArray(finalizers) && finalizers.includes('orphan'));
}

function podsOf(set: JsonObject, context: SetContext): Pod[] {
  const pods = context.view.pods.filter((pod) => setNameOfPod(pod, context.owners) === nameOf(set));
  return parsePods(pods, context, set);
}

function parsePods(pods: JsonObject[], { view, emqxContainer }: SetContext, set?: JsonObject): Pod[] {
  const { nowMs, reports, turnedAwayBy } = view;
  const start = set ? firstOrdinal(set) : 0;
  return pods
    .map((pod) => {
      const lost = set && lostLabels(pod, set);
      const parsed = parsePod(pod, {
        nowMs,
        emqxContainer,
        report: reports.get(nameOf(pod)),
        turnsUsAway: turnedAwayBy.has(nameOf(pod)),
        isLeftOver: set !== undefined && isOfNamesake(pod, set),
      });
      return { ...parsed, ordinal: parsed.ordinal - start, ...(lost && { lostLabels: lost }) };
    })
    .sort((a, b) => a.ordinal - b.ordinal);
}

/**
 * Revision sets that somebody has deleted, while pods of them are left; or their data on the claims of what a Service selects, where the
 * history still has their template and it is another one than is asked for now.
 */
function deletedSets(context: SetContext): NodeSet[] {
  const { view, owners } = context;
  const declaration = nameOf(owners.declaration);
  const written = view.history.map((one) => templateIn(one) ?? {});
  const known = [owners.declaration, ...owners.sets].map(nameOf);
  const left = new Map<string, JsonObject[]>();
  for (const pod of view.pods) {
    const name = setNameOfPod(pod, owners);
    if (name !== undefined && !known.includes(name)) left.set(name, [...(left.get(name) ?? []), pod]);
  }
  const templateOf = (revision: string | undefined): JsonObject | undefined =>
    written.find((template) => revisionOf(declaration, template) === revision);
  for (const revision of claimedRevisions(view)) {
    const name = setNameOf(declaration, revision);
    const template = templateOf(revision);
    const isAnother =
      template && !sameJson(template, plainTemplate(at(view.declaration, 'spec', 'template')));
    if (isAnother && !known.includes(name) && !left.has(name)) left.set(name, []);
  }
  return [...left].map(([name, pods]) => ({
    name,
    // The garbage collector ends what is controlled by what is gone; what nobody controls runs on.
    kind: pods.some((pod) => controllerUidOf(pod) === '' && !isEnding(pod)) ? 'orphaned' : 'lost',
    revision: revisionIn(name, declaration) ?? '',
    size: 0,
    resourceVersion: '',
    createdAtMs:
      pods.length === 0
        ? 0
        : Math.min(...pods.map((pod) => timeAt(pod, 'metadata', 'creationTimestamp') || 0)),
    template: templateOf(revisionIn(name, declaration)) ?? {},
    pods: parsePods(pods, context),
  }));
}

/** Revisions that a Service selects and that have claims. */
export function claimedRevisions({
  services,
  claims,
  declaration,
}: Pick<RawView, 'services' | 'claims' | 'declaration'>): string[] {
  const selected = services.map((service) => textAt(service, 'spec', 'selector', LABEL.revision));
  const revisions = parseClaims(claims, declaration).map(({ revision }) => revision);
  return [...new Set(revisions)].filter((revision) => selected.includes(revision));
}

function isEnding(object: JsonObject): boolean {
  return at(object, 'metadata', 'deletionTimestamp') !== undefined;
}

/**
 * The declaration itself while it has pods or replicas. Its pods run the template of its *current* ControllerRevision: that is where
 * the frozen partition keeps them while the declaration's template moves on.
 *
 * Either it is adopted, and then its revision is a real one; or its pods are strays, started by an edit past the webhook beside
 * revision sets: then it has the revision `''` and no template, so that it is neither active nor wanted. When the declaration is
 * handed back, its own pods are what is wanted, and it is there at 0 too.
 */
function ownSet(
  declaration: Declaration,
  revisionSets: NodeSet[],
  context: SetContext & { wasActive: boolean },
): NodeSet | undefined {
  const pods = podsOf(context.view.declaration, context);
  // An adopted set that was scaled to 0 starts again itself: its data is on its claims.
  const { handingBack } = declaration;
  if (declaration.replicas === 0 && pods.length === 0 && !context.wasActive && !handingBack) return undefined;
  const template = templateIn(context.view.currentRevision) ?? declaration.template;
  const revision =
    pods.find((pod) => pod.revision !== undefined)?.revision ?? ownRevisionOf(declaration.name, template);
  const isTaken = revisionSets.some((set) => set.revision === revision);
  const isPinned =
    pods.some((pod) => pod.revision !== undefined) ||
    context.view.services.some((service) => textAt(service, 'spec', 'selector', LABEL.revision) === revision);
  const isAdopted = !isTaken && (revisionSets.length === 0 || isPinned || context.wasActive || handingBack);
  return {
    name: declaration.name,
    kind: 'declaration',
    revision: isAdopted ? revision : '',
    size: declaration.replicas,
    resourceVersion: declaration.resourceVersion,
    createdAtMs: timeAt(context.view.declaration, 'metadata', 'creationTimestamp') || 0,
    template: isAdopted ? template : {},
    pods,
  };
}

/** The template in a ControllerRevision, which holds it as a patch of the whole StatefulSet. */
export function templateIn(controllerRevision: JsonObject | undefined): JsonObject | undefined {
  const template = at(controllerRevision, 'data', 'spec', 'template');
  if (!isObject(template)) return undefined;
  const rest = plainTemplate(template);
  delete rest['$patch'];
  return rest;
}
