/**
 * The simulated cluster's state, as plain data: Kubernetes objects, EMQX nodes and MQTT clients. Written from what
 * Kubernetes and EMQX do; it knows nothing of the controller. Time is in whole seconds, and the waits of a run are short.
 */
import type { DrainSettings, SidecarReport } from '../../lib/control.js';
import type { JsonObject } from '../../lib/json.js';
import type { BlueGreenSpec, BlueGreenStatus, EvacuationState, UpgradeStatus } from '../../lib/types.js';
import type { Random } from './random.js';

/** Who brought something about: an upgrade's drain, a scale-in of what is active, or people and failures. */
export type Cause = 'upgrade' | 'scaleIn' | 'sequence';

export interface SetObject {
  uid: string;
  name: string;
  /** Absent on the declaration. */
  revision?: string;
  version: number;
  createdAt: number;
  policy: 'Parallel' | 'OrderedReady';
  size: number;
  /** What new pods are made from: on the declaration, the template at its current revision. */
  template: JsonObject;
  /** `spec.emqx.apiPort` when it was made; absent on the declaration. */
  apiPort?: number;
  /** Why its pods go, when it shrinks or is deleted, and in which activation that was decided. */
  cause: Cause;
  decidedIn: number;
  /** It is deleted in the foreground: it makes no pod any more, and goes with its last one. */
  going?: true;
}

export interface DeclarationObject extends SetObject {
  /** The template as last edited; `template` follows it when nothing holds it back. */
  asked: JsonObject;
  heldReplicas: number;
  wish?: number;
  frozen: boolean;
  /** Label `upgrade`: without it, it is handed back. */
  labelled: boolean;
  /** The templates that it has had. */
  history: JsonObject[];
  managed: boolean;
  aborted?: { revision: string; replacing: string; because?: string };
  drainHold?: { pod: string; uid: string; wanted: string; heldAtMs: number; retriedAtMs?: number };
  promote: string;
  abort: string;
  retry: string;
}

export interface PodObject {
  uid: string;
  name: string;
  ordinal: number;
  /** uid of its set, which may be gone; empty when nobody controls it. */
  owner: string;
  revision?: string;
  hasSidecar: boolean;
  template: JsonObject;
  createdAt: number;
  /** When its containers start. */
  startsAt: number;
  started: boolean;
  ready: boolean;
  /** Not ready since. */
  unreadyAt: number;
  restarts: number;
  deleted?: { at: number; cause: Cause; since: number };
  /** The controller's note that its node is evacuated from outside: it has no gate. */
  evacuationNote?: { acceptedAt?: number };
  /** The controller's note that it holds nobody. */
  emptySince?: number;
  /** The controller's note that its label is about to go. */
  handedBack?: true;
  /** Since when its gate has seen it hold nobody. */
  seenEmptySince?: number;
  /** The evacuation was stopped for its end, when it had run for too long. */
  ranOut?: boolean;
  /** Its grace period, in seconds: what drains for longer is killed. */
  grace: number;
  /** When its containers end, once its preStop gate has let it go. */
  endsAt?: number;
  gate: SidecarReport['gate'];
  /** Since when every look of the gate has shown no recipient. */
  nowhereSince?: number;
  /** Since when its gate stays though it has nothing to hand over. */
  staysSince?: number;
  settings: DrainSettings;
  report?: SidecarReport;
  self?: string;
  disk: Disk;
}

/** What a node keeps over a restart: in its pod's emptyDir, or on its claim. */
export interface Disk {
  isMember: boolean;
  /** The file `.evacuation`. */
  evacuating?: { connRate: number; sessRate: number; beganAt: number; isForeign: boolean };
}

export interface EmqxNode {
  /** Name of its pod. */
  name: string;
  state: 'starting' | 'alone' | 'joining' | 'joined' | 'stuck';
  /** Seconds left in `starting`, `joining` and `stuck`. */
  left: number;
  partner?: string;
  /** The latch: joined since its last start. */
  latched: boolean;
  evacuation?: Evacuation;
}

export interface Evacuation {
  state: EvacuationState;
  left: number;
  connRate: number;
  sessRate: number;
  takeover: number;
  /** Pod names; empty: any. */
  migrateTo: string[];
  cause: Cause;
  /** Value of {@link World.activations} when it was decided. */
  since: number;
  initialClients: number;
  initialSessions: number;
  /** Somebody has closed the node by hand. */
  isForeign: boolean;
}

export interface Client {
  id: number;
  /** The node it is connected to. */
  at?: string;
  /** The node that holds its session. */
  session?: string;
  retryAt: number;
  /** The activation whose upgrade last asked it to move. */
  movedIn?: number;
}

export interface ServiceObject {
  name: string;
  version: number;
  revision?: string;
  managed: boolean;
  /** `spec.services` has left it out. */
  unlisted?: true;
  /** It does not select the pods of the template that is asked for. */
  estranged?: true;
  endpoints: string[];
  /** The endpoints of the last seconds, oldest first: what proxies go by is behind. */
  before: string[][];
  /** When the sequence itself took its revision key away, or put another one there; cleared by the first pass that puts it back. */
  strippedAt?: number;
}

export interface BlueGreenObject {
  exists: boolean;
  /** A person has made it, and it stays when the declaration is handed back. */
  isUsers: boolean;
  version: number;
  spec: BlueGreenSpec;
  carried?: number;
  status?: Pick<BlueGreenStatus, 'active' | 'wanted' | 'phase' | 'history'> & { upgrade?: UpgradeStatus };
}

/** What must hold, by name: a fault that is planted has to be found by the one that it breaks. */
export type Invariant =
  /** A Service that nodes could serve reaches somebody. */
  | 'reach'
  /** A Service never selects two colours, or two of a user's making for a few seconds alone (`pinned`). */
  | 'one colour'
  | 'pinned'
  /** What the Services are switched to serves as much as what they leave. */
  | 'switch'
  /** The active set keeps the nodes that it has reached. */
  | 'serving'
  | 'preview'
  /** Nothing is drained that is active. */
  | 'active drains'
  | 'drains at once'
  | 'held drain'
  /** No client is asked to move twice in one upgrade, nor to go where it has to leave again. */
  | 'moved once'
  | 'recipients'
  /** No node stops with clients or sessions that it could have handed over. */
  | 'sessions kept'
  /** No partner of a join goes in the middle of it. */
  | 'joins'
  | 'versions'
  | 'template'
  | 'claims'
  | 'foreign evacuations'
  | 'trace'
  | 'records'
  | 'hand-back'
  /** What is active is mended in a pause too. */
  | 'pause'
  /** It comes to rest, with one set that has pods and nothing left over. */
  | 'rest';

export interface World {
  random: Random;
  now: number;
  hasClaims: boolean;
  /** Durable sessions of clients elsewhere are counted by every node, and keep its evacuation from ever coming to its end. */
  isDurable: boolean;
  /** The controller sends spans, and so do the sidecars of most pods; the others are of a time before. */
  sendsSpans: boolean;
  /** How often a fresh node under a name that the cluster knows as stopped is refused. */
  refusal: number;
  /** Pods of this ordinal and above find no place on any machine. */
  room: number;
  declaration: DeclarationObject;
  sets: SetObject[];
  pods: PodObject[];
  services: ServiceObject[];
  blueGreen: BlueGreenObject;
  /** Revision that the preview Service selects, empty where it has lost that key; absent where there is no such Service. */
  preview?: string;
  /** How likely the EndpointSlices of a Service are brought up to date within a second. */
  endpointsPace: number;
  /** Whether the webhook answers. */
  webhook: boolean;
  /** EMQX nodes that run, by pod name. */
  nodes: Map<string, EmqxNode>;
  /** Names that the EMQX cluster knows, running or stopped. */
  members: Set<string>;
  /** Claims, by pod name. */
  claims: Map<string, Disk>;
  /** Pod names of the claims that go with the declaration. */
  ownedClaims: Set<string>;
  clients: Client[];
  /** How often the revision that the Services select has changed: one activation an upgrade. */
  activations: number;
  /** Names of the sets active at each activation, oldest first. */
  activeHistory: string[];
  nextUid: number;
  /** What must not happen, and did. */
  violations: { broken: Invariant; what: string }[];
  trace?: string[];
}

/** As long as this many seconds unready, a pod counts as failing (five minutes in a real cluster). */
export const FAILING_SECONDS = 40;

export function note(world: World, what: string): void {
  world.trace?.push(`${world.now}s ${what}`);
}

/** Something that must not happen has happened. */
export function violate(world: World, broken: Invariant, what: string): void {
  world.violations.push({ broken, what: `${world.now}s: ${what}` });
  note(world, `VIOLATION ${what}`);
}

export function uid(world: World, prefix: string): string {
  world.nextUid += 1;
  return `${prefix}${world.nextUid}`;
}

/** The declaration and its revision sets. */
export function allSets(world: World): SetObject[] {
  return [world.declaration, ...world.sets];
}

export function ownerOf(world: World, pod: PodObject): SetObject | undefined {
  return allSets(world).find(({ uid }) => uid === pod.owner);
}

/** The part of a pod's name that is its set's. */
export function setPartOf({ name }: PodObject): string {
  return name.slice(0, name.lastIndexOf('-'));
}

export function podNamed(world: World, name: string): PodObject | undefined {
  return world.pods.find((pod) => pod.name === name);
}

/** The pods that a Service's selector matches and that are ready now, whatever its EndpointSlices say. */
export function selectedPods(world: World, { revision }: ServiceObject): PodObject[] {
  return world.pods.filter(
    (pod) => pod.ready && !pod.deleted && (revision === undefined || pod.revision === revision),
  );
}

/**
 * Whether a pod has had to hand over for longer than `drainTimeoutSeconds`; a retry begins anew. Without a gate, it hands over for as long
 * as its node evacuates, whatever was noted.
 */
export function isOverdue(
  { now, blueGreen, declaration }: World,
  { deleted, hasSidecar, disk, ranOut }: PodObject,
): boolean {
  if (ranOut === true) return true;
  const since = hasSidecar ? deleted?.at : disk.evacuating?.beganAt;
  if (since === undefined) return false;
  const retriedAt = (declaration.drainHold?.retriedAtMs ?? 0) / 1000;
  return now - Math.max(since, retriedAt) > blueGreen.spec.drainTimeoutSeconds;
}

/** Whether Sluice has anything to do with the declaration. */
export function isManaged({ declaration, sets, blueGreen }: World): boolean {
  const hasOurs = blueGreen.exists && !blueGreen.isUsers;
  return declaration.labelled || declaration.managed || sets.length > 0 || hasOurs;
}

/** The wanted number of nodes. */
export function wantedSize(world: World): number {
  const { blueGreen, declaration } = world;
  if (!isManaged(world)) return declaration.size;
  return blueGreen.spec.replicas ?? declaration.wish ?? declaration.size;
}

/** EMQX's version in a template; undefined where its image says none. */
export function versionIn(template: JsonObject): string | undefined {
  return /emqx:(\d+\.\d+\.\d+)/.exec(JSON.stringify(template))?.[1];
}

/**
 * Whether EMQX lists that nodes of the second template may join a cluster of the first. Of the versions here: any to a later one,
 * but 5.3 not to 5.10; patches of 5.10 both ways.
 */
export function mayJoin(cluster: JsonObject, joining: JsonObject): boolean {
  const [from, to] = [versionIn(cluster), versionIn(joining)].map((text) => text?.split('.').map(Number)[1]);
  if (from === undefined || to === undefined) return true;
  return from <= to && !(from === 3 && to === 10);
}

/** Whether a pod made from this template never becomes ready: of `half`, all but the first; of `broken`, every one. */
export function isBroken(template: JsonObject, ordinal: number): boolean {
  const { image } = template;
  if (typeof image !== 'string') return false;
  return image.startsWith('broken') || (image.startsWith('half') && ordinal > 0);
}
