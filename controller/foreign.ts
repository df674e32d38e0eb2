import type { ForeignProcess } from '../lib/control.js';
import type { Hindrance } from './hindrance.js';
import { isNodeOf, reportsOf, stayingPods, type Situation } from './situation.js';

/**
 * What somebody else runs that clients would be sent into, or twice: a rebalance or a purge anywhere in the cluster, an evacuation of a
 * node that is to stay. Nodes that are being left may be evacuated by whomever.
 */
export function foreignOf({ observed, active, wanted, wantedSize }: Situation): Hindrance | undefined {
  const staying = [active, wanted]
    .flatMap((set) => (set ? stayingPods(set) : []))
    .filter(({ ordinal }) => ordinal < wantedSize);
  const found = reportsOf(observed.sets)
    .flatMap(({ foreign }) => foreign ?? [])
    .find(({ process, node }) => process !== 'evacuation' || staying.some((pod) => isNodeOf(pod, node)));
  return found && hindrance(found);
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
