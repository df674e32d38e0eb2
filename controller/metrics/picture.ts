import type { BlueGreenSpec, BlueGreenStatus } from '../../lib/types.js';
import { drainingPods, isOverdue } from '../drains.js';
import { isDrained } from '../drained.js';
import type { Decision, Observed, Pod } from '../model.js';
import { nodeOf } from '../situation.js';

/** What the metrics of one BlueGreen are made from: its status, and what a pass saw beside. */
export interface Picture {
  status: BlueGreenStatus;
  spec: BlueGreenSpec;
  activeRevision: string;
  wantedRevision: string;
  wantedSize: number;
  /** One for each pod that drains or has drained; by the pod's uid, for another may get its name. */
  drains: Drain[];
}

export interface Drain {
  uid: string;
  state: DrainState;
  isOverdue: boolean;
  /** Its node holds no client and no session. */
  isEmpty: boolean;
}

export type DrainState = 'draining' | 'drained' | 'gaveUp';

/** Reduces a pass to what is measured. Pure. */
export function pictureOf(observed: Observed, decision: Decision, status: BlueGreenStatus): Picture {
  const { activeRevision, wantedRevision, wantedSize } = decision;
  const draining = drainingPods(observed);
  const drains = observed.sets
    .flatMap(({ pods }) => pods)
    .flatMap((pod) => {
      const state = drainStateOf(pod, observed, draining);
      if (state === undefined) return [];
      const node = nodeOf(pod, observed.sets);
      return [
        {
          uid: pod.uid,
          state,
          isOverdue: state === 'draining' && isOverdue(pod, observed),
          isEmpty: node?.clients === 0 && node.sessions === 0,
        },
      ];
    });
  return {
    status,
    spec: observed.blueGreen.spec,
    activeRevision,
    wantedRevision,
    wantedSize,
    drains,
  };
}

/** By the word of its own gate, or where that cannot be heard, by what its neighbours tell. */
function drainStateOf(pod: Pod, observed: Observed, draining: Pod[]): DrainState | undefined {
  const gate = pod.report?.gate.kind;
  if (gate === 'drained' || gate === 'gaveUp') return gate;
  const isOurs = pod.terminating || pod.evacuationNote !== undefined;
  if (isOurs && isDrained(pod, observed)) return 'drained';
  return draining.includes(pod) ? 'draining' : undefined;
}
