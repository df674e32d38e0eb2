import { MOST_NODES } from '../lib/bounds.js';
import { delaySecondsOf } from '../lib/delay.js';
import { sameJson } from '../lib/json.js';
import { BLUE_GREEN, LABEL } from '../lib/names.js';
import type { Phase } from '../lib/types.js';
import { abort } from './abort.js';
import { dropClaims, giveClaims, holdClaims, keepClaims } from './claims.js';
import { delayLeftMs } from './delay.js';
import { evacuationOf, isDrained } from './drained.js';
import { drainingPods } from './drains.js';
import { hindranceOf, justLabelled, notListed, whyNotReady } from './readiness.js';
import { grow, sustain } from './grow.js';
import { handBack, isBare, whyNotWithoutNodes } from './handBack.js';
import { letUp } from './hold.js';
import { hasRun, inTurn, whyNotMade, whyNotStart } from './pairing.js';
import { leave } from './leave.js';
import {
  NO_REVISION,
  type Decision,
  type NodeSet,
  type Observed,
  type Opening,
  type Pod,
  type Step,
} from './model.js';
import { pause } from './pause.js';
import { closedOf, tellingOf, turnOf } from './retire.js';
import { stay } from './stay.js';
import { consume, isPromoted } from './triggers.js';
import {
  hasNobody,
  isClientless,
  isEmpty,
  isOwnRevision,
  joinerOf,
  lostWords,
  nodeOf,
  situationOf,
  spokesmanOf,
  stayingPods,
  type Situation,
} from './situation.js';
import { firstOf, LATER_MS, progress, SOON_MS, waitFor, type Rule, type Verdict } from './verdict.js';
import { counted } from '../lib/words.js';

/** In order: the first rule that has something to say decides the pass. These can do with Kubernetes objects alone. */
const FIRST_RULES: Rule[] = [hold, restore, holdClaims, handBack, pin, unpin, preview];
/** And these at what sidecars say, too. */
const LATER_RULES: Rule[] = [
  pause,
  abort,
  letUp,
  consume,
  reopen,
  remake,
  discard,
  leave,
  sustain,
  grow,
  shrink,
  switchOver,
  retire,
  release,
  dropClaims,
  prune,
];
const RULES: Rule[] = [...FIRST_RULES, giveClaims, stay, tell, ...LATER_RULES];

/**
 * Chooses the next step from what was just observed. Pure: no client, clock, log or environment; nothing is remembered between
 * passes that the cluster could not tell again.
 */
export function plan(observed: Observed): Decision {
  const { situation, later } = inTurn(situationOf(observed));
  return decided(situation, firstOf(RULES, situation) ?? rest(situation), later);
}

/** What puts back what an edit took away, and so must not wait for a sidecar. */
const URGENT: ReadonlySet<Step['kind']> = new Set([
  'holdDeclaration',
  'carrySize',
  'relabelPod',
  'ownClaims',
  'labelPods',
  'pointServices',
  'pointPreview',
]);

/**
 * The same from Kubernetes objects alone, as far as something is urgent: a Service that selects every revision is pinned again though no
 * sidecar answers. Undefined: there is nothing, or nothing that could be decided without them.
 */
export function planUrgent(observed: Observed): Decision | undefined {
  const { situation, later } = inTurn(situationOf(observed));
  const rules = FIRST_RULES.map((rule) =>
    rule === holdClaims ? holdLastingClaims : rule === preview ? closePreview : rule,
  );
  const verdict = firstOf(rules, situation);
  return verdict && URGENT.has(verdict.step.kind) ? decided(situation, verdict, later) : undefined;
}

/** That claims outlive the declaration is urgent; that they go with it is the pass's to say, which may be about to switch to their set. */
function holdLastingClaims(situation: Situation): Verdict | undefined {
  const verdict = holdClaims(situation);
  return verdict?.step.kind === 'ownClaims' && verdict.step.owned ? undefined : verdict;
}

/** Without its key the preview Service selects both colours. Which of them it is to reach is the pass's to say, which knows who is ready. */
function closePreview(situation: Situation): Verdict | undefined {
  const { preview: service } = situation.observed;
  return service?.kind === 'found' && service.revision === undefined ? preview(situation) : undefined;
}

function decided(situation: Situation, said: Verdict, later: string | undefined): Decision {
  const { observed, activeName, wantedName, activeRevision, wantedRevision, wantedSize } = situation;
  let verdict = said;
  for (const beside of [lostWords(observed, wantedName), later])
    if (beside !== undefined) verdict = { ...verdict, message: `${verdict.message}; ${beside}` };
  const phase =
    verdict.phase === 'Progressing' ? (phaseAfterSwitch(situation) ?? 'Progressing') : verdict.phase;
  return {
    // At size 0 nothing of an upgrade can be done, so none is open: it begins when there are nodes again.
    settled:
      ['rest', 'letGo'].includes(verdict.step.kind) &&
      (activeRevision === wantedRevision || wantedSize === 0),
    ...verdict,
    phase,
    active: activeName,
    wanted: wantedName,
    activeRevision,
    wantedRevision,
    wantedSize,
  };
}

/** What is done while sets are being left belongs to that, whatever it is. */
function phaseAfterSwitch(situation: Situation): Phase | undefined {
  const { observed, active, wanted, others } = situation;
  const isLeaving = active !== undefined && active === wanted && others.some((set) => !isEmpty(set));
  if (!isLeaving) return undefined;
  const { upgrade } = observed.blueGreen.status ?? {};
  return upgrade && delayLeftMs(situation) > 0 ? 'Delaying' : 'Draining';
}

/** Step 0: what the webhook holds is put back, and the declared size is carried into the BlueGreen. */
function hold(situation: Situation): Verdict | undefined {
  const { declaration, blueGreen } = situation.observed;
  if (declaration.deleting)
    return {
      step: { kind: 'rest' },
      phase: 'Stable',
      message: `StatefulSet ${declaration.name} is being deleted`,
    };
  if (isBare(situation)) return undefined;
  if (!blueGreen.exists)
    return progress({ kind: 'createBlueGreen' }, 'making the BlueGreen with its defaults');
  const { replicas, heldReplicas, wish } = declaration;
  const gotPast = replicas !== heldReplicas;
  // The size that Sluice leaves in the end is 0: beside a wish for nodes that is a stale note, and no wish for none.
  const isStaleNote = replicas === 0 && (wish ?? 0) > 0;
  const isTooMany = replicas > MOST_NODES;
  if (!declaration.frozen || !declaration.managed || gotPast) {
    const taken = isStaleNote || isTooMany ? (wish ?? MOST_NODES) : replicas;
    const because = gotPast && isTooMany ? `: ${replicas} nodes are more than ${MOST_NODES}` : '';
    return progress(
      { kind: 'holdDeclaration', ...(gotPast && { wish: taken }) },
      `putting back what an edit past the webhook changed${because}`,
    );
  }
  if (declaration.wish !== undefined && declaration.wish !== blueGreen.carried) {
    return progress(
      { kind: 'carrySize', replicas: declaration.wish },
      `${counted(declaration.wish, 'node')} wanted`,
    );
  }
  return undefined;
}

/** What somebody took from a set is given back: its StatefulSet, left out from over its pods, or a pod's labels. */
function restore({ observed: { sets } }: Situation): Verdict | undefined {
  const orphaned = sets.find(({ kind }) => kind === 'orphaned');
  if (orphaned) {
    const size = 1 + Math.max(...orphaned.pods.map(({ ordinal }) => ordinal));
    return progress(
      { kind: 'restoreSet', set: orphaned.name, size },
      `StatefulSet ${orphaned.name} was deleted and left ${orphaned.pods.length} pods behind: it is made again to own them`,
    );
  }
  const stray = sets.flatMap(({ pods }) => pods).find(({ lostLabels }) => lostLabels !== undefined);
  if (!stray?.lostLabels) return undefined;
  const labels = stray.lostLabels;
  return progress(
    { kind: 'relabelPod', pod: stray.name, labels },
    `pod ${stray.name} lost label ${Object.keys(labels).join(', ')}, so that its StatefulSet let it go: it gets that back; to be rid of the pod, delete it`,
  );
}

/** Step 1: the Services select the active revision, and nothing else, before any other pod exists. */
function pin({ observed, active, wanted, activeRevision, activeName }: Situation): Verdict | undefined {
  const { services, sets } = observed;
  // Pods of the declaration come without the label, and come back without it.
  const own = [active, wanted].find((set) => set?.kind === 'declaration');
  const pods = own?.pods.filter((pod) => pod.revision !== own.revision).map(({ name }) => name) ?? [];
  if (own && pods.length > 0) {
    return progress({ kind: 'labelPods', pods, revision: own.revision }, `labelling the pods of ${own.name}`);
  }
  const unpinned = services.filter(({ revision, managed }) => revision !== activeRevision || !managed);
  if (unpinned.length === 0) return undefined;
  // Where no other pod exists, nobody is reached by mistake meanwhile.
  const isAlone = own === active && sets.every((set) => set === own || isEmpty(set));
  const unseen = own && isAlone ? justLabelled(own, observed) : undefined;
  if (unseen) return waitFor('Progressing', unseen);
  const names = unpinned.map(({ name }) => name);
  return progress(
    { kind: 'pointServices', services: names, revision: activeRevision },
    `pointing ${names.join(', ')} at ${activeName}`,
  );
}

/** A Service by which clients do not come any more selects what its user wrote: the revision that it was pinned to will have no pod. */
function unpin({ observed: { former } }: Situation): Verdict | undefined {
  if (former.length === 0) return undefined;
  return progress(
    { kind: 'unpinServices', services: former },
    `${former.join(', ')}, by which clients do not come, ${former.length > 1 ? 'select' : 'selects'} without revision`,
  );
}

/**
 * What sidecars are to know of a drain reaches them whatever else is waited for, for anybody may end a pod at any time. It takes nobody
 * anywhere, and so changes nothing of what the pass would have said.
 */
function tell(situation: Situation): Verdict | undefined {
  const told = tellingOf(situation);
  return told && { ...(firstOf(LATER_RULES, situation) ?? rest(situation)), ...told };
}

/**
 * The preview Service follows the wanted revision, but reaches green only once all of it is ready; until then it reaches nobody, so that
 * whoever tries green out never looks at blue.
 */
function preview(situation: Situation): Verdict | undefined {
  const { observed, wanted, activeRevision, wantedRevision } = situation;
  const { preview: service } = observed;
  if (service?.kind !== 'found') return undefined;
  // Green that is made anew is another one, whose nodes come one by one.
  const isLasting = wanted !== undefined && staleIn(situation).length === 0;
  const isThere = service.revision === wantedRevision || (wanted && !hindranceOf(situation, wanted));
  const isWhole = activeRevision === wantedRevision || (isLasting && isThere);
  const revision = isWhole ? wantedRevision : NO_REVISION;
  if (service.revision === revision && service.managed) return undefined;
  return progress(
    { kind: 'pointPreview', service: service.name, revision },
    isWhole
      ? `preview Service ${service.name} reaches revision ${revision}`
      : `preview Service ${service.name} reaches nobody until ${situation.wantedName} is ready`,
  );
}

/**
 * A green that was made with other values of `spec.emqx` is made anew while it holds nobody: its template is never edited, and with a wrong
 * port or key it would stay out for ever. One that clients have reached keeps what it was made with.
 */
function remake(situation: Situation): Verdict | undefined {
  const { observed, active, wanted } = situation;
  const fields = staleIn(situation);
  if (!wanted || fields.length === 0) return undefined;
  const isJoining =
    active &&
    stayingPods(active).some(({ ready, failing }) => !ready && !failing) &&
    !hasNobody(wanted, observed.sets);
  if (isJoining) return undefined;
  const because = `${wanted.name} was made with another ${fields.join(' and ')}, and is made anew`;
  if (wanted.size > 0) return progress({ kind: 'resize', set: wanted.name, to: 0, because }, because);
  if (wanted.pods.length > 0) return waitFor('Progressing', `${because} when its pods have gone`);
  return progress({ kind: 'deleteSet', set: wanted.name, because }, because);
}

/** The fields of `spec.emqx` for which a green that holds nobody is to be made anew. */
function staleIn(situation: Situation): string[] {
  const { observed, active, wanted } = situation;
  if (!wanted || wanted === active || wanted.kind !== 'revisionSet') return [];
  // What an aborted upgrade goes back to could not be made again: its template is nowhere else.
  if (!sameJson(wanted.template, observed.declaration.template)) return [];
  if (isListed(wanted, situation) || !isClientless(wanted, observed.sets)) return [];
  return (wanted.outdated ?? []).filter((field) => field.startsWith('spec.emqx.'));
}

/** Whether clients may be on their way to it. */
function isListed({ pods }: NodeSet, { observed }: Situation): boolean {
  return observed.services.some(({ readyPods }) => pods.some(({ name }) => readyPods.includes(name)));
}

/**
 * A green that is no longer wanted goes at once while it holds nobody: if it never joined, or if something else is to be made instead,
 * or if no client could reach it, be its API silent or not.
 */
function discard(situation: Situation): Verdict | undefined {
  const { observed, active, wanted, others } = situation;
  const isOutOfReach = ({ pods }: NodeSet): boolean => pods.every(({ ready }) => !ready);
  const isUnused = (set: NodeSet): boolean => {
    const mayGo =
      (active !== wanted || isOutOfReach(set)) &&
      !isListed(set, situation) &&
      isClientless(set, observed.sets);
    if (set.kind === 'revisionSet') return mayGo || hasNobody(set, observed.sets);
    // Its pods have no gate, should somebody come after all; they are in the way only of a hand-back to another template.
    return set.revision !== '' && active !== wanted && mayGo;
  };
  const unwanted = others.find(
    (set) =>
      set.kind !== 'lost' &&
      (set.size > 0 || set.pods.some(({ terminating }) => !terminating)) &&
      isUnused(set),
  );
  if (!unwanted) return undefined;
  if (joinerOf(situation) && !hasNobody(unwanted, observed.sets)) return undefined;
  // Whoever joins meanwhile may be given sessions, and would hand them on beside the node that drains now.
  const mayJoin = unwanted.pods.some(({ ready, failing, terminating }) => !ready && !failing && !terminating);
  if (mayJoin && drainingPods(observed).length >= observed.blueGreen.spec.maxConcurrentDrains)
    return undefined;
  // Nodes of what is active or wanted hand over to any other that has joined, whoever asked for it: sessions may be on their way.
  const kept = [active, wanted].flatMap((set) => set?.pods ?? []);
  const draining = drainingPods(observed);
  const isGiving = (pod: Pod): boolean =>
    draining.includes(pod) || (evacuationOf(pod, observed.sets) !== undefined && !isDrained(pod, observed));
  if (hasRun(unwanted, observed.sets) && kept.some(isGiving)) return undefined;
  const because = `${unwanted.name} is no longer wanted and holds no client`;
  // A set older than the active one was active once, and is kept at 0 to go back to. One with claims stays until they have gone. The
  // declaration is older than any.
  const { hasClaims, handingBack } = observed.declaration;
  const isNever = unwanted.kind === 'revisionSet' && !handingBack && !hasClaims && active !== undefined;
  if (isNever && unwanted.createdAtMs > active.createdAtMs) {
    return progress({ kind: 'deleteSet', set: unwanted.name, because }, because);
  }
  const open = unwanted.kind === 'declaration' ? openingOf(unwanted, situation) : undefined;
  return progress({ kind: 'resize', set: unwanted.name, to: 0, because, ...(open && { open }) }, because);
}

/** A node without a sidecar that stays after all takes clients again. Before a green that nobody wants goes: it may be the last that can ask. */
function reopen(situation: Situation): Verdict | undefined {
  const closed = closedOf(situation);
  const via = spokesmanOf(situation);
  if (!closed || !via) return undefined;
  return progress({ kind: 'stopEvacuation', ...closed, via: via.name }, `${closed.node} takes clients again`);
}

/**
 * Step 2, downwards: an autoscaler reaches what is active during a long wait too, and the wait goes on meanwhile. Where the switch is to come
 * by itself, what is active keeps its size until then: its clients would move to nodes that they have to leave too.
 */
function shrink(situation: Situation): Verdict | undefined {
  const { observed, active, wanted, wantedSize } = situation;
  if (active === wanted || wantedSize === 0 || joinerOf(situation)) return undefined;
  const surplus = [isSwitchNear(situation) ? undefined : active, wanted].find(
    (set) => set && set.size > wantedSize,
  );
  if (!surplus) return undefined;
  // A blue that is wanted again keeps its clients until it is active: else they would move there and back.
  if (surplus === wanted && !isClientless(wanted, observed.sets)) return undefined;
  const turn = turnOf(surplus, wantedSize, situation);
  return turn && turn.step.kind !== 'wait' ? { ...turn, phase: 'Progressing' } : undefined;
}

/** Nobody has to act for the Services to be switched. */
function isSwitchNear(situation: Situation): boolean {
  const { observed, wanted } = situation;
  if (!wanted || observed.services.length === 0) return false;
  const hindrance = hindranceOf(situation, wanted);
  if (!hindrance) return isLetGo(situation);
  return !hindrance.stalled && !wanted.pods.some(({ ready, failing }) => failing && !ready);
}

/** Whoever is left of a set that was deleted cannot wait for anybody's word. */
function isLetGo(situation: Situation): boolean {
  const { observed, active } = situation;
  return observed.blueGreen.spec.promotion.auto || active?.kind === 'lost' || isPromoted(situation);
}

/** Step 3: every green node is Ready and sees all the others; then, when promoted, each Service is pointed at green by one patch. */
function switchOver(situation: Situation): Verdict | undefined {
  const { observed, wanted, activeRevision, wantedRevision, wantedName, wantedSize } = situation;
  if (activeRevision === wantedRevision || wantedSize === 0) return undefined;
  if (observed.services.length === 0)
    return waitFor('Progressing', { message: noService(observed), stalled: 'NoService' });
  const refused = whyNotMade(situation);
  if (refused) return waitFor('Degraded', refused);
  const unfit = whyNotStart(situation);
  if (unfit) return waitFor('Progressing', unfit);
  if (!wanted) return undefined;
  const hindrance = hindranceOf(situation, wanted);
  if (hindrance) return waitFor('Progressing', hindrance);
  if (!isLetGo(situation)) {
    return waitFor(
      'AwaitingPromotion',
      `${wantedName} is ready; annotate sluice.dev/promote=${wantedRevision} to switch to it, or set spec.promotion.auto`,
    );
  }
  const kept = keepClaims(situation);
  if (kept) return kept;
  const services = observed.services.map(({ name }) => name);
  const open = wanted.kind === 'declaration' ? openingOf(wanted, situation) : undefined;
  return progress(
    {
      kind: 'pointServices',
      services,
      revision: wantedRevision,
      ...(open && { open }),
    },
    `switching ${services.join(', ')} to ${wantedName}`,
  );
}

/** All nodes of a set take clients again. */
function openingOf(set: NodeSet, situation: Situation): Opening | undefined {
  const via = spokesmanOf(situation);
  const nodes = stayingPods(set).flatMap((pod) => nodeOf(pod, situation.observed.sets)?.node ?? []);
  return via && { nodes, via: via.name };
}

/** Why there is nothing to switch, and what to do, in words. */
function noService({ declaration: { name }, leftAlone }: Observed): string {
  const why =
    leftAlone.length > 0 ? leftAlone.join('; ') : `none selects the pods of ${name}; create one that does`;
  return `no upgrade without a Service to switch: ${why}`;
}

/** Step 4: when the endpoints are green's alone and the delay has passed, the other sets go down, oldest first, pod by pod. */
function retire(situation: Situation): Verdict | undefined {
  const { observed, active, wanted, others, wantedSize } = situation;
  const { status } = observed.blueGreen;
  const shrinking = [active, wanted].find((set) => set && set.size > wantedSize);
  const leaving = active?.pods.some(({ ordinal }) => ordinal >= active.size) === true;
  const isTurnOfOthers = active === wanted || wantedSize === 0;
  const left = isTurnOfOthers ? others.filter((set) => !isEmpty(set)) : [];
  if (!active || (!shrinking && left.length === 0 && !leaving)) return undefined;

  const starting = [active, ...(wanted ? [wanted] : [])]
    .map((set) => whyNotReady(set, Math.min(set.size, wantedSize), observed) ?? notListed(set, observed.sets))
    .find(Boolean);
  if (starting)
    return waitFor('Draining', { ...starting, message: `no pod is taken down while ${starting.message}` });
  const oldest = left.find(({ size }) => size > 0) ?? left.find(({ kind }) => kind !== 'lost');
  // Of a set that was deleted nothing is taken down any more.
  if (oldest) {
    const mixed = endpointsApart(situation, active);
    if (mixed !== undefined) return waitFor('Delaying', mixed);
    const leftMs = delayLeftMs(situation);
    if (leftMs > 0) {
      const message = `${Math.ceil(leftMs / 1000)} of ${delaySecondsOf(observed.blueGreen.spec)} s until the first node drains`;
      const recorded = status?.upgrade?.switchedAt;
      const switchedAtMs =
        recorded === undefined ? observed.nowMs : Math.min(Date.parse(recorded), observed.nowMs);
      const delaying = waitFor('Delaying', message, Math.min(leftMs, SOON_MS));
      return active === wanted ? { ...delaying, switchedAtMs } : delaying;
    }
  }
  // What is active shrinks first, so that nobody is sent where he cannot stay; when all goes, it helps the others out before.
  const next = (wantedSize > 0 ? (shrinking ?? oldest) : (oldest ?? shrinking)) ?? left[0] ?? active;
  const turn = turnOf(next, left.includes(next) ? 0 : wantedSize, situation);
  return turn && { ...turn, phase: 'Draining' };
}

/** Why the EndpointSlices do not hold the active set's ready pods and no other set's, in words. */
function endpointsApart({ observed, wantedSize }: Situation, active: NodeSet): string | undefined {
  const expected = stayingPods(active).filter(({ ordinal }) => ordinal < wantedSize);
  for (const { name, readyPods } of observed.services) {
    const stray = readyPods.find((listed) => !active.pods.some((pod) => pod.name === listed));
    if (stray !== undefined) return `the endpoints of Service ${name} still list ${stray}`;
    const missing = expected.find((pod) => !readyPods.includes(pod.name));
    if (missing) return `the endpoints of Service ${name} do not list ${missing.name} yet`;
  }
  return undefined;
}

/** Nothing is left to be taken down, so there is nothing to hold either. */
function release({ observed: { declaration } }: Situation): Verdict | undefined {
  return declaration.drainHold && progress({ kind: 'holdDrains' }, 'no drain is held any more');
}

/** Sets beyond the history limit go, and those that nobody could go back to: they were made after what serves, and never served. */
function prune({ observed, active, others }: Situation): Verdict | undefined {
  const kept = others.filter((set) => set.kind === 'revisionSet' && isEmpty(set));
  const { history = [], upgrade } = observed.blueGreen.status ?? {};
  // One that was left had the clients; that it was switched to is noted where there is a delay, else by the end of its upgrade.
  const served = [
    ...[...history, ...(upgrade ? [upgrade] : [])].map(({ from }) => from),
    ...history.flatMap(({ to, switchedAt, result }) =>
      switchedAt !== undefined || result === 'succeeded' || result === 'rolledBack' ? [to] : [],
    ),
  ];
  const unused = kept.find(
    (set) =>
      active &&
      set.createdAtMs > active.createdAtMs &&
      !observed.claims.some(({ revision }) => revision === set.revision) &&
      !served.includes(set.name),
  );
  if (unused) {
    const because = `${unused.name} has never served`;
    return progress({ kind: 'deleteSet', set: unused.name, because }, because);
  }
  const oldest = kept[0];
  // Its claims go first: nothing would know them any more.
  if (!oldest || observed.claims.some(({ revision }) => revision === oldest.revision)) return undefined;
  if (kept.length <= observed.blueGreen.spec.revisionHistoryLimit) return undefined;
  const because = `more than revisionHistoryLimit (${observed.blueGreen.spec.revisionHistoryLimit}) sets are kept`;
  return progress({ kind: 'deleteSet', set: oldest.name, because }, because);
}

function rest(situation: Situation): Verdict {
  const { active, activeName, wantedSize, isAborted, observed } = situation;
  const { declaration, blueGreen } = observed;
  const notReady = active ? whyNotReady(active, wantedSize, observed) : undefined;
  if (notReady) {
    const isEnding = active?.pods.some(({ terminating }) => terminating) === true;
    // A first start, or a growth, is no degradation.
    const isOnItsWay = [undefined, 'Progressing'].includes(blueGreen.status?.phase);
    return waitFor(isOnItsWay ? 'Progressing' : 'Degraded', notReady, isEnding ? SOON_MS : LATER_MS);
  }
  if (isAborted && declaration.aborted) {
    const { revision, because } = declaration.aborted;
    const why = because === undefined ? '' : `: ${because}`;
    const message = `upgrade to revision ${revision} was aborted${why}; ${activeName} serves on with ${counted(wantedSize, 'node')}; ${wayOn(revision, observed)}`;
    return { step: { kind: 'rest' }, phase: 'Aborted', message, stalled: 'UpgradeAborted' };
  }
  const waiting = whyNotWithoutNodes(situation);
  if (waiting) return { step: { kind: 'rest' }, phase: 'Stable', ...waiting };
  return {
    step: { kind: 'rest' },
    phase: 'Stable',
    message: `${activeName} serves with ${counted(wantedSize, 'node')}`,
  };
}

/** What ends an abort, and what waits for that, in words. */
function wayOn(aborted: string, observed: Observed): string {
  const { name, handingBack } = observed.declaration;
  const retry = `annotate sluice.dev/retry=${aborted}`;
  if (!handingBack) return `${retry}, or edit the template again`;
  // What was refused may be the template, or the hand-back itself.
  const other = isOwnRevision(aborted, observed)
    ? `put label ${LABEL.upgrade}=${BLUE_GREEN} back`
    : `take the refused template back (kubectl rollout undo statefulset ${name}), or edit it again`;
  return `the hand-back of ${name} waits for that to end: ${retry}, or ${other}`;
}
