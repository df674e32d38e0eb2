import type { EvacuationState, Phase } from '../../lib/types.js';

/**
 * What the observers write down, each with the time at which the observing process learnt it (milliseconds since the
 * epoch). Together with the fleet's records they are all that a report is made of.
 */

/** The ready endpoints of the client Service, at every change of its EndpointSlices. */
export interface EndpointsSeen {
  kind: 'endpoints';
  atMs: number;
  /** Pod addresses whose endpoint is ready. */
  ready: string[];
}

/** A pod of the EMQX cluster, at every change. */
export interface PodSeen {
  kind: 'pod';
  atMs: number;
  uid: string;
  name: string;
  address: string;
  /** Its label `controller-revision-hash`: which template of which set it was made from. */
  revision: string;
  isReady: boolean;
  isDeleting: boolean;
  /** When EMQX's own container ended (whole seconds, as the kubelet says); 0 while it has not. */
  emqxEndedMs: number;
  isGone: boolean;
}

/** The BlueGreen's status, at every change. */
export interface BlueGreenSeen {
  kind: 'bluegreen';
  atMs: number;
  phase: Phase | '';
  message: string;
  active: string;
  wanted: string;
  clientsLeft: number;
}

/** One EMQX node as the cluster sees it. */
export interface NodeSeen {
  /** `emqx@emqx-7c9d5f8b6-0.emqx-headless.demo.svc.cluster.local` */
  node: string;
  /** Another node lists it as running (or it is the only one), and it answers. */
  isRunning: boolean;
  /** Its evacuation's state; `none` when there is none. */
  state: EvacuationState | 'none';
  clients: number;
  sessions: number;
  /** Clients when its evacuation began; 0 without one. */
  initialClients: number;
  /** Sessions it still holds, as its evacuation counts them; 0 without one. */
  sessionsLeft: number;
}

/** One round of questions to every EMQX node. */
export interface NodesSeen {
  kind: 'nodes';
  atMs: number;
  nodes: NodeSeen[];
}

/**
 * Connects that a broker counted, from `fromMs` to `atMs`: equal where it keeps each one's own time, and a polling
 * interval where it has nothing but a counter.
 */
export interface BrokerConnects {
  kind: 'broker-connects';
  fromMs: number;
  atMs: number;
  pod: string;
  count: number;
}

/** A client that a broker sent away or lost, at the broker's own time. */
export interface BrokerDisconnect {
  kind: 'broker-disconnect';
  atMs: number;
  pod: string;
  clientId: string;
}

export type Observation =
  EndpointsSeen | PodSeen | BlueGreenSeen | NodesSeen | BrokerConnects | BrokerDisconnect;

/** A node serves when it is listed as running and takes new clients: EMQX does so until `evicting_conns`. */
export function isServing({ isRunning, state }: NodeSeen): boolean {
  return isRunning && (state === 'none' || state === 'waiting_health_check');
}

/** The pod behind an EMQX node's name: the first label of its host. */
export function podOf(node: string): string {
  return node.slice(node.indexOf('@') + 1).split('.')[0] ?? '';
}
