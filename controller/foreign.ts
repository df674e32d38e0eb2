import type { ForeignProcess } from '../lib/control.js';
import { evacuationOf } from './drained.js';
import type { Hindrance } from './hindrance.js';
import type { NodeSet, Pod } from './model.js';
import { isNodeOf, reportsOf, stayingPods, type Situation } from './situation.js';

/**
 * What somebody else runs that clients would be sent into, or twice: a rebalance or a purge anywhere in the cluster, an evacuation of a
 * node that is to stay. Nodes that are being left may be evacuated by whomever.
 */
export function foreignOf({ observed, active, wanted, wantedSize }: Situation): Hindrance | undefined {
  const { sets } = observed;
  const found = reportsOf(sets)
    .flatMap(({ foreign }) => foreign ?? [])
    .find(({ process }) => process !== 'evacuation');
  if (found) return hindrance(found);
  const evacuations = [active, wanted].flatMap((set) =>
    set
      ? stayingPods(set)
          .filter(({ ordinal }) => ordinal < wantedSize)
          .flatMap((pod) => foreignEvacuationOf(pod, set, sets) ?? [])
      : [],
  );
  return evacuations[0] && hindrance(evacuations[0]);
}

/**
 * What is told of the evacuation of a pod's node when somebody else began it: its own sidecar knows; one of a pod without a sidecar is
 * ours if we noted it there.
 */
export function foreignEvacuationOf(
  pod: Pod,
  { kind }: NodeSet,
  sets: NodeSet[],
): ForeignProcess | undefined {
  if (kind === 'declaration') {
    const evacuation = pod.evacuationNote === undefined ? evacuationOf(pod, sets) : undefined;
    return evacuation && { process: 'evacuation', node: evacuation.node, state: evacuation.state };
  }
  return reportsOf(sets)
    .flatMap(({ foreign }) => foreign ?? [])
    .find(({ process, node }) => process === 'evacuation' && isNodeOf(pod, node));
}

function hindrance({ process, node, state, coordinator }: ForeignProcess): Hindrance {
  const about = `the ${process} of ${node} by somebody else`;
  if (process === 'evacuation') {
    return {
      message: `somebody else evacuates ${node} (${state}), which ends only when it is stopped: emqx ctl rebalance stop on that node`,
      about,
      stalled: 'ForeignEvacuation',
    };
  }
  const where = coordinator === undefined ? 'on that node' : `on ${coordinator}, which runs it`;
  return {
    message: `somebody else runs a ${process} of ${node} (${state}), which is waited for; to end it, emqx ctl rebalance stop ${where}`,
    about,
  };
}
