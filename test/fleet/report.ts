import type { UpgradeSettings } from './evidence.js';
import type { LimitParts } from './limit.js';
import type { ResultRecord } from './records.js';

/** What one upgrade did to its clients. Times are in seconds. */
export interface Report extends UpgradeSettings {
  disconnectsPerClient: ResultRecord['disconnectsPerClient'];
  /** The most disconnects in any second, and in any five seconds, wherever they begin. */
  peakDisconnectsPerSecond: number;
  peakDisconnectsPer5Seconds: number;
  peakConnectsPerSecond: number;
  /** Attempts that no CONNACK 0 answered, from the edit on. */
  refusedConnects: number;
  /** The fewest ready endpoints of the client Service, and the fewest nodes that served, while the upgrade ran. */
  minReadyEndpoints: number;
  minServingNodes: number;
  /** Connects that reached a pod of before the edit, more than 2 s after the EndpointSlices listed only newer ones. */
  connectsToBlueAfterSwitch: number;
  /** Persistent clients that came back and found no session. */
  sessionsLost: number;
  messagesLost: number;
  messagesDuplicated: number;
  /** Clients on each node at the end. */
  spread: { perNode: Record<string, number>; coefficientOfVariation: number };
  upgradeSeconds: number;
  /** What the rates and waits alone demand, and what it is made of. */
  limitSeconds: number;
  limitParts: LimitParts;
  /** Empty when every promise was kept and everything was measured. */
  brokenPromises: string[];
}

/** A report before it is judged. */
export type Figures = Omit<Report, 'brokenPromises'>;
