import type { ApiVersion } from '../control.js';
import type { EmqxNodeStatus } from '../types.js';
import type { EvacuationBody } from './evacuation-body.js';
import type { ClusterView, GlobalStatus, RebalanceStatus } from './parse.js';

/**
 * What Sluice asks of one EMQX node. Every call throws EmqxApiError when EMQX refuses or does not answer.
 * `v5.ts` and `v4.ts` make one each; `find.ts` makes one that finds out which API there is.
 */
export interface EmqxClient {
  /** Which API, on which port; undefined until it is known. */
  api(): FoundApi | undefined;
  /** The node's own name, and which nodes run in its view. */
  cluster(signal: AbortSignal): Promise<ClusterView>;
  nodes(signal: AbortSignal): Promise<EmqxNodeStatus[]>;
  /** Of the answering node only. It can take as long as one batch of evicted sessions. */
  status(signal: AbortSignal): Promise<RebalanceStatus>;
  /** Of all nodes; those that are busy are left out. */
  globalStatus(signal: AbortSignal): Promise<GlobalStatus>;
  /** Resolves when EMQX accepts, not when it is done; `'running'` when one had already begun, so a retry is harmless. */
  startEvacuation(node: string, body: EvacuationBody, signal: AbortSignal): Promise<'started' | 'running'>;
  stopEvacuation(node: string, signal: AbortSignal): Promise<'stopped' | 'notRunning'>;
  /**
   * Takes `node` out of the cluster. Of a running one it would drop the database: only for stopped ones.
   * `'byItself'`: the API has no call for it, EMQX's autoclean will do it.
   */
  forceLeave(node: string, signal: AbortSignal): Promise<'left' | 'noMember' | 'byItself'>;
  /** Whether the node's licence allows more than one node; undefined where EMQX does not say. */
  allowsCluster(signal: AbortSignal): Promise<boolean | undefined>;
}

export interface FoundApi {
  version: ApiVersion;
  port: number;
}
