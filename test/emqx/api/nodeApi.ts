import type { Settings, Switches } from '../settings.js';
import type { ClientItem } from './clientItem.js';

/** What a node tells of itself; each API has its own words for it. */
export interface NodeFacts {
  readonly node: string;
  readonly version: string;
  readonly edition: 'Enterprise' | 'Opensource';
  readonly uptimeMs: number;
  readonly connected: number;
  /** Sessions here, with those of connected clients. */
  readonly channels: number;
  readonly clusterSessions: number;
  /** As EMQX writes it: `512.00M`. */
  readonly memoryTotal: string;
  readonly memoryUsed: string;
  readonly load: readonly [number, number, number];
}

/** What the API's routes need of their node. Other nodes are asked over the links, itself directly. */
export interface NodeApi {
  readonly settings: Settings;
  readonly self: string;
  switches(): Switches;
  /** Every node of the cluster, also the stopped ones. */
  members(): readonly string[];
  running(): readonly string[];
  isRunning(node: string): boolean;
  /** @throws RpcError when the node refuses, fails, or is silent for `timeoutMs` (15 s) */
  ask(node: string, method: string, params: unknown, timeoutMs?: number): Promise<unknown>;
  /** False: no member. */
  forceLeave(node: string): Promise<boolean>;
  /** The reason why it failed, or undefined. */
  invite(node: string, timeoutMs: number): Promise<string | undefined>;
  newToken(): string;
  newApiKey(): { readonly api_key: string; readonly api_secret: string };
}

/** @throws RpcError */
export async function factsOf(node: NodeApi, name: string): Promise<NodeFacts> {
  return (await node.ask(name, 'node_facts', null)) as NodeFacts;
}

/** The clients and sessions of these nodes; one that does not answer is left out. */
export async function clientsOf(node: NodeApi, names: readonly string[]): Promise<readonly ClientItem[]> {
  const lists = await Promise.all(names.map((name) => node.ask(name, 'clients', null).catch(() => [])));
  return (lists as readonly (readonly ClientItem[])[]).flat();
}

/** Ends a client and its session, wherever it is. False: it is nowhere. */
export async function kick(node: NodeApi, clientId: string): Promise<boolean> {
  const kicked = await Promise.all(
    node.running().map((name) => node.ask(name, 'kick', clientId).catch(() => false)),
  );
  return kicked.includes(true);
}

/** What stands in the way of a call at its node: 'refused' with EMQX's reason. */
export type Refused = { readonly refused: string } | null;

export type Report = Readonly<Record<string, unknown>>;

/** Its own evacuation or rebalance, for `GET /load_rebalance/status`; it may take as long as a batch. Null: none. */
export async function ownReport(node: NodeApi): Promise<Report | null> {
  await new Promise((resolve) => setTimeout(resolve, node.switches().statusDelayMs));
  return (await node.ask(node.self, 'rebalance_report', null)) as Report | null;
}

/** `GET /load_rebalance/global_status`. Nodes that fail are left out without a word, as EMQX does. */
export async function globalStatus(node: NodeApi): Promise<Report> {
  const reports = await Promise.all(
    node.running().map(async (name) => {
      try {
        const report = (await node.ask(name, 'global_report', name !== node.self)) as Report | null;
        return report === null ? undefined : { name, report };
      } catch {
        return undefined;
      }
    }),
  );
  const of = (wanted: string) =>
    reports.flatMap((found) => {
      const { process, ...report } = found?.report ?? {};
      return found && process === wanted ? [{ node: found.name, ...report }] : [];
    });
  return {
    evacuations: of('evacuation'),
    rebalances: of('rebalance'),
    ...(node.settings.abilities.hasPurges ? { purges: of('purge') } : {}),
  };
}
