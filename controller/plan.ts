import type { Phase } from '../lib/types.js';
import { hindranceOf } from './gate.js';
import { leaverOf } from './leave.js';
import type { Decision, NodeSet, Observed, Step } from './model.js';
import { closedOf, tellingOf, turnOf } from './retire.js';
import {
  canBeWanted,
  hasNobody,
  isClientless,
  joinerOf,
  situationOf,
  spokesmanOf,
  stoppingOf,
  stayingPods,
  whyNotReady,
  type Situation,
} from './situation.js';

/** What a rule decides; the rest of the {@link Decision} is the same for every rule. */
interface Verdict {
  step: Step;
  phase: Phase;
  message: string;
  stalled?: boolean;
  switchedAtMs?: number;
}

type Rule = (situation: Situation) => Verdict | undefined;

const SOON_MS = 1_000;
const LATER_MS = 10_000;
/** A StatefulSet's pods appear within seconds; where none does for so long it is refused, and another template may be what mends it. */
const POD_APPEARS_MS = 60_000;

/** In order: the first rule that has something to say decides the pass. */
const RULES: Rule[] = [
  hold,
  pin,
  pause,
  abort,
  discard,
  leave,
  reopen,
  grow,
  shrink,
  switchOver,
  retire,
  prune,
];

/**
 * Chooses the next step from what was just observed. Pure: no client, clock, log or environment; nothing is remembered between
 * passes that the cluster could not tell again.
 */
export function plan(observed: Observed): Decision {
  const situation = situationOf(observed);
  const { activeName, wantedName, activeRevision, wantedRevision, wantedSize } = situation;
  let verdict: Verdict | undefined;
  for (const rule of RULES) verdict ??= rule(situation);
  verdict ??= rest(situation);
  return {
    stalled: false,
    // At size 0 nothing of an upgrade can be done, so none is open: it begins when there are nodes again.
    settled: verdict.step.kind === 'rest' && (activeRevision === wantedRevision || wantedSize === 0),
    ...verdict,
    active: activeName,
    wanted: wantedName,
    activeRevision,
    wantedRevision,
    wantedSize,
  };
}

/** Step 0: what the webhook holds is put back, and the declared size is carried into the BlueGreen. */
function hold({ observed: { declaration, blueGreen } }: Situation): Verdict | undefined {
  if (declaration.deleting)
    return { step: { kind: 'rest' }, phase: 'Stable', message: 'the declaration is being deleted' };
  if (!blueGreen.exists)
    return progress({ kind: 'createBlueGreen' }, 'making the BlueGreen with its defaults');
  const gotPast = declaration.replicas !== declaration.heldReplicas;
  if (!declaration.frozen || !declaration.managed || gotPast) {
    return progress(
      { kind: 'holdDeclaration', ...(gotPast && { wish: declaration.replicas }) },
      'putting back what an edit past the webhook changed',
    );
  }
  if (declaration.wish !== undefined && declaration.wish !== blueGreen.carried) {
    return progress(
      { kind: 'carrySize', replicas: declaration.wish },
      `${declaration.wish} nodes are wanted`,
    );
  }
  return undefined;
}

/** Step 1: the Services select the active revision, and nothing else, before any other pod exists. */
function pin({
  observed: { services, declaration },
  active,
  activeRevision,
  activeName,
}: Situation): Verdict | undefined {
  // Pods of the declaration come back without the label.
  const unlabelled =
    active?.name === declaration.name ? active.pods.filter((pod) => pod.revision !== activeRevision) : [];
  if (unlabelled.length > 0) {
    const pods = unlabelled.map(({ name }) => name);
    return progress(
      { kind: 'labelPods', pods, revision: activeRevision },
      `labelling the pods of ${activeName}`,
    );
  }
  const unpinned = services.filter(({ revision, managed }) => revision !== activeRevision || !managed);
  if (unpinned.length === 0) return undefined;
  const names = unpinned.map(({ name }) => name);
  return progress(
    { kind: 'pointServices', services: names, revision: activeRevision },
    `pointing ${names.join(', ')} at ${activeName}`,
  );
}

function pause({ observed }: Situation): Verdict | undefined {
  if (!observed.blueGreen.spec.paused) return undefined;
  return {
    step: { kind: 'wait', forMs: LATER_MS },
    phase: 'Paused',
    message: 'paused: set spec.paused to false to go on',
  };
}

/** An upgrade that was refused, by a person or by its deadline; and the end of a refusal. */
function abort(situation: Situation): Verdict | undefined {
  const { observed, wantedRevision, wantedName, isAborted } = situation;
  const { aborted, abort, retry } = observed.declaration;
  if (aborted) {
    const isRetried = [aborted.revision, 'true'].includes(retry);
    if (isAborted && !isRetried) return undefined;
    return progress({ kind: 'clearAborted' }, 'a new revision or a retry ends the abort');
  }
  const replacing = replacedRevision(situation);
  const isRefused = [wantedRevision, wantedName].includes(abort);
  const because = isRefused ? `annotation abort names ${abort}` : whyLate(situation);
  if (replacing !== undefined && because !== undefined) {
    return progress(
      { kind: 'abort', revision: wantedRevision, replacing, because },
      `upgrade to ${wantedName} aborted: ${because}`,
    );
  }
  // Left there, they would hit a later upgrade to the same revision.
  if (abort === '' && retry === '') return undefined;
  return progress({ kind: 'clearAborted' }, 'there is no upgrade that the annotations abort and retry name');
}

/** The revision that the upgrade in progress is to replace, if there is a way back to it. */
function replacedRevision({
  observed,
  activeRevision,
  wantedRevision,
  wantedName,
}: Situation): string | undefined {
  const upgrade = observed.blueGreen.status?.upgrade;
  const from = observed.sets.find(({ name }) => upgrade?.to === wantedName && name === upgrade.from);
  const replaced = activeRevision === wantedRevision ? from?.revision : activeRevision;
  if (replaced === undefined || replaced === wantedRevision) return undefined;
  return canBeWanted(replaced, observed) ? replaced : undefined;
}

/** Why an upgrade has missed its deadline, in words. */
function whyLate({ observed, wanted, wantedName, wantedSize, ...situation }: Situation): string | undefined {
  const { spec, status } = observed.blueGreen;
  const isSwitched = situation.activeRevision === situation.wantedRevision;
  if (isSwitched || wantedSize === 0 || status?.upgrade?.to !== wantedName) return undefined;
  const elapsedSeconds = (observed.nowMs - Date.parse(status.upgrade.startedAt)) / 1000;
  if (elapsedSeconds <= spec.progressDeadlineSeconds) return undefined;
  const notReady = wanted ? whyNotReady(wanted, wantedSize) : 'its set was not made';
  return (
    notReady && `not ready within progressDeadlineSeconds (${spec.progressDeadlineSeconds} s): ${notReady}`
  );
}

/** A green that is no longer wanted goes at once while it holds nobody: if it never joined, or if something else is to be made instead. */
function discard(situation: Situation): Verdict | undefined {
  const { observed, active, wanted, others, isAborted } = situation;
  const isReplaced = active !== wanted || isAborted;
  const unwanted = others.find(
    (set) =>
      set.kind === 'revisionSet' &&
      (set.size > 0 || set.pods.some(({ terminating }) => !terminating)) &&
      (hasNobody(set, observed.sets) || (isReplaced && isClientless(set, observed.sets))),
  );
  if (!unwanted) return undefined;
  if (joinerOf(situation) && !hasNobody(unwanted, observed.sets)) return undefined;
  const because = `${unwanted.name} is no longer wanted and holds no client`;
  // A set older than the active one was active once, and is kept at 0 to go back to.
  if (active && unwanted.createdAtMs > active.createdAtMs) {
    return progress({ kind: 'deleteSet', set: unwanted.name, because }, because);
  }
  return progress({ kind: 'resize', set: unwanted.name, to: 0, because }, because);
}

/** A node without a sidecar that stays after all takes clients again. */
function reopen(situation: Situation): Verdict | undefined {
  const closed = closedOf(situation);
  const via = spokesmanOf(situation);
  if (closed === undefined || !via) return undefined;
  return progress({ kind: 'stopEvacuation', node: closed, via: via.name }, `${closed} takes clients again`);
}

/** Step 2: the active revision first, then the wanted one, each has a set of the wanted size. */
function grow(situation: Situation): Verdict | undefined {
  const { active, wanted, activeRevision, wantedRevision, activeName, wantedName, wantedSize } = situation;
  if (active && active.size >= wantedSize) {
    if (activeRevision === wantedRevision || wantedSize === 0) return undefined;
    if (wanted && wanted.size >= wantedSize) return undefined;
    const blank = whyBlank(active, situation);
    if (blank !== undefined) return waitFor('Progressing', `${blank}; it comes back before it is replaced`);
  }
  // Whoever joins may choose a node that is about to stop, and then stays apart for good.
  const stopping = stoppingOf(situation);
  if (stopping) return waitFor('Progressing', `${stopping.name} is drained and stopping`);
  if (!active) return make(activeName, activeRevision, wantedSize);
  if (active.size < wantedSize) return enlarge(active, wantedSize);
  return wanted ? enlarge(wanted, wantedSize) : make(wantedName, wantedRevision, wantedSize);
}

/** Green on empty disks with nobody alive to copy from would lose users, rules and retained messages. */
function whyBlank(active: NodeSet, { observed }: Situation): string | undefined {
  const pods = stayingPods(active);
  if (pods.some(({ ready }) => ready)) return undefined;
  const starting = pods.find(({ failing }) => !failing);
  if (starting) return `${starting.name} ${starting.problem}`;
  const startedAt = observed.blueGreen.status?.upgrade?.startedAt;
  const isLate = startedAt !== undefined && observed.nowMs - Date.parse(startedAt) > POD_APPEARS_MS;
  return pods.length > 0 || isLate ? undefined : `${active.name} has no pod yet`;
}

function make(name: string, revision: string, size: number): Verdict {
  return progress({ kind: 'makeSet', name, revision, size }, `making ${name} with ${size} nodes`);
}

function enlarge(set: NodeSet, to: number): Verdict {
  const because = `${to} nodes are wanted`;
  return progress({ kind: 'resize', set: set.name, to, because }, `${set.name} grows to ${to}: ${because}`);
}

/** Step 2, downwards: an autoscaler reaches what is active during a long wait too, and the wait goes on meanwhile. */
function shrink(situation: Situation): Verdict | undefined {
  const { active, wanted, wantedSize } = situation;
  const surplus = [active, wanted].find((set) => set && set.size > wantedSize);
  if (active === wanted || wantedSize === 0 || !surplus || joinerOf(situation)) return undefined;
  const turn = turnOf(surplus, wantedSize, situation);
  return turn && turn.step.kind !== 'wait' ? { ...turn, phase: 'Progressing' } : undefined;
}

/** Step 3: every green node is Ready and sees all the others; then, when promoted, each Service is pointed at green by one patch. */
function switchOver(situation: Situation): Verdict | undefined {
  const { observed, wanted, activeRevision, wantedRevision, wantedName, wantedSize } = situation;
  if (activeRevision === wantedRevision || !wanted || wantedSize === 0) return undefined;
  const hindrance = hindranceOf(situation, wanted);
  if (hindrance) return { ...waitFor('Progressing', hindrance.message), stalled: hindrance.stalled };
  const { promotion } = observed.blueGreen.spec;
  if (!promotion.auto && ![wantedRevision, wantedName].includes(observed.declaration.promote)) {
    return waitFor(
      'AwaitingPromotion',
      `${wantedName} is ready; annotate sluice.dev/promote=${wantedRevision} to switch to it`,
    );
  }
  const services = observed.services.map(({ name }) => name);
  return progress(
    { kind: 'pointServices', services, revision: wantedRevision },
    `switching ${services.join(', ')} to ${wantedName}`,
  );
}

/** Step 4: when the endpoints are green's alone and the delay has passed, the other sets go down, oldest first, pod by pod. */
function retire(situation: Situation): Verdict | undefined {
  const { observed, active, wanted, others, wantedSize } = situation;
  const { spec, status } = observed.blueGreen;
  const shrinking = [active, wanted].find((set) => set && set.size > wantedSize);
  const leaving = active?.pods.some(({ ordinal }) => ordinal >= active.size) === true;
  const isTurnOfOthers = active === wanted || wantedSize === 0;
  const left = isTurnOfOthers ? others.filter(({ size, pods }) => size > 0 || pods.length > 0) : [];
  const told = tellingOf(situation);
  if (told) return { ...told, phase: left.length > 0 ? 'Draining' : 'Stable' };
  if (!active || (!shrinking && left.length === 0 && !leaving)) return undefined;

  const starting = [active, ...(wanted ? [wanted] : [])]
    .map((set) => whyNotReady(set, Math.min(set.size, wantedSize)))
    .find(Boolean);
  if (starting !== undefined) return waitFor('Draining', `no pod is taken down while ${starting}`);
  if (left.length > 0) {
    const mixed = endpointsApart(situation, active);
    if (mixed !== undefined) return waitFor('Delaying', mixed);
    // Without an open upgrade nothing was switched: these are strays, or a former upgrade's last pods.
    const upgrade = status?.upgrade;
    const switchedAtMs =
      upgrade?.switchedAt !== undefined ? Date.parse(upgrade.switchedAt) : upgrade ? observed.nowMs : 0;
    const leftMs = switchedAtMs + spec.updateStrategy.initialDelaySeconds * 1000 - observed.nowMs;
    if (leftMs > 0) {
      const message = `${Math.ceil(leftMs / 1000)} of ${spec.updateStrategy.initialDelaySeconds} s until the first node drains`;
      return { ...waitFor('Delaying', message, Math.min(leftMs, SOON_MS)), switchedAtMs };
    }
  }
  const oldest = left.find(({ size }) => size > 0) ?? left[0];
  // What is active shrinks first, so that nobody is sent where he cannot stay; when all goes, it helps the others out before.
  const next = (wantedSize > 0 ? (shrinking ?? oldest) : (oldest ?? shrinking)) ?? active;
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

/** Step 5: stopped nodes leave the EMQX cluster. Early in the order: a pod back under an old name waits for it, and others for that pod. */
function leave(situation: Situation): Verdict | undefined {
  const leaver = leaverOf(situation);
  return (
    leaver && progress({ kind: 'leave', ...leaver }, `${leaver.node} has stopped and leaves the EMQX cluster`)
  );
}

/** Sets beyond the history limit go. */
function prune({ observed, others }: Situation): Verdict | undefined {
  const kept = others.filter(
    ({ kind, size, pods }) => kind === 'revisionSet' && size === 0 && pods.length === 0,
  );
  const oldest = kept[0];
  if (!oldest || kept.length <= observed.blueGreen.spec.revisionHistoryLimit) return undefined;
  const because = `more than revisionHistoryLimit (${observed.blueGreen.spec.revisionHistoryLimit}) sets are kept`;
  return progress({ kind: 'deleteSet', set: oldest.name, because }, because);
}

function rest({ active, activeName, wantedSize, isAborted, observed: { declaration } }: Situation): Verdict {
  const notReady = active ? whyNotReady(active, wantedSize) : undefined;
  if (notReady !== undefined) {
    const wasReady = active?.pods.some(({ ready }) => ready) === true;
    return waitFor(wasReady ? 'Degraded' : 'Progressing', notReady, LATER_MS);
  }
  if (isAborted) {
    const message = `upgrade to revision ${declaration.aborted?.revision} was aborted; annotate sluice.dev/retry=${declaration.aborted?.revision}, or edit the template again`;
    return { step: { kind: 'rest' }, phase: 'Aborted', message };
  }
  return {
    step: { kind: 'rest' },
    phase: 'Stable',
    message: `${activeName} serves with ${wantedSize} nodes`,
  };
}

function progress(step: Step, message: string): Verdict {
  return { step, phase: 'Progressing', message };
}

function waitFor(phase: Phase, message: string, forMs = SOON_MS): Verdict {
  return { step: { kind: 'wait', forMs }, phase, message };
}
