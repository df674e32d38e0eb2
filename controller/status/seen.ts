import type { Decision, Observed } from '../model.js';

/** What the record of steps is made from. */
export interface Seen {
  observed: Observed;
  decision: Decision;
  /** The decision's step was carried out. */
  isDone: boolean;
}
