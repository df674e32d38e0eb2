import type { SidecarReport } from '../lib/control.js';
import { drainWords } from './drains.js';
import { foreignOf } from './foreign.js';
import { unheard, type Hindrance } from './hindrance.js';
import type { NodeSet, Observed, Pod } from './model.js';
import { whyNotShare } from './pairing.js';
import { isNodeOf, nodeOf, reportsOf, stayingPods, type Situation } from './situation.js';
import { undrainable, undrainableFromOutside, unlistedFromOutside, whyNotTake } from './undrainable.js';

/**
 * What keeps green from taking the clients: undefined once every green pod is Ready and every green node's own view of the EMQX
 * cluster lists all green nodes and every blue node that any node of the cluster reports running. A broken blue pod hinders nothing. Pods
 * of the declaration have no sidecar that could tell their view: there, blue's nodes must list them all.
 */
export function hindranceOf(situation: Situation, green: NodeSet): Hindrance | undefined {
  return (
    whyNotWhole(situation, green) ??
    whyBlueStays(situation) ??
    whyApart(situation, green) ??
    foreignOf(situation)
  );
}

/** What of that is green's own, and counts for its deadline: blue's troubles are none of its. */
export function hindranceOfGreen(situation: Situation, green: NodeSet): Hindrance | undefined {
  return whyNotWhole(situation, green) ?? whyApart(situation, green);
}

/** What green's own pods say, each for itself. */
function whyNotWhole(situation: Situation, green: NodeSet): Hindrance | undefined {
  const { observed, wantedSize } = situation;
  const hindrance = whyNotShare(situation, green) ?? whyNotReady(green, wantedSize, observed);
  if (hindrance) return hindrance;
  if (green.kind === 'declaration') return justLabelled(green, observed);
  return firstOf(keptPods(green, wantedSize), (pod) => unheard(pod) ?? whyNotTake(pod, situation));
}

function whyBlueStays(situation: Situation): Hindrance | undefined {
  const { active } = situation;
  // A blue pod that is not ready holds no client of the Service: it must not keep its own repair from happening.
  const pods = active ? stayingPods(active).filter(({ ready }) => ready) : [];
  if (active?.kind === 'revisionSet') {
    return firstOf(pods, (pod) => unheard(pod) ?? undrainable(pod, situation));
  }
  return active?.kind === 'declaration'
    ? firstOf(pods, (pod) => undrainableFromOutside(pod, situation) ?? unlistedFromOutside(pod, situation))
    : undefined;
}

function whyApart({ observed, active, wantedSize }: Situation, green: NodeSet): Hindrance | undefined {
  const greenPods = keptPods(green, wantedSize);
  const witnesses =
    green.kind === 'declaration' ? stayingPods(active ?? green).filter(({ ready }) => ready) : greenPods;
  const message = apart(observed.sets, active, { greenPods, witnesses });
  return notListed(green, observed.sets) ?? (message === undefined ? undefined : { message });
}

/** Those that are left at the wanted size. */
function keptPods(set: NodeSet, size: number): Pod[] {
  return stayingPods(set).filter(({ ordinal }) => ordinal < size);
}

function firstOf(pods: Pod[], why: (pod: Pod) => Hindrance | undefined): Hindrance | undefined {
  for (const pod of pods) {
    const hindrance = why(pod);
    if (hindrance) return hindrance;
  }
  return undefined;
}

/**
 * The EndpointSlice controller sees pods and Services each in a stream of its own. A Service that selects by a label which it has not seen
 * on any pod yet would reach nobody for a moment, so the label has to be as old as such a stream may lag behind.
 */
const SEEN_MS = 3_000;

/** Pods of the declaration whose label is too young to be selected by. */
export function justLabelled({ name, pods }: NodeSet, { nowMs }: Observed): Hindrance | undefined {
  const isNew = pods.some(
    ({ writtenAtMs }) => writtenAtMs !== undefined && Math.abs(nowMs - writtenAtMs) < SEEN_MS,
  );
  return isNew
    ? {
        message: `the pods of ${name} were labelled just now: no Service selects by that before it has been seen`,
      }
    : undefined;
}

/** A pod of the declaration that is Ready, but not known to have joined; EMQX is Ready before it joins. */
export function notListed(set: NodeSet, sets: NodeSet[]): Hindrance | undefined {
  if (set.kind !== 'declaration' || reportsOf(sets).length === 0) return undefined;
  const pod = stayingPods(set).find((each) => each.ready && nodeOf(each, sets) === undefined);
  return pod && { message: `${pod.name} has not joined the EMQX cluster: no other node lists it as running` };
}

/** Which node does not see which other one yet, in words. */
function apart(
  sets: NodeSet[],
  active: NodeSet | undefined,
  { greenPods, witnesses }: { greenPods: Pod[]; witnesses: Pod[] },
): string | undefined {
  // One that has never joined lists itself: nobody could join it.
  const running = new Set(
    reportsOf(sets)
      .filter(({ joined }) => joined)
      .flatMap(({ nodes }) => nodes.flatMap((n) => (n.node_status === 'running' ? [n.node] : []))),
  );
  const blue = [...running].filter((node) =>
    active?.pods.some((pod) => !pod.terminating && isNodeOf(pod, node)),
  );
  const reports = witnesses.flatMap(({ report }): SidecarReport[] => (report ? [report] : []));
  const green = greenPods.flatMap((pod) => pod.report?.self ?? nodeOf(pod, sets)?.node ?? []);
  const needed = [...green, ...blue];
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

/** A node that is to have peers, and whose licence is for one node. */
function forbidden({ name, report }: Pod): Hindrance | undefined {
  if (report?.singleNodeLicence !== true) return undefined;
  return {
    message: `EMQX in pod ${name} runs alone, because its licence is for a single node: give EMQX a licence for a cluster (EMQX_LICENSE__KEY) in the pod template`,
    stalled: 'LicenceForbidsCluster',
  };
}

/** A StatefulSet's pods appear within seconds. */
export const POD_APPEARS_MS = 60_000;

/**
 * Why a set has not `size` Ready pods yet; undefined when all of them are. Pods above that size are on their way out. A person has to act
 * where a container cannot run, which Kubernetes' own tools call failed too, and where the deadline has passed, as for a Deployment.
 * @param observed all sets, for what their sidecars say of a pod that somebody has deleted
 */
export function whyNotReady(set: NodeSet, size: number, observed: Observed): Hindrance | undefined {
  const { nowMs, blueGreen } = observed;
  const pods = keptPods(set, size);
  const unready = pods.find(({ failing, ready }) => failing && !ready) ?? pods.find(({ ready }) => !ready);
  if (unready) {
    const { name, problem, stuckBy, failing, report, unreadySinceMs = nowMs } = unready;
    const isLate = nowMs - unreadySinceMs > blueGreen.spec.progressDeadlineSeconds * 1000;
    const silent = report && !failing ? unheard(unready) : undefined;
    return {
      about: `${name} to become ready`,
      ...(isLate && { stalled: 'ProgressDeadlineExceeded' }),
      ...(silent ?? forbidden(unready) ?? { message: `${name} ${problem}` }),
      ...(stuckBy !== undefined && { stalled: 'PodFailing' }),
    };
  }
  if (pods.length >= size) return undefined;
  const ending = set.pods
    .filter(({ ordinal, terminating }) => terminating && ordinal < size)
    .map((pod) => drainWords(pod, observed));
  const about = `${set.name} to have its pods`;
  const has = `${set.name} has ${pods.length} of ${size} pods`;
  const { what, since = '' } = blueGreen.status?.waitingFor ?? {};
  // What the API server does not let a StatefulSet make is told by events only, which the controller may not read.
  if (ending.length === 0 && what === about && nowMs - Date.parse(since) > POD_APPEARS_MS) {
    const message = `${has}, and Kubernetes makes no other: kubectl describe statefulset ${set.name} says why (a quota, a LimitRange, a policy, Pod Security)`;
    return { message, about, stalled: 'PodsNotMade' };
  }
  return { message: [has, ...ending].join('; '), about };
}
