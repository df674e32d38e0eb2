import type { BlueGreenSpec, BlueGreenStatus, NodeEvacuationStatus } from '../../lib/types.js';
import { drainingPods, isOverdue } from '../drains.js';
import { isDrained } from '../drained.js';
import type { Decision, Observed, Pod } from '../model.js';
import { isNodeOf, nodeOf } from '../situation.js';

/** What the metrics of one BlueGreen are made from: its status, and what a pass saw beside. */
export interface Picture {
  status: BlueGreenStatus;
  spec: BlueGreenSpec;
  activeRevision: string;
  wantedRevision: string;
  wantedSize: number;
  /** One for each pod that drains or has drained; by the pod's uid, for another may get its name. */
  drains: Drain[];
  /** One for each evacuation that runs, or ran last in a pod that is there. */
  evacuated: Evacuated[];
  /** Every pod that is there, and whether it is on its way out. */
  pods: { uid: string; isEnding: boolean }[];
}

/** How far an evacuation has got. */
export interface Evacuated {
  node: string;
  /** Of its pod, where that is known: another one may get the name of the node. */
  uid: string;
  /** When it began: another evacuation of that node begins with other figures. */
  initial: Counts;
  /** The most that were gone at once. Clients come back where load balancers are still waited for. */
  gone: Counts;
}

interface Counts {
  clients: number;
  sessions: number;
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
    evacuated: status.nodeEvacuationsStatus.map((evacuation) =>
      evacuatedBy(evacuation, pods.find((pod) => isNodeOf(pod, evacuation.node))?.uid),
    ),
    pods: pods.map(({ uid, terminating }) => ({ uid, isEnding: terminating })),
  };
}

/** @param uid of its pod, where there is one */
export function evacuatedBy({ node, stats }: NodeEvacuationStatus, uid = ''): Evacuated {
  const { initial_connected, current_connected, initial_sessions, current_sessions } = stats;
  return {
    node,
    uid,
    initial: { clients: initial_connected, sessions: initial_sessions },
    gone: {
      clients: Math.max(0, initial_connected - current_connected),
      sessions: Math.max(0, initial_sessions - current_sessions),
    },
  };
}

/** Both tell of one evacuation. */
export function isSameEvacuation(one: Evacuated, other: Evacuated): boolean {
  return (
    one.node === other.node &&
    one.uid === other.uid &&
    one.initial.clients === other.initial.clients &&
    one.initial.sessions === other.initial.sessions
  );
}

/**
 * The later of two pictures, with what the earlier one knows, for a sidecar that is stopping says nothing any more: a drain that has ended
 * is over for as long as its pod is there, and one that has begun goes on while its pod is on its way out. An evacuation of which one look
 * hears nothing is the same when the next one does. Pure.
 */
export function following(before: Picture, after: Picture): Picture {
  const known = before.drains.filter(({ uid, state }) => {
    const pod = after.pods.find((one) => one.uid === uid);
    const isTold = after.drains.some((drain) => drain.uid === uid);
    return pod !== undefined && (state !== 'draining' || (pod.isEnding && !isTold));
  });
  const others = after.drains.filter(({ uid }) => known.every((drain) => drain.uid !== uid));
  return { ...after, drains: [...known, ...others], evacuated: evacuatedSince(before, after) };
}

function evacuatedSince(before: Picture, after: Picture): Evacuated[] {
  const now = after.evacuated.map((each): Evacuated => {
    const earlier = before.evacuated.find((one) => isSameEvacuation(one, each));
    if (!earlier) return each;
    const most = (which: keyof Counts): number => Math.max(each.gone[which], earlier.gone[which]);
    return { ...each, gone: { clients: most('clients'), sessions: most('sessions') } };
  });
  const unheard = before.evacuated.filter(
    ({ node, uid }) =>
      after.pods.some((pod) => pod.uid === uid) && after.evacuated.every((one) => one.node !== node),
  );
  return [...now, ...unheard];
}

/** By the word of its own gate, or where that cannot be heard, by what its neighbours tell. */
function drainStateOf(pod: Pod, observed: Observed, draining: Pod[]): DrainState | undefined {
  const gate = pod.report?.gate.kind;
  if (gate === 'drained' || gate === 'gaveUp') return gate;
  const isOurs = pod.terminating || pod.evacuationNote !== undefined;
  if (isOurs && isDrained(pod, observed)) return 'drained';
  return draining.includes(pod) ? 'draining' : undefined;
}
