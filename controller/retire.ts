import type { DrainSettings } from '../lib/control.js';
import { delaySecondsOf } from '../lib/delay.js';
import { sameJson, type Json } from '../lib/json.js';
import type { BlueGreenSpec, UpgradeStatus } from '../lib/types.js';
import { delayLeftMs } from './delay.js';
import { evacuationOf, isDrained, isEmptied, mayRun } from './drained.js';
import { drainingPods, drainOf, isOverdue } from './drains.js';
import { unheard, type Hindrance } from './hindrance.js';
import { foreignOf } from './foreign.js';
import { holdOf } from './hold.js';
import type { NodeSet, Pod } from './model.js';
import { notListed, whyNotReady } from './readiness.js';
import { isEmpty, nodeOf, spokesmanOf, stayingPods, type Situation } from './situation.js';
import { staySecondsIn } from './stay.js';
import { traceparentOf } from './trace/spans.js';
import { isWithoutEvacuation, undrainableFromOutside, unlistedFromOutside } from './undrainable.js';
import { SOON_MS, waitFor, type Verdict } from './verdict.js';

/** Step 4: when the endpoints are green's alone and the delay has passed, the other sets go down, oldest first, pod by pod. */
export function retire(situation: Situation): Verdict | undefined {
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
      const about = 'the delay after the switch to pass';
      const delaying = waitFor('Delaying', { message, about }, Math.min(leftMs, SOON_MS));
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
  for (const { name, readyPods, estranged, revision } of observed.services) {
    if (estranged && revision !== active.revision)
      return `Service ${name} does not select the pods of ${active.name}, and stays where it is: correct its selector, or the template's labels`;
    const stray = readyPods.find((listed) => !active.pods.some((pod) => pod.name === listed));
    if (stray !== undefined) return `the endpoints of Service ${name} still list ${stray}`;
    const missing = expected.find((pod) => !readyPods.includes(pod.name));
    if (missing) return `the endpoints of Service ${name} do not list ${missing.name} yet`;
  }
  return undefined;
}

/** A step towards fewer pods, or a wait, with the reason in words. */
export type Turn = Omit<Verdict, 'phase'>;

const POLL_MS = 1_000;

/**
 * The next step that takes `set` down towards `target` pods, highest ordinal first, one pod's drain at a time
 * (`maxConcurrentDrains`). Deleting a pod is what starts its drain; the next pod's turn begins when the one before is
 * drained, it need not be gone. Undefined when the set has come down and its pods are gone.
 */
export function turnOf(set: NodeSet, target: number, situation: Situation): Turn | undefined {
  const { observed } = situation;
  const leaving = set.pods.filter(({ ordinal, terminating }) => terminating || ordinal >= set.size);
  if (set.size <= target) {
    const last = leaving[0];
    return last && poll(drainOf([last], observed));
  }
  // User-deleted pods of other sets drain too, and count: the rate is one for the whole upgrade.
  const inProgress = drainingPods(observed);
  const held = holdOf(inProgress, situation);
  if (held) return held;
  const victim = set.pods.find(({ ordinal }) => ordinal === set.size - 1);
  const noting = victim && set.kind === 'declaration' ? notingOf(victim, set, situation) : undefined;
  if (noting) return noting;
  // Clients would be sent into it, or twice.
  const foreign = foreignOf(situation);
  if (foreign) return poll(foreign);
  // One that took too long keeps nobody waiting: its grace period ends it.
  const draining = inProgress.filter((pod) => !isOverdue(pod, observed));
  if (draining.length >= observed.blueGreen.spec.maxConcurrentDrains) {
    return poll(drainOf(draining, observed));
  }
  // Of pods without a gate, which may be OrderedReady too, one goes after the other.
  const before = set.kind === 'declaration' ? leaving[0] : undefined;
  if (before) return poll(`${before.name} is stopping`);
  const shrink: Turn = {
    step: {
      kind: 'resize',
      set: set.name,
      to: set.size - 1,
      because: victim ? `${victim.name} drains and leaves` : 'one pod less',
    },
    message: victim ? `${victim.name} begins to drain` : `${set.name} goes down by one`,
  };
  if (!victim || victim.terminating) return shrink;
  if (set.kind === 'declaration') return evacuateFirst(victim, set, situation, shrink);
  const isUnknown = nodeOf(victim, observed.sets) === undefined;
  return isUnknown && !victim.ready ? shrink : toldFirst(victim, set, situation, shrink);
}

/** A pod with a sidecar: it drains by itself once deleted, so it must know whereto before. */
function toldFirst(victim: Pod, set: NodeSet, situation: Situation, shrink: Turn): Turn {
  if (!victim.ready && victim.failing) return shrink;
  const hindrance = unheard(victim);
  if (hindrance) return poll(hindrance);
  const settings = settingsFor(set, situation);
  if (!settings) return poll(`no node of ${situation.activeName} runs that could take over`);
  if (isTold(victim, settings)) return shrink;
  return {
    step: { kind: 'tell', pods: [victim.name], settings },
    message: `telling ${victim.name} where its sessions go`,
  };
}

/** A pod of the declaration has no sidecar: its node is evacuated from outside first, and only then is it removed. */
function evacuateFirst(victim: Pod, set: NodeSet, situation: Situation, shrink: Turn): Turn {
  const { observed } = situation;
  // Before the first upgrade no pod has a sidecar, and nobody could evacuate anything.
  const { active, wanted, wantedSize } = situation;
  const hasSidecars = observed.sets.some(({ kind, pods }) => kind === 'revisionSet' && pods.length > 0);
  if (!hasSidecars && (active === wanted || wantedSize === 0)) return shrink;
  const node = nodeOf(victim, observed.sets);
  if (!node && !victim.ready && (victim.failing || !mayRun(victim, observed.sets))) return shrink;
  if (!spokesmanOf(situation)) return noSpokesman(victim);
  if (!node) {
    const hindrance = unlistedFromOutside(victim, situation);
    return hindrance ? poll(hindrance) : shrink;
  }
  // Without a gate there is no grace period that would end one that takes too long.
  const isOver = isDrained(victim, observed) || isOverdue(victim, observed);
  if (isOver) return opened(shrink, node.node, situation);
  if (evacuationOf(victim, observed.sets)) return poll(drainOf([victim], observed));
  if (isWithoutEvacuation(situation)) {
    const hindrance = node.sessions > 0 ? undrainableFromOutside(victim, situation) : undefined;
    return hindrance ? poll(hindrance) : shrink;
  }
  return evacuation(victim, set, situation);
}

/** What is to be written down of an evacuation from outside, because no later look could tell it. */
function notingOf(victim: Pod, set: NodeSet, situation: Situation): Turn | undefined {
  const { observed } = situation;
  const { name, evacuationNote, emptySinceMs, terminating } = victim;
  if (terminating || !evacuationOf(victim, observed.sets) || isDrained(victim, observed)) return undefined;
  // Its time counts once somebody has heard that it was accepted: asked again, EMQX says that it runs.
  const isUnconfirmed = evacuationNote !== undefined && evacuationNote.acceptedAtMs === undefined;
  if (isUnconfirmed) return evacuation(victim, set, situation);
  const isEmpty = isEmptied(victim, observed.sets);
  if (isEmpty === (emptySinceMs !== undefined)) return undefined;
  return isEmpty
    ? {
        step: { kind: 'noteEmpty', pod: name, sinceMs: observed.nowMs },
        message: `${name} holds no client and no session; those that EMQX still counts are durable`,
      }
    : { step: { kind: 'noteEmpty', pod: name }, message: drainOf([victim], observed).message };
}

/** EMQX is asked to evacuate a node; that nobody tells of it yet is no proof that it does not. */
function evacuation(victim: Pod, set: NodeSet, situation: Situation): Turn {
  const via = spokesmanOf(situation);
  const node = nodeOf(victim, situation.observed.sets);
  if (!via || !node) return noSpokesman(victim);
  const settings = settingsFor(set, situation);
  if (!settings) return poll(`no node of ${situation.activeName} runs that could take over`);
  // With nobody to take over, the wait would only be lost time; 1 is the least that every version accepts.
  const waitTakeover = node.sessions === 0 ? 1 : settings.waitTakeover;
  return {
    step: {
      kind: 'evacuate',
      node: node.node,
      pod: victim.name,
      via: via.name,
      settings: { ...settings, waitTakeover },
    },
    message: `evacuation of ${node.node} begins`,
  };
}

function noSpokesman({ name }: Pod): Turn {
  return poll(`no sidecar answers, so ${name} cannot be evacuated`);
}

/** On a claim the evacuation must not outlast its pod: no endpoints list it any more, so nobody comes while it stops. */
function opened(shrink: Turn, node: string, situation: Situation): Turn {
  const via = spokesmanOf(situation);
  const { step } = shrink;
  if (!via || !situation.observed.declaration.hasClaims || step.kind !== 'resize') return shrink;
  return { ...shrink, step: { ...step, open: { nodes: [node], via: via.name } } };
}

/**
 * How pods of `set` are to drain now. Sets that are being left send their sessions to running nodes of the active revision only,
 * without a wait for proxies, since the Services have switched already; pods of the active or wanted set, deleted in quiet times,
 * to any other node, and after `initialDelaySeconds`. Undefined while no node of the active revision runs: an empty list would mean
 * any node, those that are left too.
 */
export function settingsFor(set: NodeSet, situation: Situation): DrainSettings | undefined {
  const { observed, active, wanted, wantedSize } = situation;
  const { spec } = observed.blueGreen;
  const isLeft = set !== active && set !== wanted;
  const recipients = isLeft && active ? runningNodes(active, observed.sets) : [];
  if (isLeft && recipients.length === 0 && wantedSize > 0) return undefined;
  return {
    ...ratesOf(spec),
    waitTakeover: spec.updateStrategy.evacuationStrategy.waitTakeover,
    waitHealthCheck: isLeft ? 0 : spec.updateStrategy.initialDelaySeconds,
    noRecipientSeconds: spec.noRecipientSeconds,
    withoutEvacuation: spec.withoutEvacuation,
    recipients,
    staySeconds: staySecondsIn(situation),
    // A node of what stays may outlive the trace.
    ...(isLeft && traceOf(observed.blueGreen.status?.upgrade)),
  };
}

/** What a drain lies in, where its controller sends traces. */
function traceOf(upgrade: UpgradeStatus | undefined): Pick<DrainSettings, 'traceparent'> {
  return upgrade?.traced === undefined ? {} : { traceparent: traceparentOf(upgrade) };
}

/** The rate is one for the whole upgrade: nodes that drain at the same time share it. */
function ratesOf({
  updateStrategy: { evacuationStrategy },
  maxConcurrentDrains,
}: BlueGreenSpec): Pick<DrainSettings, 'connEvictRate' | 'sessEvictRate'> {
  const share = (rate: number): number => Math.max(1, Math.floor(rate / maxConcurrentDrains));
  return {
    connEvictRate: share(evacuationStrategy.connEvictRate),
    sessEvictRate: share(evacuationStrategy.sessEvictRate),
  };
}

/** By anybody's word: a sidecar that does not answer for a moment changes nothing. */
function runningNodes(set: NodeSet, sets: NodeSet[]): string[] {
  return stayingPods(set)
    .filter(({ ready }) => ready)
    .flatMap((pod) => nodeOf(pod, sets)?.node ?? [])
    .sort();
}

/** The first step that tells pods how to drain, for all pods whose sidecar answers and was told otherwise. */
export function tellingOf(situation: Situation): Turn | undefined {
  for (const set of situation.observed.sets) {
    const settings = settingsFor(set, situation);
    if (!settings) continue;
    const pods = set.pods.filter((pod) => pod.report && !isTold(pod, settings)).map(({ name }) => name);
    if (pods.length > 0)
      return { step: { kind: 'tell', pods, settings }, message: `telling ${pods.join(', ')} how to drain` };
  }
  return undefined;
}

function isTold(pod: Pod, settings: DrainSettings): boolean {
  const told = pod.report?.settings;
  if (!told) return false;
  // A sidecar that sends no spans never reports it, and would be told for ever.
  const traceparent = told.traceparent === undefined ? '' : settings.traceparent;
  return sameJson(asJson(told), asJson({ ...settings, traceparent }));
}

/** How long it stays afterwards changes with each join, and is told by itself to those whom it concerns (`stay.ts`). */
function asJson({ recipients, traceparent = '', ...others }: Unsorted): Json {
  return { ...others, recipients: [...recipients].sort(), staySeconds: 0, traceparent };
}

type Unsorted = Omit<DrainSettings, 'traceparent'> & { traceparent?: string | undefined };

function poll(why: string | Hindrance): Turn {
  const hindrance = typeof why === 'string' ? { message: why } : why;
  return { step: { kind: 'wait', forMs: POLL_MS }, ...hindrance };
}
