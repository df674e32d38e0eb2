import { isRevision, setNameOf, setPartOf } from '../lib/revision.js';
import type { NodeSet, Observed, Pod } from './model.js';
import { isEmpty, isNodeOf, podOfNode, reportsOf, spokesmanOf, type Situation } from './situation.js';
import { progress, type Verdict } from './verdict.js';

/** A node that restarts as a member finds the others within seconds, and answers for itself before; this is more than it takes. */
const ALONE_MS = 30_000;

/** Step 5: stopped nodes leave the EMQX cluster. Early in the order: a pod back under an old name waits for it, and others for that pod. */
export function leave(situation: Situation): Verdict | undefined {
  const leaver = leaverOf(situation);
  return (
    leaver && progress({ kind: 'leave', ...leaver }, `${leaver.node} has stopped and leaves the EMQX cluster`)
  );
}

/**
 * A stopped EMQX node that may leave the EMQX cluster now, and the pod whose sidecar is to ask for it. Never a running node; a node that may
 * keep its data on a claim only when its set is neither active nor wanted and has come down to 0, or when its pod is there without any.
 */
function leaverOf(situation: Situation): { node: string; via: string } | undefined {
  const { observed, active, wanted } = situation;
  const via = spokesmanOf(situation);
  // EMQX 4 has no call for it
  if (!via?.report || via.report.emqxApi === 'v4') return undefined;
  const running = new Set(
    reportsOf(observed.sets).flatMap(({ nodes, self }) => [
      ...nodes.flatMap((node) => (node.node_status === 'running' ? [node.node] : [])),
      ...(self !== undefined ? [self] : []),
    ]),
  );
  const stopped = via.report.nodes.filter(
    ({ node, node_status }) => node_status === 'stopped' && mayLeave(node),
  );
  const leaver = stopped[0];
  return leaver && { node: leaver.node, via: via.name };

  function mayLeave(node: string): boolean {
    const place = placeOf(node, observed);
    if (!place) return false;
    const { set, pod } = place;
    if (pod && isRefused(pod, node, observed)) return true;
    if (observed.declaration.hasClaims) {
      return set !== active && set !== wanted && (set === undefined || isEmpty(set)) && !running.has(node);
    }
    if (!pod) return !running.has(node);
    // A pod without a sidecar is Ready before it joins, so a fresh one that is not listed as running is refused.
    return set?.kind === 'declaration' && pod.ready && pod.restarts === 0 && !running.has(node);
  }
}

/**
 * A node whose pod has gone and that somebody still lists as running: EMQX has not noticed yet, or the list was read before. It is to leave as
 * soon as it is known to have stopped.
 */
export function unnoticed({ observed }: Situation): string | undefined {
  const running = reportsOf(observed.sets).flatMap(({ nodes }) =>
    nodes.filter(({ node_status }) => node_status === 'running'),
  );
  const isGone = (node: string): boolean => {
    const place = placeOf(node, observed);
    return place !== undefined && place.pod === undefined;
  };
  return running.find(({ node }) => isGone(node))?.node;
}

/** What keeps stopped nodes of EMQX 4 listed, in words; empty when there are none. */
export function lingeringWords(observed: Observed): string {
  const reports = reportsOf(observed.sets).filter(({ emqxApi }) => emqxApi === 'v4');
  const nodes = reports.flatMap((report) => report.nodes);
  const isRunning = (name: string): boolean =>
    nodes.some(({ node, node_status }) => node === name && node_status === 'running');
  const isGone = (name: string): boolean => {
    const place = placeOf(name, observed);
    return place !== undefined && place.pod === undefined;
  };
  const gone = [...new Set(nodes.map(({ node }) => node))].filter((name) => !isRunning(name) && isGone(name));
  return gone.length === 0
    ? ''
    : `EMQX still lists ${gone.sort().join(', ')}, which ${gone.length === 1 ? 'has' : 'have'} stopped: EMQX 4 has no call for leaving its cluster, its autoclean does it`;
}

/**
 * A pod under the name of a node that the cluster still knows as stopped: EMQX is up, alone, and refused until that node leaves. What it
 * has on its disk decides, however often it was restarted and whatever is on claims: a node that is a member still lists the others, be it
 * as stopped.
 */
function isRefused(pod: Pod, node: string, { declaration, nowMs }: Observed): boolean {
  const { report, restarts, unreadySinceMs = nowMs } = pod;
  const isAlone =
    !pod.terminating &&
    report?.api.kind === 'ok' &&
    report.self === node &&
    !report.joined &&
    [...report.clusterNodes, ...report.nodes.map((member) => member.node)].every((name) => name === node);
  // A disk that is as new as the pod knows nobody; any other one is given the time to say whom it knows.
  const isNew = !declaration.hasClaims && restarts === 0;
  return isAlone && (isNew || nowMs - unreadySinceMs >= ALONE_MS);
}

/**
 * The set and the pod that a node belongs to, as far as they are there; undefined when it is none of this declaration's. A node that is named by
 * its pod's address is told by that while the pod is there, and by what the status has noted of it when the pod has gone.
 */
function placeOf(node: string, observed: Observed): { set?: NodeSet; pod?: Pod } | undefined {
  const { sets, blueGreen, declaration } = observed;
  for (const set of sets) {
    const pod = set.pods.find((each) => isNodeOf(each, node));
    if (pod) return { set, pod };
  }
  const podName = podOfNode(node);
  const setName = setPartOf(podName);
  const noted = blueGreen.status?.emqxNodes?.find((each) => each.node === node)?.revision;
  const set = sets.find(({ name, revision }) => name === setName || revision === noted);
  if (set) return { set };
  // A set that is gone already: `<declaration>-<revision>`, or the declaration's own pods.
  const { name } = declaration;
  const revision = setName.slice(setName.lastIndexOf('-') + 1);
  const isOurs = setName === name || (isRevision(revision) && setName === setNameOf(name, revision));
  return noted !== undefined || (isOurs && /^\d+$/.test(podName.slice(podName.lastIndexOf('-') + 1)))
    ? {}
    : undefined;
}
