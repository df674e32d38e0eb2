import { sameJson } from '../lib/json.js';
import { otherRevisionOf, ownRevisionOf, revisionOf, setNameOf } from '../lib/revision.js';
import type { NodeSet, Observed, Pod } from './model.js';

/** Who is who in what was observed: the words of an upgrade, found anew on every pass. */
export interface Situation {
  observed: Observed;
  activeRevision: string;
  wantedRevision: string;
  /** Absent before the first set was made. */
  active?: NodeSet;
  wanted?: NodeSet;
  activeName: string;
  wantedName: string;
  /** Sets that are neither active nor wanted. */
  others: NodeSet[];
  wantedSize: number;
  /** The declaration asks for a revision that was aborted, so the one it was to replace is wanted. */
  isAborted: boolean;
}

/** Finds the active and the wanted revision and their sets. */
export function situationOf(observed: Observed): Situation {
  const { declaration, sets } = observed;
  const labelled = askedRevision(observed);
  const asked = declaration.handingBack ? askedWithoutLabel(observed, labelled) : labelled;
  const { aborted } = declaration;
  // A template that was refused is not wanted in the declaration's own pods either.
  const isRefused = aborted !== undefined && [asked, labelled].includes(aborted.revision);
  const isAborted = isRefused && canBeWanted(aborted.replacing, observed);
  const wantedRevision = isAborted ? aborted.replacing : asked;
  const activeRevision = findActive(observed, wantedRevision);
  const active = sets.find((set) => set.revision === activeRevision && mayBeActive(set, wantedRevision));
  const wanted = sets.find((set) => set.revision === wantedRevision && set.kind !== 'lost');
  return {
    observed,
    activeRevision,
    wantedRevision,
    ...(active && { active }),
    ...(wanted && { wanted }),
    activeName: active?.name ?? setNameOf(declaration.name, activeRevision),
    wantedName:
      wanted?.name ??
      (isOwnRevision(wantedRevision, observed)
        ? declaration.name
        : setNameOf(declaration.name, wantedRevision)),
    others: sets.filter((set) => set !== active && set !== wanted),
    wantedSize: observed.blueGreen.spec.replicas ?? declaration.wish ?? declaration.replicas,
    isAborted,
  };
}

/**
 * Whether there is a set to go back to; without it its template is nowhere any more. The declaration's own pods serve no more once
 * something else does: when the last of them goes, the StatefulSet comes back with the new template.
 */
export function canBeWanted(revision: string, { sets, services }: Observed): boolean {
  const set = sets.find((each) => each.revision === revision && each.kind !== 'lost');
  if (set?.kind !== 'declaration') return set !== undefined;
  const isAlone = sets.every(({ kind }) => kind === 'declaration');
  return isAlone || services.some((service) => service.revision === revision);
}

/** The revision of the declaration's present template: of the set that has the same template by value, else a new name. */
function askedRevision(observed: Observed): string {
  const { declaration, sets, services } = observed;
  const same = sets
    .filter(
      ({ revision, template }) => canBeWanted(revision, observed) && sameJson(template, declaration.template),
    )
    .map(({ revision }) => revision);
  // Of two with the same template, which a hand-back makes, the one that serves: moving its clients would be for nothing.
  const serving = same.filter((revision) => services.some((service) => service.revision === revision));
  return serving.at(-1) ?? same.at(-1) ?? freeRevision(observed);
}

/**
 * What a declaration without its label asks for: that its own pods take over; but an upgrade in progress ends first.
 * @param labelled what it would ask for with the label
 */
function askedWithoutLabel(observed: Observed, labelled: string): string {
  const { declaration, sets } = observed;
  const active = findActive(observed, labelled);
  const own = sets.find(({ kind }) => kind === 'declaration');
  if (own && !isEmpty(own)) {
    if (sameJson(own.template, declaration.template)) return own.revision;
    // Its pods of another template serve, or hand over still, or nobody can tell whether they do. Else they hold nobody, and go.
    if (own.revision === active || !isAnybodyHeard(sets) || !isClientless(own, sets)) return labelled;
  }
  const isInProgress = sets.some(
    (set) =>
      set !== own &&
      set.revision !== active &&
      !isEmpty(set) &&
      (set.revision === labelled || !isClientless(set, sets)),
  );
  return isInProgress ? labelled : ownRevisionOf(declaration.name, declaration.template);
}

/** Whether pods of this revision would be the declaration's own, which are never made as a set. */
export function isOwnRevision(revision: string, { declaration }: Observed): boolean {
  return declaration.handingBack && revision === ownRevisionOf(declaration.name, declaration.template);
}

/**
 * A revision for the present template. Pods of a set that was deleted hold their names until they have ended; while clients have
 * nobody else, another name does not wait for that. Nodes that keep their data do all the same: it lies on claims of those names.
 */
function freeRevision(observed: Observed): string {
  const { declaration, sets, services } = observed;
  const { name, template, hasClaims } = declaration;
  const left = revisionOfClaims(observed);
  if (left !== undefined) return left;
  let revision = revisionOf(name, template);
  // A set that started on the claims of another one has the name of that one's template.
  const isHeld = (set: NodeSet): boolean =>
    set.kind !== 'lost' ||
    (!hasClaims && services.some((service) => service.revision === revision)) ||
    comesBack(set, observed);
  const isTaken = (): boolean => sets.some((set) => set.revision === revision && isHeld(set));
  while (isTaken()) revision = otherRevisionOf(name, template, revision);
  return revision;
}

/**
 * The revision of claims that a set has left which had the clients, or which was the last one to have them, or else the newest: a deleted declaration leaves them to the
 * next one of its name, whose first set starts on them under that name, whatever its template.
 */
function revisionOfClaims(observed: Observed): string | undefined {
  const { declaration, blueGreen, sets, services, claims } = observed;
  if (sets.some((set) => comesBack(set, observed))) return undefined;
  const left = claims.filter(({ revision }) =>
    sets.every((set) => set.revision !== revision || set.kind === 'lost'),
  );
  const selected = left.find(({ revision }) => services.some((service) => service.revision === revision));
  if (selected) return selected.revision;
  if (sets.some(({ kind }) => kind !== 'lost')) return undefined;
  // A BlueGreen that the user has made outlives the declaration too.
  const last = left.find(
    ({ revision }) => setNameOf(declaration.name, revision) === blueGreen.status?.active,
  );
  if (last) return last.revision;
  return left.toSorted((a, b) => b.createdAtMs - a.createdAtMs)[0]?.revision;
}

/**
 * A set that had the clients and was deleted, whose data is on claims and whose template is known: it is made again as it was, and only
 * then upgraded to the one that is asked for now. Else nodes of a version that nobody has compared would start on that data.
 */
export function comesBack(set: NodeSet, { declaration, services }: Observed): boolean {
  return (
    set.kind === 'lost' &&
    declaration.hasClaims &&
    Object.keys(set.template).length > 0 &&
    !sameJson(set.template, declaration.template) &&
    services.some(({ revision }) => revision === set.revision)
  );
}

/** A set that was deleted is active until another takes over, unless it is itself to be made again. */
function mayBeActive({ kind, revision }: NodeSet, wantedRevision: string): boolean {
  return kind !== 'lost' || revision !== wantedRevision;
}

/**
 * The revision that the Services select, if it has a set. When they disagree, a switch was cut short, or a Service came with a key of
 * another time: then the wanted one if it is whole, else the one that last was active, else one that has pods. One that has none counts
 * only where none with pods is selected or last was active. None of them: the one that last was active if it has pods, else whoever serves,
 * else the one that last was active, else one that has pods, else the wanted one.
 */
function findActive(
  { declaration, services, sets: all, blueGreen }: Observed,
  wantedRevision: string,
): string {
  const sets = all.filter((set) => mayBeActive(set, wantedRevision));
  const selected = services.flatMap(({ revision }) => sets.find((set) => set.revision === revision) ?? []);
  const wanted = selected.find(({ revision }) => revision === wantedRevision);
  const lastActive = sets.find(({ name }) => name === blueGreen.status?.active);
  const hasPods = (set: NodeSet | undefined): boolean => set !== undefined && set.pods.length > 0;
  // What ends is active by a Service's word or the status's alone: pinned to it, a Service would forget whose data is to be made again.
  const running = sets.filter((set) => !isEmpty(set) && set.kind !== 'lost');
  const candidates = [
    wanted && isWhole(wanted) ? wanted : undefined,
    lastActive && selected.includes(lastActive) ? lastActive : undefined,
    hasPods(wanted) ? wanted : undefined,
    selected.find(hasPods),
    // A Service that was made anew from an old file selects what has been left; not so one whose set was deleted under it.
    selected.every(({ kind }) => kind !== 'lost') && hasPods(lastActive) ? lastActive : undefined,
    wanted ?? selected[0],
    // A Service has to be pointed somewhere; without any, a pod that is made anew takes nothing from the set that it is of. Nor from one
    // whose data would go with it.
    services.length > 0 &&
    !hasPods(lastActive) &&
    !(declaration.hasClaims && lastActive?.kind === 'revisionSet')
      ? mostReady(running, wantedRevision)
      : undefined,
    lastActive,
    running.find(({ kind }) => kind === 'revisionSet') ?? running[0],
  ];
  return candidates.find((set) => set !== undefined)?.revision ?? wantedRevision;
}

/** Who has the most Ready pods that stay; of several, the wanted one. Undefined: there are none, or of no revision that is known. */
function mostReady(all: NodeSet[], wantedRevision: string): NodeSet | undefined {
  const sets = all.filter(({ revision }) => revision !== '');
  const readyOf = (set: NodeSet): number => stayingPods(set).filter(({ ready }) => ready).length;
  const most = Math.max(...sets.map(readyOf));
  const best = most > 0 ? sets.filter((set) => readyOf(set) === most) : [];
  return best.find(({ revision }) => revision === wantedRevision) ?? best[0];
}

/** All of its pods are Ready. */
function isWhole({ size, pods }: NodeSet): boolean {
  return size > 0 && pods.filter(({ ready, ordinal }) => ready && ordinal < size).length === size;
}

function hostOf(node: string): string {
  return node.slice(node.indexOf('@') + 1);
}

/** Name of the pod that an EMQX node runs in: the first label of its host. */
export function podOfNode(node: string): string {
  return hostOf(node).split('.')[0] ?? '';
}

/** What all sidecars together know of one pod's EMQX node; absent when no node's view has ever listed it as running. */
export function nodeOf(
  pod: Pod,
  sets: NodeSet[],
): { node: string; sessions: number; clients: number } | undefined {
  const seen = reportsOf(sets)
    .flatMap(({ nodes }) => nodes)
    .filter(({ node, node_status }) => node_status === 'running' && isNodeOf(pod, node));
  const node = seen[0]?.node;
  if (node === undefined) return undefined;
  // The views of several nodes may lag behind one another: the largest figure is the careful one.
  const sessions = Math.max(...seen.map(({ connections }) => connections ?? 0));
  return {
    node,
    sessions,
    clients: Math.max(
      ...seen.map(({ live_connections, connections }) => live_connections ?? connections ?? 0),
    ),
  };
}

/**
 * Whether `node` is the EMQX node of `pod`: by the sidecar's own word, else by the host: the pod's name, its address, or its name in the
 * cluster's DNS (`10-0-0-5.mq.pod.cluster.local`, as EMQX's discovery with `address_type = dns` calls it).
 */
export function isNodeOf(pod: Pod, node: string): boolean {
  if (pod.report?.self !== undefined) return pod.report.self === node;
  const { name, podIp } = pod;
  const host = podOfNode(node);
  return host === name || hostOf(node) === podIp || host === podIp?.replaceAll(/[.:]/g, '-');
}

/** Reports of sidecars whose EMQX answers. */
export function reportsOf(sets: NodeSet[]): NonNullable<Pod['report']>[] {
  return sets
    .flatMap(({ pods }) => pods)
    .flatMap(({ report }) => (report?.api.kind === 'ok' ? [report] : []));
}

/** Whether any member of the EMQX cluster tells which nodes run in it: where none does, that a node is not listed proves nothing. */
export function isAnybodyHeard(sets: NodeSet[]): boolean {
  return reportsOf(sets).some(({ joined }) => joined);
}

/**
 * A pod whose sidecar can act on the EMQX cluster for others: of the active set if possible. One that is on its way out can too, while it
 * answers: where all others were deleted at once, nobody else could.
 */
export function spokesmanOf({ observed, active, wanted }: Situation): Pod | undefined {
  const sets = [active, wanted, ...observed.sets].flatMap((set) => set ?? []);
  const staying = sets.flatMap(stayingPods).filter(({ ready }) => ready);
  const leaving = sets.flatMap(({ pods }) => pods).filter(({ terminating }) => terminating);
  return [...staying, ...leaving].find(({ report }) => report?.api.kind === 'ok' && report.joined);
}

/** A pod of what is or becomes active that is starting or joining: if the node that it joins is stopped, its join fails for good. */
export function joinerOf({ active, wanted, wantedSize }: Situation): Pod | undefined {
  return [active, wanted]
    .flatMap((set) => (set ? stayingPods(set) : []))
    .find(({ ready, failing, ordinal }) => !ready && !failing && ordinal < wantedSize);
}

/** A node that is drained, or never held anybody, and whose pod is about to end. */
export function stoppingOf({ observed: { sets } }: Situation): Pod | undefined {
  return sets
    .flatMap(({ pods, size }) => pods.filter(({ terminating, ordinal }) => terminating || ordinal >= size))
    .find((pod) => nodeOf(pod, sets)?.sessions === 0);
}

/** None of a set's nodes has ever joined: there is nobody to hand over. */
export function hasNobody(set: NodeSet, sets: NodeSet[]): boolean {
  return set.pods.every(
    (pod) => !pod.ready && pod.report?.joined !== true && nodeOf(pod, sets) === undefined,
  );
}

/** A set holds no session and no client, as far as every node that answers knows; false when nobody tells of a Ready pod's node. */
export function isClientless(set: NodeSet, sets: NodeSet[]): boolean {
  return set.pods.every((pod) => {
    const node = nodeOf(pod, sets);
    return node ? node.sessions === 0 : !pod.ready && pod.report?.joined !== true;
  });
}

/** Whether a set has come down for good: no pod is there, and none is asked for. */
export function isEmpty({ size, pods }: NodeSet): boolean {
  return size === 0 && pods.length === 0;
}

/** Pods of more than one revision are there, or asked for: a Service without its revision key selects all of them. */
export function isMixed(sets: NodeSet[]): boolean {
  return sets.filter((set) => !isEmpty(set)).length > 1;
}

/** The pods that a set keeps at its present size and that are not on their way out. */
export function stayingPods({ pods, size }: NodeSet): Pod[] {
  return pods.filter(({ ordinal, terminating }) => ordinal < size && !terminating);
}

/** That the set which had the clients was deleted, in words; undefined when it was not. */
export function lostWords(observed: Observed, wantedName: string): string | undefined {
  const { sets, services } = observed;
  const lost = sets.find(
    ({ kind, revision }) => kind === 'lost' && services.some((service) => service.revision === revision),
  );
  if (!lost) return undefined;
  const ends = lost.pods.length > 0 ? 'its pods drain and end, and ' : '';
  const isOnItsData = comesBack(lost, observed) || lost.name === wantedName;
  const isKnown = Object.keys(lost.template).length > 0;
  const from = isKnown ? '' : ', from the template that is asked for now: its own is not known any more';
  const then = isOnItsData ? `it is made again on its data${from}` : `${wantedName} takes its place`;
  return `StatefulSet ${lost.name}, which had the clients, was deleted: ${ends}${then}`;
}

/** Whether clients may be on their way to it. */
export function isListed({ pods }: NodeSet, { observed }: Situation): boolean {
  return observed.services.some(({ readyPods }) => pods.some(({ name }) => readyPods.includes(name)));
}
