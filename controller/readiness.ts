import type { SidecarReport } from '../lib/control.js';
import { drainWords } from './drains.js';
import { unheard, type Hindrance } from './hindrance.js';
import type { NodeSet, Pod } from './model.js';
import { isNodeOf, reportsOf, stayingPods, type Situation } from './situation.js';

/**
 * What keeps green from taking the clients: undefined once every green pod is Ready and every green node's own view of the EMQX
 * cluster lists all green nodes and every blue node that any node reports running. A broken blue pod hinders nothing.
 */
export function hindranceOf(
  { observed, active, wantedSize }: Situation,
  green: NodeSet,
): Hindrance | undefined {
  const notReady = whyNotReady(green, wantedSize, observed.sets);
  if (notReady !== undefined) return wait(notReady);
  const greenPods = stayingPods(green).filter(({ ordinal }) => ordinal < wantedSize);
  for (const pod of greenPods) {
    const hindrance = unheard(pod);
    if (hindrance) return hindrance;
  }
  for (const pod of active ? stayingPods(active) : []) {
    // A blue pod that is not ready holds no client of the Service: it must not keep its own repair from happening.
    const hindrance =
      pod.ready && active?.kind === 'revisionSet'
        ? (unheard(pod) ?? undrainable(pod, observed.blueGreen.spec.withoutEvacuation))
        : undefined;
    if (hindrance) return hindrance;
  }
  return wait(apart(observed.sets, active, greenPods));
}

function undrainable({ name, report }: Pod, policy: string): Hindrance | undefined {
  if (policy !== 'Refuse' || report?.hasEvacuation !== false) return undefined;
  return {
    message: `EMQX in pod ${name} has no node evacuation (its API answers 404), so its clients cannot be moved; set spec.withoutEvacuation to Paced or None to go on without`,
    stalled: true,
  };
}

/** Which node does not see which other one yet, in words. */
function apart(sets: NodeSet[], active: NodeSet | undefined, greenPods: Pod[]): string | undefined {
  const running = new Set(
    reportsOf(sets).flatMap(({ nodes }) =>
      nodes.flatMap((n) => (n.node_status === 'running' ? [n.node] : [])),
    ),
  );
  const blue = [...running].filter((node) =>
    active?.pods.some((pod) => !pod.terminating && isNodeOf(pod, node)),
  );
  const reports = greenPods.flatMap(({ report }): SidecarReport[] => (report ? [report] : []));
  const needed = [...reports.flatMap(({ self }) => (self !== undefined ? [self] : [])), ...blue];
  // The one that sees the fewest is the one that is apart.
  for (const report of reports.toSorted((a, b) => a.clusterNodes.length - b.clusterNodes.length)) {
    const missing = needed.find((node) => !report.clusterNodes.includes(node));
    if (missing !== undefined) {
      return `${report.self ?? report.pod} has not joined the EMQX cluster: it does not list ${missing}`;
    }
    if (report.self === undefined || !report.joined)
      return `EMQX in pod ${report.pod} has not joined its peers`;
  }
  return undefined;
}

function wait(message: string | undefined): Hindrance | undefined {
  return message === undefined ? undefined : { message, stalled: false };
}

/**
 * Why a set has not `size` Ready pods yet, in words; undefined when all of them are. Pods above that size are on their way out.
 * @param sets all of them: what their sidecars say of a pod that somebody has deleted
 */
export function whyNotReady(set: NodeSet, size: number, sets: NodeSet[]): string | undefined {
  const pods = stayingPods(set).filter(({ ordinal }) => ordinal < size);
  const unready = pods.find(({ failing, ready }) => failing && !ready) ?? pods.find(({ ready }) => !ready);
  if (unready) {
    const silent = unready.report && !unready.failing ? unheard(unready) : undefined;
    return silent?.message ?? `${unready.name} ${unready.problem}`;
  }
  if (pods.length >= size) return undefined;
  const ending = set.pods
    .filter(({ ordinal, terminating }) => terminating && ordinal < size)
    .map((pod) => drainWords(pod, sets));
  return [`${set.name} has ${pods.length} of ${size} pods`, ...ending].join('; ');
}
