import type { DrainSettings, SidecarReport } from '../../../lib/control.js';
import type { JsonObject } from '../../../lib/json.js';
import type { NodeEvacuationStatus } from '../../../lib/types.js';
import { metaOf, nameOf, type Store } from './store.js';
import { PODS } from './workloads.js';

/** The EMQX cluster that the pods form, and its sidecars, as simply as possible: every pod that runs is a node. */
export interface EmqxDouble {
  report(address: string, signal: AbortSignal): Promise<SidecarReport>;
  tell(address: string, settings: DrainSettings, signal: AbortSignal): Promise<void>;
  leave(address: string, node: string, signal: AbortSignal): Promise<void>;
  evacuate(
    address: string,
    node: string,
    settings: DrainSettings,
    signal: AbortSignal,
  ): Promise<'started' | 'running'>;
  stopEvacuation(address: string, node: string, signal: AbortSignal): Promise<void>;
  /** What was asked of sidecars, in order: `tell emqx-x-0`, `leave emqx@…`. */
  asked: string[];
  /** Every sidecar answers with what this makes of its report. */
  bend: (report: SidecarReport) => SidecarReport;
}

export function makeEmqx(store: Store, namespace: string): EmqxDouble {
  const settings = new Map<string, DrainSettings>();
  /** Nodes that the cluster has ever had and that have not left it. */
  const members = new Set<string>();
  const evacuated = new Set<string>();
  const asked: string[] = [];
  const nodeOf = (pod: JsonObject): string =>
    `emqx@${nameOf(pod)}.emqx-headless.${namespace}.svc.cluster.local`;
  const running = (): JsonObject[] =>
    store.list(PODS, namespace).filter((pod) => (pod['status'] as JsonObject)['phase'] === 'Running');

  function podAt(address: string): JsonObject {
    const pod = running().find((one) => (one['status'] as JsonObject)['podIP'] === address);
    if (!pod) throw new Error(`nobody answers at ${address}`);
    return pod;
  }

  const double: EmqxDouble = {
    asked,
    bend: (report) => report,
    report(address) {
      const pod = podAt(address);
      const names = running().map(nodeOf);
      for (const name of names) members.add(name);
      const isDraining = metaOf(pod)['deletionTimestamp'] !== undefined;
      const report: SidecarReport = {
        pod: nameOf(pod),
        api: { kind: 'ok' },
        self: nodeOf(pod),
        clusterNodes: names,
        nodes: [...members].sort().map((node) => ({
          node,
          node_status: names.includes(node) ? 'running' : 'stopped',
          edition: 'Enterprise',
          version: '5.8.8',
          connections: evacuated.has(node) ? 0 : 10,
          live_connections: evacuated.has(node) ? 0 : 10,
        })),
        evacuations: [...evacuated].filter((node) => names.includes(node)).map(prohibiting),
        hasEvacuation: true,
        joined: true,
        gate: isDraining ? { kind: 'drained' } : { kind: 'idle' },
        settings: settings.get(nameOf(pod)) ?? {
          connEvictRate: 1000,
          sessEvictRate: 1000,
          waitTakeover: 10,
          waitHealthCheck: 10,
          noRecipientSeconds: 40,
          withoutEvacuation: 'Refuse',
          recipients: [],
        },
      };
      return Promise.resolve(double.bend(report));
    },
    tell(address, told) {
      const name = nameOf(podAt(address));
      settings.set(name, told);
      asked.push(`tell ${name}`);
      return Promise.resolve();
    },
    leave(address, node) {
      podAt(address);
      members.delete(node);
      asked.push(`leave ${node}`);
      return Promise.resolve();
    },
    evacuate(address, node) {
      podAt(address);
      const answer = evacuated.has(node) ? 'running' : 'started';
      evacuated.add(node);
      asked.push(`evacuate ${node}`);
      return Promise.resolve(answer);
    },
    stopEvacuation(address, node) {
      podAt(address);
      evacuated.delete(node);
      asked.push(`stop evacuation ${node}`);
      return Promise.resolve();
    },
  };
  return double;
}

/** An evacuation that has done its work; here they take no time. */
function prohibiting(node: string): NodeEvacuationStatus {
  return {
    node,
    state: 'prohibiting',
    connection_eviction_rate: 1000,
    session_eviction_rate: 1000,
    connection_goal: 0,
    session_goal: 0,
    session_recipients: [],
    stats: { initial_connected: 10, current_connected: 0, initial_sessions: 10, current_sessions: 0 },
  };
}
