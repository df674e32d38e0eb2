/** What one pass of the loop sees of one declaration, and the steps it may take. Pure data: no client, no clock. */
import type { JsonObject } from '../lib/json.js';
import type { DrainSettings, SidecarReport } from '../lib/control.js';
import type { BlueGreenSpec, BlueGreenStatus, Phase } from '../lib/types.js';

/** One EMQX pod of a set, with what its sidecar last said. */
export interface Pod {
  name: string;
  /** Number behind the set's name, counted from its first one: `emqx-7c9d5f8b6-2` has 2, unless `spec.ordinals.start` says otherwise. */
  ordinal: number;
  uid: string;
  /** Absent until it has one. */
  podIp?: string;
  /** Value of the pod's revision label; absent on the declaration's own pods until they are pinned. */
  revision?: string;
  /**
   * When Sluice last wrote onto it, ms since the epoch by the API server's clock, in whole seconds; absent where it carries no revision
   * label of Sluice's writing.
   */
  writtenAtMs?: number;
  /** Condition Ready is true and it is not {@link terminating}. */
  ready: boolean;
  /** When it was created, and since when it has been Ready (absent when it is not), ms since the epoch; the API server's, in whole seconds. */
  createdAtMs?: number;
  readySinceMs?: number;
  /** When its deletion was asked for, ms since the epoch; absent when it was not. */
  deletedAtMs?: number;
  /**
   * On a pod without a sidecar: its node is evacuated by Sluice, which goes on after its restart. Written before EMQX is asked, so that
   * nobody's death leaves an evacuation that is not known to be ours.
   */
  evacuationNote?: {
    /** When EMQX accepted it, ms since the epoch; absent while nobody has heard so. */
    acceptedAtMs?: number;
  };
  /**
   * Of the same pod: since when its node was seen to hold nobody, though EMQX counts sessions still, ms since the epoch. One look is not
   * enough, and none could tell of the one before.
   */
  emptySinceMs?: number;
  /** Annotation `handed-back`: its revision label is about to go. */
  handedBack?: true;
  /**
   * A deletion is under way: its preStop gate is draining it, or it is stopping. Or one is about to begin, because the StatefulSet that it
   * was of is gone and another one has its name.
   */
  terminating: boolean;
  /** Why it is not ready, in words; empty when it is. */
  problem: string;
  /** It will not become ready by waiting: crash loop, image not to be had, not schedulable, or not ready for 5 minutes. */
  failing: boolean;
  /** Kubernetes' reason for which one of its containers cannot run, such as CrashLoopBackOff; absent when none waits in vain. */
  stuckBy?: string;
  /** The kubelet has waited for its volumes for longer than they take: a Secret, ConfigMap or claim that it mounts may be missing. */
  unmounted?: true;
  /** Since when it has not been ready, ms since the epoch; absent when it is. */
  unreadySinceMs?: number;
  /** Restarts of EMQX's container. */
  restarts: number;
  /** Absent: the pod has no sidecar, or it did not answer in time. */
  report?: SidecarReport;
  /** Its sidecar closes the connection after the handshake: it does not take the controller's certificate. */
  turnsUsAway?: boolean;
  /** Labels that its StatefulSet selects by and that somebody took away, so that it was let go; with them it belongs to it again. */
  lostLabels?: Record<string, string>;
}

/** A StatefulSet that runs pods of one revision: a revision set, or the declaration itself while it has pods. */
export interface NodeSet {
  name: string;
  /**
   * `declaration`: the user's own StatefulSet, whose pods have no sidecar and are drained from another node. The other two are revision
   * sets that somebody has deleted while they had pods. `lost`: these end. `orphaned`: they were left behind and run on.
   */
  kind: 'revisionSet' | 'declaration' | 'lost' | 'orphaned';
  /** Of a lost one: its StatefulSet is still there, makes no pod any more, and goes with its last one; no other can have its name until then. */
  holdsName?: true;
  /** `''` for a declaration whose pods are strays, started by an edit past the webhook: neither active nor wanted, like no other. */
  revision: string;
  /** `spec.replicas`; 0 of a set that was deleted. */
  size: number;
  resourceVersion: string;
  /** Creation, milliseconds since the epoch. */
  createdAtMs: number;
  /**
   * The template as the user wrote it: what Sluice injected is taken out again. Of one that was deleted it is known only where its data is
   * on claims and the declaration's history still has it, else empty: like no other.
   */
  template: JsonObject;
  /** JSON pointers into its template of what somebody else changed when it was created; none when absent. */
  changedAtCreation?: string[];
  /** Fields of the BlueGreen's spec that have another value now than when the set was made; none when absent. */
  outdated?: string[];
  /** Ordered by ordinal. */
  pods: Pod[];
}

export interface Declaration {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  template: JsonObject;
  /** `spec.replicas`. */
  replicas: number;
  /** Annotation `held-replicas`: the `spec.replicas` that Sluice last left there, 0 when absent. Another value got past the webhook. */
  heldReplicas: number;
  /** It has volumeClaimTemplates (and so has every revision set): its nodes keep their data. */
  hasClaims: boolean;
  /** Annotation `replicas`, if it is a number. */
  wish?: number;
  /** The update strategy is held (RollingUpdate, partition {@link FROZEN_PARTITION}). */
  frozen: boolean;
  /** Label `managed` is there. */
  managed: boolean;
  /** Label `upgrade` is gone: its own pods are to take over, and nothing of Sluice is to be left. */
  handingBack: boolean;
  /** Pods that it starts now come at its present template: the StatefulSet controller has seen it, at 0 or with all pods made from it. */
  startsAsWritten: boolean;
  deleting: boolean;
  /** Who asked for the present template, and in which trace; empty where that got past the webhook. */
  requestedBy: string;
  traceparent: string;
  /** Span id of who asked; absent where nobody records it. */
  parentSpan?: string;
  /** When, ms since the epoch; absent where that is not known. */
  requestedAtMs?: number;
  /** The revision refused, the one it was to replace, and why in words. */
  aborted?: Aborted;
  /** Annotation `drain-held`: a drain took too long, and `onDrainTimeout` is Hold. */
  drainHold?: DrainHold;
  /** Triggers set by people, here or on the BlueGreen; the revision meant, or its set's name. */
  promote: string;
  abort: string;
  retry: string;
}

export interface Aborted {
  revision: string;
  replacing: string;
  because?: string;
}

export interface DrainHold {
  /** Whose drain took too long; another pod may get its name. */
  pod: string;
  uid: string;
  /** The revision that was wanted then. */
  wanted: string;
  /** Milliseconds since the epoch. */
  heldAtMs: number;
  /** When a person asked for another try: the drain's time counts from then. Absent: nothing more is taken down. */
  retriedAtMs?: number;
}

/** What people ask for by an annotation. */
export type Trigger = 'promote' | 'abort' | 'retry';

/** A client Service of the declaration. */
export interface ClientService {
  name: string;
  resourceVersion: string;
  /** Revision key of its selector. */
  revision?: string;
  managed: boolean;
  /** It does not select the pods of the template that is asked for: pointed at those, it would reach nobody. */
  estranged?: true;
  /** Names of the pods that its EndpointSlices list as ready. */
  readyPods: string[];
  /** The setting by which its load balancer sends clients to pods directly, past kube-proxy; absent when none says so. */
  podTargets?: string;
}

/** No revision has this name: a Service that selects it reaches nobody. */
export const NO_REVISION = 'none';

/** The Service that `promotion.previewService` names. */
export type Preview =
  | { kind: 'found'; name: string; resourceVersion: string; revision?: string; managed: boolean }
  /** It is left alone; why, in words that name the field. */
  | { kind: 'unusable'; why: string };

export interface BlueGreen {
  exists: boolean;
  /** Sluice has made it: it is labelled so, or the declaration owns it. */
  isOurs: boolean;
  /** It carries an annotation under `sluice.dev/`. */
  isNoted: boolean;
  resourceVersion: string;
  generation: number;
  spec: BlueGreenSpec;
  /** Annotation `replicas`: the declared size last carried. */
  carried?: number;
  /** Absent until it was first written. */
  status?: Partial<BlueGreenStatus>;
}

/** A volume claim of a revision set, there or gone. */
export interface Claim {
  name: string;
  uid: string;
  revision: string;
  /** The declaration owns it: it goes when that is deleted. */
  owned: boolean;
  /** Creation, milliseconds since the epoch. */
  createdAtMs: number;
}

/** Everything that {@link plan} decides from. */
export interface Observed {
  nowMs: number;
  declaration: Declaration;
  blueGreen: BlueGreen;
  /**
   * Revision sets, those that were deleted included while pods of them are left, and the declaration itself while it has pods or
   * replicas, or is handed back; oldest first.
   */
  sets: NodeSet[];
  services: ClientService[];
  /** Of revision sets; none where the declaration has no claim templates. */
  claims: Claim[];
  /** Names of the claims of the declaration's own pods, there or gone: an adopted set's data. Nothing is ever done to them. */
  ownClaims: string[];
  /** Absent when none is named. */
  preview?: Preview;
  /** Names of all Services of the declaration that carry a key of Sluice's, whether or not clients come by them now. */
  marked: string[];
  /** Of those, the ones that Sluice has pinned and by which clients do not come any more. */
  former: string[];
  /** Names of Services that are not pinned any more and whose EndpointSlices are as if they were: their controller has not seen it yet. */
  lagging: string[];
  /** Why a Service is left alone that was to be a client Service, in words that name it and what to do. */
  leftAlone: string[];
  /** Names of the HorizontalPodAutoscalers that target the declaration itself. */
  autoscalers: string[];
}

/**
 * Nodes without a sidecar that take clients again before the rest of a step, asked for through the sidecar of `via`. EMQX notes an
 * evacuation on the node's disk, and goes on with it at its next start: on a claim it would wait there for a later pod. That nobody
 * reports one proves nothing.
 */
export interface Opening {
  nodes: string[];
  via: string;
}

/** What to do next; exactly one a pass. */
export type Step =
  /** Paused: the one that was there is gone in the middle of an upgrade, and with it what people had decided about that. */
  | { kind: 'createBlueGreen'; paused?: true }
  /**
   * Put back what the webhook holds: the frozen update strategy and label `managed`. With a wish: `spec.replicas` is a size that
   * got past the webhook; it becomes annotation `replicas`, and annotation `held-replicas` says that it was taken.
   */
  | { kind: 'holdDeclaration'; wish?: number }
  /** Write the declared size into the BlueGreen, with the annotation that says it was carried. */
  | { kind: 'carrySize'; replicas: number }
  /** Make a StatefulSet again as it was, for the pods that it left behind. */
  | { kind: 'restoreSet'; set: string; size: number }
  /** Give a pod the labels back without which its StatefulSet has let it go. */
  | { kind: 'relabelPod'; pod: string; labels: Record<string, string> }
  /** Label the running pods of an adopted set with their revision, and take {@link Pod.handedBack} away. */
  | { kind: 'labelPods'; pods: string[]; revision: string }
  /** Point Services at a revision: the first pin, or the switch of an upgrade. One patch each. */
  | { kind: 'pointServices'; services: string[]; revision: string; open?: Opening }
  /** Point the preview Service at a revision, or at none. */
  | { kind: 'pointPreview'; service: string; revision: string }
  | { kind: 'makeSet'; name: string; revision: string; size: number }
  /** Set the size of a set, up or down, in one go (on the declaration, annotation `held-replicas` too). */
  | { kind: 'resize'; set: string; to: number; because: string; open?: Opening }
  /** Tell sidecars how to drain, and whereto. */
  | { kind: 'tell'; pods: string[]; settings: DrainSettings }
  /** Begin the evacuation of a node whose pod has no sidecar, through the sidecar of `via`. */
  | { kind: 'evacuate'; node: string; pod: string; via: string; settings: DrainSettings }
  /** Write {@link Pod.emptySinceMs}, or take it away. */
  | { kind: 'noteEmpty'; pod: string; sinceMs?: number }
  /** Stop the evacuation of a node that is to stay and has no sidecar of its own, through the sidecar of `via`. */
  | { kind: 'stopEvacuation'; node: string; pod: string; via: string }
  /** Have a stopped node leave the EMQX cluster, through the sidecar of `via`. */
  | { kind: 'leave'; node: string; via: string }
  /** Write annotation `drain-held`, with the retry that it answers taken away; without a hold, take it away. */
  | { kind: 'holdDrains'; hold?: DrainHold }
  | { kind: 'deleteSet'; set: string; because: string }
  | { kind: 'deleteClaims'; claims: string[] }
  /** Whether claims are owned by the declaration, and so go when that is deleted. */
  | { kind: 'ownClaims'; claims: string[]; owned: boolean }
  /** Write annotation `aborted`, or take it and the triggers away. */
  | { kind: 'abort'; revision: string; replacing: string; because: string }
  | { kind: 'clearAborted' }
  /** Take triggers away that are done with, or that name nothing (`ignored`): only where they have these values. */
  | { kind: 'clearTriggers'; triggers: Partial<Record<Trigger, string>>; ignored: boolean }
  /** Take the revision key out of Services' selectors, and label `managed` off them: clients do not come by them, or it is handed back. */
  | { kind: 'unpinServices'; services: string[] }
  /** Hand-back: write {@link Pod.handedBack}. */
  | { kind: 'notePods'; pods: string[] }
  /** Hand-back: take the revision label off pods. */
  | { kind: 'unlabelPods'; pods: string[] }
  /** Hand-back: delete the BlueGreen, or take the annotations off one that the user has made. */
  | { kind: 'dropBlueGreen' }
  /** Hand-back: the declaration's update strategy is the user's own again. */
  | { kind: 'restoreStrategy' }
  /** Hand-back, the last step: take label `managed` and every annotation off the declaration and its ControllerRevisions. */
  | { kind: 'letGo' }
  | { kind: 'wait'; forMs: number }
  | { kind: 'rest' };

/** Why a person has to act; also the reason of the conditions and of the event. */
export type StallReason =
  | 'Refused'
  | 'PodFailing'
  | 'PodsNotMade'
  | 'ProgressDeadlineExceeded'
  | 'ApiKeyRefused'
  | 'ControllerTurnedAway'
  | 'NoService'
  | 'NoEvacuation'
  | 'VersionsNotListed'
  | 'NodeNamesDiffer'
  | 'NodeUnknown'
  | 'LicenceForbidsCluster'
  | 'ForeignEvacuation'
  | 'DrainHeld'
  | 'UpgradeAborted'
  | 'SizeZero';

/** A step, with the phase it belongs to and what is waited for, in words. */
export interface Decision {
  step: Step;
  phase: Phase;
  message: string;
  /** Names of the sets; `wanted` may not exist yet. */
  active: string;
  wanted: string;
  /** Revisions of the same. */
  activeRevision: string;
  wantedRevision: string;
  wantedSize: number;
  /** What is waited for, where the message holds figures that change meanwhile: the wait is timed by it. */
  about?: string;
  /** Something keeps the loop from going on until a person acts: `message` says what to do. */
  stalled?: StallReason;
  /** Nothing of an upgrade is left to do: an upgrade record that is still open has ended. */
  settled: boolean;
  /** When the EndpointSlices were first seen to hold exactly the active set's pods in this upgrade, ms since the epoch. */
  switchedAtMs?: number;
}
