import { specOf } from '../lib/blue-green-spec.js';
import { takeOut } from '../lib/injected.js';
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
  textAt,
  timeAt,
} from '../lib/fields.js';
import { emqxContainer } from '../lib/emqx-container.js';
import type { Load } from '../lib/eta.js';
import type { JsonObject } from '../lib/json.js';
import { ANNOTATION, BLUE_GREEN, LABEL } from '../lib/names.js';
import type {
  BlueGreenSpec,
  BlueGreenStatus,
  EmqxNodeStatus,
  NodeEvacuationStatus,
  UpgradeStep,
} from '../lib/types.js';

/** One declaration with everything of it that people want to see. Pure data; times in milliseconds since the epoch. */
export interface View {
  nowMs: number;
  name: string;
  namespace: string;
  createdAtMs: number;
  /** With the schema's defaults. */
  spec: BlueGreenSpec;
  /** Empty until the controller has first written it. */
  status: Partial<BlueGreenStatus>;
  generation: number;
  /** Annotations of the BlueGreen. */
  notes: Record<string, string>;
  /** Absent: nobody has written the StatefulSet yet, or it was deleted. */
  declaration?: DeclarationView;
  /** Revision sets, and the declaration itself while it has pods: active first, then the one wanted, then the latest. */
  sets: SetView[];
}

export interface DeclarationView {
  /** It carries the label that puts it under Sluice. */
  isLabelled: boolean;
  resourceVersion: string;
  template: JsonObject;
  /** `spec.replicas`, which Sluice holds. */
  replicas: number;
  /** The size that was declared. */
  wish?: number;
  /** Its own pods, while it has some, run its present template. */
  isRolledOut: boolean;
  /** The revision that was refused. */
  aborted?: string;
  /** A drain took too long, and the next waits for a retry. */
  isDrainHeld: boolean;
  /** Every annotation. */
  notes: Record<string, string>;
}

/** What a set is there for. */
export type Role = 'active' | 'wanted' | 'leaving' | 'kept';

export interface SetView {
  name: string;
  revision: string;
  roles: Role[];
  /** `spec.replicas`. */
  size: number;
  ready: number;
  image: string;
  createdAtMs: number;
  /** As the user wrote it; undefined when that cannot be told. */
  template?: JsonObject;
  nodes: NodeView[];
}

export interface NodeView {
  pod: string;
  ready: boolean;
  /** Since when its deletion is under way. */
  deletedAtMs?: number;
  /** How long it took to become Ready, milliseconds. */
  startMs?: number;
  /** Why it is not ready, in Kubernetes' own word. */
  reason: string;
  createdAtMs: number;
  /** Name of its EMQX node; absent while nobody has told of it. */
  node?: string;
  /** What EMQX counts on it while it runs. EMQX before 5.1 counts sessions only: these are its clients, then. */
  load?: Load;
  evacuation?: NodeEvacuationStatus;
  /** Its drain in the upgrade in progress, as the controller has recorded it. */
  drain?: UpgradeStep;
}

/** Raw objects of one namespace. */
export interface RawView {
  nowMs: number;
  blueGreen: JsonObject;
  statefulSets: JsonObject[];
  pods: JsonObject[];
}

/** Puts together what belongs to one BlueGreen. Pure. */
export function viewOf({ nowMs, blueGreen, statefulSets, pods }: RawView): View {
  const name = nameOf(blueGreen);
  const spec = specOf(objectAt(blueGreen, 'spec'));
  const status = objectAt(blueGreen, 'status') as Partial<BlueGreenStatus>;
  const declaration = statefulSets.find((set) => nameOf(set) === name);
  const uid = textAt(declaration, 'metadata', 'uid');
  const context = { spec, status, pods, name };
  const own = declaration ? setOf(declaration, context) : undefined;
  const sets = statefulSets
    .filter((set) => labelOf(set, LABEL.declaration) === name && (uid === '' || controllerUidOf(set) === uid))
    .map((set) => setOf(set, context));
  return {
    nowMs,
    name,
    namespace: textAt(blueGreen, 'metadata', 'namespace'),
    createdAtMs: timeAt(blueGreen, 'metadata', 'creationTimestamp'),
    spec,
    status,
    generation: numberAt(blueGreen, ['metadata', 'generation']),
    notes: notesOf(blueGreen),
    ...(declaration && { declaration: declarationOf(declaration) }),
    sets: [...sets, ...(own && (own.nodes.length > 0 || own.size > 0) ? [own] : [])].sort(byRole),
  };
}

function notesOf(raw: JsonObject): Record<string, string> {
  const pairs = Object.entries(objectAt(raw, 'metadata', 'annotations'));
  return Object.fromEntries(
    pairs.flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  );
}

/** Whether a StatefulSet asks to be under Sluice. */
export function isDeclaration(raw: JsonObject): boolean {
  return labelOf(raw, LABEL.upgrade) === BLUE_GREEN;
}

function declarationOf(raw: JsonObject): DeclarationView {
  const wish = sizeOf(annotationOf(raw, ANNOTATION.replicas));
  const aborted = abortedIn(annotationOf(raw, ANNOTATION.aborted));
  return {
    isLabelled: isDeclaration(raw),
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
    template: plainTemplate(at(raw, 'spec', 'template')),
    replicas: numberAt(raw, ['spec', 'replicas'], 1),
    ...(wish !== undefined && { wish }),
    isRolledOut:
      numberAt(raw, ['status', 'observedGeneration']) === numberAt(raw, ['metadata', 'generation']) &&
      textAt(raw, 'status', 'currentRevision') === textAt(raw, 'status', 'updateRevision'),
    ...(aborted && { aborted }),
    isDrainHeld: isHeld(annotationOf(raw, ANNOTATION.drainHeld)),
    notes: notesOf(raw),
  };
}

function abortedIn(text: string | undefined): string | undefined {
  try {
    return textAt(JSON.parse(text ?? '{}') as JsonObject, 'revision') || undefined;
  } catch {
    return undefined; // a person has edited it: the same as none
  }
}

/** The note of a hold stays after the retry that answered it, and says when that was. */
function isHeld(text: string | undefined): boolean {
  try {
    return text !== undefined && at(JSON.parse(text) as JsonObject, 'retriedAt') === undefined;
  } catch {
    return true;
  }
}

interface SetContext {
  name: string;
  spec: BlueGreenSpec;
  status: Partial<BlueGreenStatus>;
  pods: JsonObject[];
}

function setOf(raw: JsonObject, { name, spec, status, pods }: SetContext): SetView {
  const uid = textAt(raw, 'metadata', 'uid');
  const live = plainTemplate(at(raw, 'spec', 'template'));
  const isDeclaration = nameOf(raw) === name;
  const template = isDeclaration ? undefined : takeOut(live);
  const nodes = pods
    .filter((pod) => controllerUidOf(pod) === uid)
    .map((pod) => nodeViewOf(pod, status))
    .sort((a, b) => ordinalOf(a.pod) - ordinalOf(b.pod));
  const size = numberAt(raw, ['spec', 'replicas'], 1);
  const roles: Role[] = [
    ...(status.active === nameOf(raw) ? (['active'] as const) : []),
    ...(status.wanted === nameOf(raw) ? (['wanted'] as const) : []),
  ];
  const rest: Role = size > 0 || nodes.length > 0 ? 'leaving' : 'kept';
  // The template of pods that the declaration runs is where its ControllerRevision has it, and no longer its own.
  const image = isDeclaration ? imageOfPods(pods, uid, spec) : imageIn(live, spec);
  return {
    name: nameOf(raw),
    revision: isDeclaration ? revisionOfPods(pods, uid) : (labelOf(raw, LABEL.revision) ?? ''),
    roles: roles.length > 0 ? roles : [rest],
    size,
    ready: nodes.filter(({ ready, deletedAtMs }) => ready && deletedAtMs === undefined).length,
    image,
    createdAtMs: timeAt(raw, 'metadata', 'creationTimestamp'),
    ...(template && { template }),
    nodes,
  };
}

/** Image of EMQX's container; empty where that cannot be told. */
function imageIn(template: JsonObject, spec: BlueGreenSpec): string {
  const emqx = emqxContainer(template, spec.emqx);
  return 'refused' in emqx ? '' : textAt(emqx.raw, 'image');
}

function imageOfPods(pods: JsonObject[], uid: string, spec: BlueGreenSpec): string {
  const pod = pods.find((one) => controllerUidOf(one) === uid);
  return pod ? imageIn(pod, spec) : '';
}

function revisionOfPods(pods: JsonObject[], uid: string): string {
  const revisions = pods.map((pod) =>
    controllerUidOf(pod) === uid ? labelOf(pod, LABEL.revision) : undefined,
  );
  return revisions.find((revision) => revision !== undefined) ?? '';
}

function ordinalOf(pod: string): number {
  return Number(pod.slice(pod.lastIndexOf('-') + 1));
}

function nodeViewOf(raw: JsonObject, status: Partial<BlueGreenStatus>): NodeView {
  const pod = nameOf(raw);
  const isIts = ({ node }: { node: string }): boolean => runsIn(node, pod, textAt(raw, 'status', 'podIP'));
  const emqx = status.emqxNodes?.find(isIts);
  const evacuation = status.nodeEvacuationsStatus?.find(isIts);
  const uid = textAt(raw, 'metadata', 'uid');
  const drain = status.upgrade?.steps?.findLast((step) => step.name === 'drain' && step.uid === uid);
  const readiness = objectsAt(raw, 'status', 'conditions').find(({ type }) => type === 'Ready');
  const ready = readiness?.['status'] === 'True';
  const createdAtMs = timeAt(raw, 'metadata', 'creationTimestamp');
  const deletion = timeAt(raw, 'metadata', 'deletionTimestamp');
  const graceMs = numberAt(raw, ['metadata', 'deletionGracePeriodSeconds']) * 1000;
  const readyAtMs = timeAt(readiness, 'lastTransitionTime');
  return {
    pod,
    ready,
    // a deletion's time is when the grace period ends
    ...(!Number.isNaN(deletion) && { deletedAtMs: deletion - graceMs }),
    ...(ready && { startMs: readyAtMs - createdAtMs }),
    reason: ready ? '' : whyNotReady(raw),
    createdAtMs,
    ...(emqx && { node: emqx.node }),
    ...(emqx?.node_status === 'running' && { load: loadOf(emqx) }),
    ...(evacuation && { evacuation }),
    ...(drain && { drain }),
  };
}

function loadOf({ live_connections, connections = 0 }: EmqxNodeStatus): Load {
  return { clients: live_connections ?? connections, sessions: connections };
}

/** Whether an EMQX node is a pod's: its host is the pod's name or its address. */
function runsIn(node: string, pod: string, ip: string): boolean {
  const host = node.slice(node.indexOf('@') + 1);
  return host.split('.')[0] === pod || host === ip;
}

function whyNotReady(raw: JsonObject): string {
  const containers = ['initContainerStatuses', 'containerStatuses'].flatMap((list) =>
    objectsAt(raw, 'status', list),
  );
  const waiting = containers.map((one) => textAt(one, 'state', 'waiting', 'reason')).filter(Boolean);
  const stuck = waiting.find((reason) => reason !== 'PodInitializing');
  const unscheduled = objectsAt(raw, 'status', 'conditions').find(({ type }) => type === 'PodScheduled');
  if (unscheduled?.['status'] === 'False') return textAt(unscheduled, 'reason') || 'Pending';
  return (
    stuck ??
    waiting[0] ??
    (textAt(raw, 'status', 'phase') === 'Running' ? 'NotReady' : textAt(raw, 'status', 'phase'))
  );
}

const ORDER: readonly Role[] = ['active', 'wanted', 'leaving', 'kept'];

function byRole(a: SetView, b: SetView): number {
  const rank = ({ roles: [first = 'kept'] }: SetView): number => ORDER.indexOf(first);
  return rank(a) - rank(b) || b.createdAtMs - a.createdAtMs || (a.name < b.name ? -1 : 1);
}
