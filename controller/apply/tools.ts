import type { JsonObject } from '../../lib/json.js';
import type { SidecarSettings } from '../inject/sidecar.js';
import type { Kube } from '../kube/client.js';
import type { View } from '../observe/observe.js';
import type { Sidecars } from '../sidecars.js';

/** What a step needs to be carried out. */
export interface ApplyTools {
  kube: Kube;
  sidecars: Sidecars;
  /** What sidecars are made from; changes when the control CA does. @throws Error while {@link controlTrouble} has something to say */
  sidecarSettings: () => SidecarSettings;
  /** Why no sidecar can be asked or made, in words that say what to do; undefined as a rule. */
  controlTrouble: () => string | undefined;
  /** Partial spec of BlueGreens that Sluice makes. */
  defaults: JsonObject;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Where a step is carried out. */
export interface Site {
  view: View;
  tools: ApplyTools;
  signal: AbortSignal;
}

export type Outcome =
  | { kind: 'done' }
  /** It cannot be done until a person changes something; the message says what. */
  | { kind: 'refused'; message: string };

export const DONE: Outcome = { kind: 'done' };
