/** The BlueGreen resource (`sluice.dev/v1alpha1`), as the API server stores it, defaults filled in. */

export interface UpdateStrategy {
  type: 'Recreate';
  /** Seconds between the switch and the first evacuation. */
  initialDelaySeconds: number;
  evacuationStrategy: {
    /** Seconds, at least 0; above the clients' longest back-off, or some are disconnected twice. */
    waitTakeover: number;
    /** Clients per second, at least 1. */
    connEvictRate: number;
    /** Sessions per second, at least 1. */
    sessEvictRate: number;
  };
}

export interface BlueGreenSpec {
  /** Wanted nodes; absent until the declaration's size was first carried. */
  replicas?: number;
  updateStrategy: UpdateStrategy;
  paused: boolean;
  promotion: { auto: boolean; previewService: string };
  progressDeadlineSeconds: number;
  drainTimeoutSeconds: number;
  onDrainTimeout: 'Proceed' | 'Hold';
  noRecipientSeconds: number;
  maxConcurrentDrains: number;
  withoutEvacuation: 'Refuse' | 'Paced' | 'None';
  allowUnlistedVersions: boolean;
  claimsOnDelete: 'Retain' | 'Delete';
  revisionHistoryLimit: number;
  services: string[];
  emqx: { container: string; apiPort: number; apiKeySecret: { name: string } };
}

/** The same values as the CRD's schema defaults; for objects read before defaulting and for tests. */
export const DEFAULT_SPEC: BlueGreenSpec = {
  updateStrategy: {
    type: 'Recreate',
    initialDelaySeconds: 10,
    evacuationStrategy: { waitTakeover: 10, connEvictRate: 1000, sessEvictRate: 1000 },
  },
  paused: false,
  promotion: { auto: true, previewService: '' },
  progressDeadlineSeconds: 600,
  drainTimeoutSeconds: 3600,
  onDrainTimeout: 'Proceed',
  noRecipientSeconds: 40,
  maxConcurrentDrains: 1,
  withoutEvacuation: 'Refuse',
  allowUnlistedVersions: false,
  claimsOnDelete: 'Retain',
  revisionHistoryLimit: 3,
  services: [],
  emqx: { container: '', apiPort: 18083, apiKeySecret: { name: '' } },
};

export type Phase =
  | 'Stable'
  | 'Progressing'
  | 'AwaitingPromotion'
  | 'Delaying'
  | 'Draining'
  | 'Paused'
  | 'Aborted'
  | 'Degraded'
  /** There is no StatefulSet that it could steer. */
  | 'Idle';

export interface Condition {
  type: 'Ready' | 'Reconciling' | 'Stalled' | 'Available' | 'Progressing' | 'Degraded';
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  /** RFC 3339. */
  lastTransitionTime: string;
  observedGeneration: number;
}

/** One node as EMQX's `GET /api/v5/nodes` lists it, its field names kept, plus the revision whose pod it is. */
export interface EmqxNodeStatus {
  node: string;
  node_status: string;
  role?: string;
  edition?: string;
  version?: string;
  otp_release?: string;
  /** Sessions, disconnected ones included. */
  connections?: number;
  /** Clients connected now. */
  live_connections?: number;
  revision?: string;
}

/** One running evacuation as EMQX's `GET /api/v5/load_rebalance/global_status` lists it, its field names kept. */
export interface NodeEvacuationStatus {
  node: string;
  state: EvacuationState;
  connection_eviction_rate: number;
  session_eviction_rate: number;
  connection_goal: number;
  session_goal: number;
  session_recipients: string[];
  stats: {
    initial_connected: number;
    current_connected: number;
    initial_sessions: number;
    current_sessions: number;
  };
}

/** The states of an evacuation, in their order. EMQX 4 has no `waiting_health_check`. */
export const EVACUATION_STATES = [
  'waiting_health_check',
  'evicting_conns',
  'waiting_takeover',
  'evicting_sessions',
  'prohibiting',
] as const;

/** A state of an evacuation, when it was first seen (RFC 3339), and how many were left then. */
export interface EvacuationSeen {
  state: EvacuationState;
  at: string;
  clients: number;
  sessions: number;
}

export type EvacuationState = (typeof EVACUATION_STATES)[number];

/**
 * The phases of an upgrade: each begins as the one before ends, so together they cover the whole of it. In their order; a pause, a promotion
 * waited for, or a node of green that is lost again may bring an earlier one back.
 */
export const UPGRADE_PHASES = [
  /** From the admission review of the request until the controller begins. */
  'admission',
  /** Until the set of the wanted revision is there in its size. */
  'creation',
  /** Until all of its nodes are Ready, and so have joined. */
  'readiness',
  /** Until nothing hinders the switch: what each node sees of the EMQX cluster, versions, somebody else's evacuation. */
  'gates',
  /** A person is to promote. */
  'promotion',
  /** From the patch of the Services until their endpoints are the wanted set's alone. */
  'switch',
  /** Until the first node drains. */
  'delay',
  /** Until the last pod of the sets left has gone. */
  'draining',
  /** What is left to do then: nodes that leave the EMQX cluster, claims, sets. */
  'cleanUp',
  /** `spec.paused`. */
  'pause',
] as const;

/** What happens to one node in an upgrade: its start until it is Ready, its drain, its leave from the EMQX cluster. */
export const NODE_STEPS = ['start', 'drain', 'leave'] as const;

export type UpgradePhase = (typeof UPGRADE_PHASES)[number];
export type NodeStep = (typeof NODE_STEPS)[number];

/**
 * How the step of a node ended. Of a drain: `drained`; `gaveUp`, with sessions left; `timedOut`, after drainTimeoutSeconds; `ended`, before
 * anybody heard. `interrupted`: the pod went, or was to stay after all, or something else was wanted.
 */
export type StepOutcome = 'done' | 'drained' | 'gaveUp' | 'timedOut' | 'ended' | 'interrupted';

/** One step of an upgrade. What was written once stays, but for what is still to come. */
export interface UpgradeStep {
  name: UpgradePhase | NodeStep;
  /** Of a node's step: the pod that it runs in, and that pod's uid where it is known. */
  pod?: string;
  uid?: string;
  /** RFC 3339; from the object that it is seen in where that has it, else when the controller saw it. */
  startedAt: string;
  /** Absent while it goes on. */
  endedAt?: string;
  /** Of a drain: how many were to be handed over. */
  clients?: number;
  sessions?: number;
  /** Of a drain that gave up. */
  sessionsLost?: number;
  /** Of a drain: what EMQX's evacuation went through, by the node's own sidecar, else by what others list. */
  states?: EvacuationSeen[];
  /** Of a node's step that has ended, and of a phase that was interrupted. */
  outcome?: StepOutcome;
}

/**
 * How many steps of one name the record of an upgrade holds; what comes later is left out. The same of one that has ended, once its trace
 * has been received: the status goes over the wire whole, ten ended upgrades with it.
 */
export const MOST_STEPS = { running: 100, ended: 20 } as const;

export interface UpgradeStatus {
  /** Trace id of the upgrade, 32 hex digits. */
  id: string;
  /** RFC 3339. */
  startedAt: string;
  requestedBy: string;
  from: string;
  to: string;
  traceparent: string;
  /** Id of the upgrade's own span, 16 hex digits, and of the one it lies in; absent in records of earlier versions. */
  spanId?: string;
  parentSpanId?: string;
  /** Whether its trace has been received whole; absent where none is sent. */
  traced?: boolean;
  /** RFC 3339; when the admission review took the request. Absent where nobody asked through the webhook, or nothing new was asked for. */
  requestedAt?: string;
  /** RFC 3339; when the Services' endpoints first were exactly the wanted set's pods. */
  switchedAt?: string;
  /**
   * RFC 3339; when a pause, or a wait for a promotion, last ended, or the nodes of the wanted set were last taken down to be made anew: the
   * progress deadline counts from then.
   */
  resumedAt?: string;
  /** In the order in which they were seen to begin; absent in records of earlier versions. */
  steps?: UpgradeStep[];
}

/** How an upgrade ended. `superseded`: something else was wanted first; `rolledBack`: the way back from an aborted one is done. */
export type UpgradeResult = 'succeeded' | 'aborted' | 'superseded' | 'rolledBack';

export interface BlueGreenStatus {
  phase: Phase;
  /** What is waited for, in words, and since when. */
  message: string;
  /** The same without figures that change meanwhile, and since when (RFC 3339). */
  waitingFor?: { what: string; since: string };
  observedGeneration: number;
  conditions: Condition[];
  /** Name of the StatefulSet whose pods the Services select; empty before the first. */
  active: string;
  /** Name of the StatefulSet that runs the wanted revision. */
  wanted: string;
  replicas: number;
  readyReplicas: number;
  /** Ready and wanted nodes, such as `3/3`: a printer column shows one field. */
  nodes?: string;
  /** Label selector of the pods, in string form, for the scale subresource. */
  selector: string;
  /** Names of the Services that are switched, by which clients come. */
  services: string[];
  /** Clients still connected to the nodes that are left, or will be after the switch. */
  clientsLeft: number;
  upgrade?: UpgradeStatus;
  history: (UpgradeStatus & { finishedAt: string; result: UpgradeResult; reason?: string })[];
  /** Names of the volume claims that hold data of its nodes: the own ones of an adopted StatefulSet, and those of its revision sets. */
  claims: string[];
  emqxNodes: EmqxNodeStatus[];
  nodeEvacuationsStatus: NodeEvacuationStatus[];
}
