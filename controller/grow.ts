import { drainOf } from './drains.js';
import type { Hindrance } from './hindrance.js';
import type { NodeSet, Observed } from './model.js';
import { whyNotStart } from './pairing.js';
import { POD_APPEARS_MS } from './readiness.js';
import { comesBack, isEmpty, isOwnRevision, stayingPods, stoppingOf, type Situation } from './situation.js';
import { progress, waitFor, type Verdict } from './verdict.js';
import { counted } from '../lib/words.js';

/**
 * Step 2: the active revision has a set of the wanted size. Nobody is moved by that, and fewer nodes than wanted would serve without it: so
 * it is no step of an upgrade, and waits for none.
 */
export function sustain(situation: Situation): Verdict | undefined {
  const { observed, active, activeRevision, activeName, wantedSize } = situation;
  if (active && comesBack(active, observed)) return make(activeName, activeRevision, situation);
  // The pods of a set that was deleted serve on for a moment, and are all that a new node could copy from.
  if (active && (active.kind === 'lost' || active.size >= wantedSize)) return undefined;
  // Its pods wait for the names of those that end, and then start as the members that they were.
  const isMadeAgain = observed.sets.some(
    ({ kind, revision }) => kind === 'lost' && revision === activeRevision,
  );
  if (!active && isMadeAgain) return make(activeName, activeRevision, situation);
  return (
    whileStopping(situation) ??
    (active ? enlarge(active, situation) : make(activeName, activeRevision, situation))
  );
}

/** Step 2, once the active revision has its set: the wanted one has a set of the wanted size, too. */
export function grow(situation: Situation): Verdict | undefined {
  const { observed, wanted, wantedRevision, wantedName } = situation;
  if (!isToGrow(situation)) return undefined;
  const blank = whyBlank(situation);
  if (blank !== undefined) return waitFor('Progressing', `${blank}; it comes back before it is replaced`);
  const stopping = whileStopping(situation);
  if (stopping) return stopping;
  if (wanted) return enlarge(wanted, situation);
  return isOwnRevision(wantedRevision, observed)
    ? waitFor('Progressing', `${wantedName} comes down to 0 before it starts with its present template`)
    : make(wantedName, wantedRevision, situation);
}

/** Whether nodes of the wanted set are the next to be made, as soon as whoever is drained has stopped. */
export function isGrowing(situation: Situation): boolean {
  const { observed, active } = situation;
  const isPaused = observed.blueGreen.spec.paused && active?.kind !== 'lost';
  return isToGrow(situation) && !isPaused && whyBlank(situation) === undefined;
}

function isToGrow(situation: Situation): boolean {
  const { observed, active, wanted, activeRevision, wantedRevision, wantedSize } = situation;
  if (!active || activeRevision === wantedRevision || (wanted?.size ?? 0) >= wantedSize) return false;
  // Nothing could be switched to it; switchOver says so.
  return observed.services.length > 0 && !whyNotStart(situation);
}

/** Whoever joins may choose a node that is about to stop, and then stays apart for good. */
function whileStopping(situation: Situation): Verdict | undefined {
  const stopping = stoppingOf(situation);
  return stopping && waitFor('Progressing', `${stopping.name} is drained and stopping`);
}

/** Green on empty disks with nobody alive to copy from would lose users, rules and retained messages. */
function whyBlank({ observed, active }: Situation): string | undefined {
  if (!active || active.kind === 'lost') return undefined;
  const pods = stayingPods(active);
  if (pods.some(({ ready }) => ready)) return undefined;
  const starting = pods.find(({ failing }) => !failing);
  if (starting) return `${starting.name} ${starting.problem}`;
  const startedAt = observed.blueGreen.status?.upgrade?.startedAt;
  // Where none appears it is refused, and another template may be what mends it.
  const isLate = startedAt !== undefined && observed.nowMs - Date.parse(startedAt) > POD_APPEARS_MS;
  return pods.length > 0 || isLate ? undefined : `${active.name} has no pod yet`;
}

function make(name: string, revision: string, { observed, wantedSize: size }: Situation): Verdict {
  const going = observed.sets.find((set) => set.name === name && set.holdsName);
  if (going) return waitFor('Progressing', whileGoing(going, observed));
  return progress({ kind: 'makeSet', name, revision, size }, `making ${name} with ${counted(size, 'node')}`);
}

/** In words, whom a StatefulSet that is being deleted waits for. */
function whileGoing({ name, pods }: NodeSet, observed: Observed): Hindrance {
  const ending = pods.filter(({ terminating }) => terminating);
  const left =
    ending.length > 0 ? drainOf(ending, observed) : { message: 'what holds it are its metadata.finalizers' };
  const message = `StatefulSet ${name} is being deleted, and is made again when it has gone: ${left.message}`;
  return { ...left, message };
}

function enlarge(set: NodeSet, { observed, wantedSize: to }: Situation): Verdict {
  // With the strategy held, the declaration's pods start at the revision that its controller last knew at 0.
  if (set.kind === 'declaration' && isEmpty(set) && !observed.declaration.startsAsWritten) {
    return waitFor('Progressing', `the StatefulSet controller has not seen the template of ${set.name} yet`);
  }
  const because = `${counted(to, 'node')} wanted`;
  return progress({ kind: 'resize', set: set.name, to, because }, `${set.name} grows to ${to}: ${because}`);
}
