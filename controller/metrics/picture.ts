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
  /** Every pod that is there, and whether it is on its way out. */
  pods: { uid: string; isEnding: boolean }[];
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
  const pods = observed.sets.flatMap((set) => set.pods);
  const drains = pods.flatMap((pod) => {
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
    pods: pods.map(({ uid, terminating }) => ({ uid, isEnding: terminating })),
  };
}

/**
 * The later of two pictures, with what the earlier one knows, for a sidecar that is stopping says nothing any more: a drain that has ended
 * is over for as long as its pod is there, and one that has begun goes on while its pod is on its way out. Pure.
 */
export function following(before: Picture, after: Picture): Picture {
  const known = before.drains.filter(({ uid, state }) => {
    const pod = after.pods.find((one) => one.uid === uid);
    const isTold = after.drains.some((drain) => drain.uid === uid);
    return pod !== undefined && (state !== 'draining' || (pod.isEnding && !isTold));
  });
  const others = after.drains.filter(({ uid }) => known.every((drain) => drain.uid !== uid));
  return { ...after, drains: [...known, ...others] };
}

/** By the word of its own gate, or where that cannot be heard, by what its neighbours tell. */
function drainStateOf(pod: Pod, observed: Observed, draining: Pod[]): DrainState | undefined {
  const gate = pod.report?.gate.kind;
  if (gate === 'drained' || gate === 'gaveUp') return gate;
  const isOurs = pod.terminating || pod.evacuationNote !== undefined;
  if (isOurs && isDrained(pod, observed)) return 'drained';
  return draining.includes(pod) ? 'draining' : undefined;
}
