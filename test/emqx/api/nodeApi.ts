import type { Settings, Switches } from '../settings.js';

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
