/**
 * The contract between controller and sidecar: JSON over TLS on {@link CONTROL_PORT} of the pod, for holders of a
 * client certificate of the control CA only.
 *
 * | request | body | answer |
 * |---|---|---|
 * | `GET /v1/report` | – | 200 {@link SidecarReport} |
 * | `PUT /v1/drain-settings` | {@link DrainSettings} | 204; the next drain follows them. One in progress follows noRecipientSeconds, withoutEvacuation and staySeconds at once, recipients when it has nowhere to go, and keeps its rates and waits |
 * | `DELETE /v1/nodes/{node}` | – | 204: the stopped node has left the EMQX cluster (or was no member); 409 it runs; 501 its API has no call for that (v4: autoclean does it); 502 EMQX refused |
 * | `POST /v1/nodes/{node}/evacuation` | {@link DrainSettings} | 201: begun; 204: one runs already, and goes on as it was begun; 409 the sidecar's own node; 502 EMQX refused. For nodes without a sidecar |
 * | `DELETE /v1/nodes/{node}/evacuation` | – | 204: stopped or not running; 502 EMQX refused |
 *
 * Errors are `{"message": string}`.
 */
import type { EmqxNodeStatus, EvacuationSeen, NodeEvacuationStatus } from './types.js';

export const CONTROL_PORT = 9442;

/** How a node is to be drained. Rates in clients and sessions per second (at least 1), waits in whole seconds (at least 0). */
export interface DrainSettings {
  connEvictRate: number;
  sessEvictRate: number;
  waitTakeover: number;
  waitHealthCheck: number;
  noRecipientSeconds: number;
  withoutEvacuation: 'Refuse' | 'Paced' | 'None';
  /** EMQX node names that sessions may move to; empty: any other node that is not itself draining. */
  recipients: string[];
  /**
   * As long as this a node that has handed over stays at most, because others join: one of them may have chosen it, and a join whose
   * partner stops fails for good. Absent or 0: it stops at once. A sidecar that is older than this never reports it.
   */
  staySeconds?: number;
  /**
   * W3C trace context of the upgrade that leaves this node; '' of none. Absent: told, by a controller that sends no traces; reported, by a
   * sidecar that sends none, or is older than this.
   */
  traceparent?: string;
}

/** Whether EMQX's management API on 127.0.0.1 answers, and how. */
export type ApiState =
  | { kind: 'ok' }
  | { kind: 'unreachable'; detail: string }
  /** 401 or 403: the key is wrong, disabled or too weak. */
  | { kind: 'unauthorized'; detail: string }
  /** The mounted Secret has no API key to ask with; EMQX is not started before it has. `detail` names the key of the Secret. */
  | { kind: 'noKey'; detail: string };

/** EMQX's management API: `/api/v4` of EMQX 4.4 has no call by which a stopped node leaves its cluster. */
export type ApiVersion = 'v4' | 'v5';

/**
 * What moves clients or sessions off a node and was started by nobody of Sluice. EMQX runs one such thing a node; it is
 * never stopped by Sluice, whose own drain of that node waits for a rebalance or a purge to end, and follows an evacuation.
 */
export interface ForeignProcess {
  process: 'evacuation' | 'rebalance' | 'purge';
  /** The node that clients or sessions are moved off: this sidecar's own, or any donor of a rebalance. */
  node: string;
  /** EMQX's own word. */
  state: string;
  /** The node that runs a rebalance, where it can be stopped: `POST /api/v5/load_rebalance/{coordinator}/stop`. */
  coordinator?: string;
}

/** What this pod's own drain (the preStop gate) last wrote. */
export type GateState =
  | { kind: 'idle' }
  | { kind: 'draining'; detail: string }
  | { kind: 'drained' }
  /** It let the pod stop with sessions left, and why. */
  | { kind: 'gaveUp'; detail: string; sessionsLost: number };

export interface SidecarReport {
  pod: string;
  api: ApiState;
  /** Own EMQX node name; absent until EMQX's API was read. */
  self?: string;
  /** Nodes running in this node's own view (`GET /cluster`), itself included. */
  clusterNodes: string[];
  /** `GET /nodes`. */
  nodes: EmqxNodeStatus[];
  /** `GET /load_rebalance/global_status`: presence is evidence, absence is not. */
  evacuations: NodeEvacuationStatus[];
  /** Whether this build can evacuate; absent until known. */
  hasEvacuation?: boolean;
  /** Which API EMQX was found to have; absent until known. */
  emqxApi?: ApiVersion;
  /** What somebody else runs, as far as this node knows: on itself, and each rebalance or purge. */
  foreign?: ForeignProcess[];
  /**
   * This node runs alone, and its licence allows no second one (EMQX ≥ 5.9 without `EMQX_LICENSE__KEY`). Absent when it is
   * not alone, or when that is not known.
   */
  singleNodeLicence?: boolean;
  /** The latch: this node has joined its peers, or has none, since EMQX last started. */
  joined: boolean;
  gate: GateState;
  settings: DrainSettings;
  /** What this node's own evacuation went through since EMQX's start; absent in reports of earlier versions. */
  states?: EvacuationSeen[];
}
