import { NODE_STEPS, type NodeStep, type UpgradeStatus, type UpgradeStep } from '../../lib/types.js';
import { evacuationOf, isDrained } from '../drained.js';
import { drainingPods } from '../drains.js';
import type { NodeSet, Observed, Pod } from '../model.js';
import { nodeOf, podOfNode } from '../situation.js';
import type { Seen } from './seen.js';

/** Pods are as old as the upgrade, by a clock that may be a little behind ours. */
const SKEW_MS = 5_000;
/** An evacuation goes through five; one that is begun anew, through some again. */
const MOST_STATES = 10;

/** What happened to single nodes so far: each start, drain and leave once for each pod. */
export function nodeSteps(upgrade: UpgradeStatus, before: UpgradeStep[], seen: Seen): UpgradeStep[] {
  const known = before.filter(({ name }) => (NODE_STEPS as readonly string[]).includes(name));
  const went = known.map((step) => (step.endedAt === undefined ? continued(step, seen) : step));
  const begun = [...starts(upgrade, seen), ...drains(upgrade, seen), ...leaves(seen)].flatMap((step) => {
    const earlier = known.findLast(
      ({ name, pod, uid }) => name === step.name && pod === step.pod && uid === step.uid,
    );
    return earlier ? again(step, earlier, seen.observed) : step;
  });
  return [...went, ...begun.map((step) => continued(step, seen))];
}

/** A node without a sidecar may be evacuated again, and a name may leave again; all else happens to a pod once. */
function again(step: UpgradeStep, { endedAt, outcome }: UpgradeStep, { nowMs }: Observed): UpgradeStep[] {
  const mayRepeat = outcome === 'interrupted' || step.name === 'leave';
  const endMs = endedAt === undefined ? nowMs : Date.parse(endedAt);
  if (!mayRepeat || endMs >= nowMs) return [];
  return [Date.parse(step.startedAt) > endMs ? step : { ...step, startedAt: at(nowMs) }];
}

function starts(upgrade: UpgradeStatus, { observed, decision }: Seen): UpgradeStep[] {
  const green = observed.sets.find(({ name }) => name === decision.wanted);
  const sinceMs = Date.parse(upgrade.startedAt);
  return (green?.pods ?? [])
    .filter(
      ({ ready, terminating, createdAtMs, ordinal }) =>
        ordinal < decision.wantedSize &&
        !terminating &&
        (!ready || (createdAtMs !== undefined && createdAtMs > sinceMs - SKEW_MS)),
    )
    .map((pod) => begin('start', pod, { atMs: pod.createdAtMs, upgrade, observed }));
}

function drains(upgrade: UpgradeStatus, seen: Seen): UpgradeStep[] {
  const { observed } = seen;
  const sinceMs = Date.parse(upgrade.startedAt);
  const draining = drainingPods(observed);
  return observed.sets.flatMap((set) =>
    set.pods
      // Who goes next is decided in this pass; a node that holds nobody may be drained, or gone, by the next look.
      .filter(
        (pod) =>
          draining.includes(pod) ||
          isTaken(pod, set, seen) ||
          (pod.terminating && (pod.deletedAtMs ?? 0) > sinceMs),
      )
      .filter((pod) => isNode(pod, observed))
      .map((pod) => {
        const atMs = pod.evacuationNote?.acceptedAtMs ?? pod.deletedAtMs;
        return begin('drain', pod, { atMs, upgrade, observed });
      }),
  );
}

/** This pass has made its set too small for it. */
function isTaken(pod: Pod, set: NodeSet, { decision: { step }, isDone }: Seen): boolean {
  return (
    isDone &&
    step.kind === 'resize' &&
    step.set === set.name &&
    pod.ordinal >= step.to &&
    pod.ordinal < set.size
  );
}

/** It has clients or sessions to hand over, or had: one that never ran ends without a drain. */
function isNode(pod: Pod, { sets }: Observed): boolean {
  return pod.ready || pod.report?.joined === true || nodeOf(pod, sets) !== undefined;
}

function leaves({ observed, decision: { step }, isDone }: Seen): UpgradeStep[] {
  if (step.kind !== 'leave' || !isDone) return [];
  return [{ name: 'leave', pod: podOfNode(step.node), startedAt: at(observed.nowMs) }];
}

/** @param from.atMs when it began, by the pod; no step begins before its upgrade, or later than it is seen. */
function begin(
  name: NodeStep,
  { name: pod, uid }: Pod,
  from: { atMs: number | undefined; upgrade: UpgradeStatus; observed: Observed },
): UpgradeStep {
  const { nowMs } = from.observed;
  const sinceMs = Math.min(Date.parse(from.upgrade.startedAt), nowMs);
  const beganMs = Math.min(Math.max(from.atMs ?? nowMs, sinceMs), nowMs);
  return { name, pod, uid, startedAt: at(beganMs) };
}

/** A step that goes on, as it is now. */
function continued(step: UpgradeStep, seen: Seen): UpgradeStep {
  const { observed, decision } = seen;
  const pod = observed.sets.flatMap(({ pods }) => pods).find(({ uid }) => uid === step.uid);
  if (step.name === 'drain') return drainNow(step, pod, seen);
  if (step.name === 'leave') {
    const leaver = decision.step.kind === 'leave' ? podOfNode(decision.step.node) : undefined;
    const isNow = step.startedAt === at(observed.nowMs);
    return leaver === step.pod || isNow ? step : ended(step, observed.nowMs, { outcome: 'done' });
  }
  if (pod === undefined || pod.terminating) return ended(step, observed.nowMs, { outcome: 'interrupted' });
  return pod.ready
    ? ended(step, pod.readySinceMs ?? observed.nowMs, { outcome: 'done' }, observed.nowMs)
    : step;
}

function drainNow(step: UpgradeStep, pod: Pod | undefined, seen: Seen): UpgradeStep {
  const { observed } = seen;
  const { nowMs, sets, blueGreen } = observed;
  const isLate = nowMs - Date.parse(step.startedAt) > blueGreen.spec.drainTimeoutSeconds * 1000;
  const unheard = heldNobody(step, observed) ? 'drained' : isLate ? 'timedOut' : 'ended';
  if (pod === undefined) return ended(step, nowMs, { outcome: unheard });
  const counted = { ...step, ...countsOf(step, pod, observed), ...statesOf(step, pod, observed) };
  if (pod.report?.gate.kind === 'gaveUp') {
    return ended(counted, nowMs, { outcome: 'gaveUp', sessionsLost: pod.report.gate.sessionsLost });
  }
  if (pod.report?.gate.kind === 'drained' || isDrained(pod, observed)) {
    return ended(counted, nowMs, { outcome: 'drained' });
  }
  if (drainingPods(observed).some(({ uid }) => uid === pod.uid)) return counted;
  if (pod.terminating) return ended(counted, nowMs, { outcome: unheard });
  const set = sets.find(({ pods }) => pods.includes(pod));
  const isToGo = set !== undefined && (pod.ordinal >= set.size || isTaken(pod, set, seen));
  return isToGo ? counted : ended(counted, nowMs, { outcome: 'interrupted' });
}

/** The node was without clients and sessions when it was last seen running: its end is between two looks. */
function heldNobody({ pod }: UpgradeStep, { blueGreen }: Observed): boolean {
  const last = blueGreen.status?.emqxNodes?.find(({ node }) => podOfNode(node) === pod);
  return last?.node_status === 'running' && last.connections === 0 && (last.live_connections ?? 0) === 0;
}

/** How many were there when it began: as listed before, or as EMQX counted when the evacuation began, which may begin anew with fewer. */
function countsOf(
  { clients = 0, sessions = 0 }: UpgradeStep,
  pod: Pod,
  { sets }: Observed,
): Pick<UpgradeStep, 'clients' | 'sessions'> {
  const stats = evacuationOf(pod, sets)?.stats;
  const node = nodeOf(pod, sets);
  if (!stats && !node) return {};
  return {
    clients: Math.max(clients, stats?.initial_connected ?? node?.clients ?? 0),
    sessions: Math.max(sessions, stats?.initial_sessions ?? node?.sessions ?? 0),
  };
}

/** What EMQX's evacuation has gone through: its own sidecar has looked more often, also while nobody led. */
function statesOf(
  { startedAt, states = [] }: UpgradeStep,
  pod: Pod,
  { sets, nowMs }: Observed,
): Pick<UpgradeStep, 'states'> {
  const told = (pod.report?.states ?? []).slice(0, MOST_STATES).map((seen) => ({
    ...seen,
    at: at(Math.min(Math.max(Date.parse(seen.at), Date.parse(startedAt)), nowMs)),
  }));
  if (told.length > 0 && told.length >= states.length) return { states: told };
  const listed = evacuationOf(pod, sets);
  if (!listed || states.at(-1)?.state === listed.state || states.length >= MOST_STATES)
    return states.length > 0 ? { states } : {};
  const { current_connected: clients, current_sessions: sessions } = listed.stats;
  return { states: [...states, { state: listed.state, at: at(nowMs), clients, sessions }] };
}

/** @param latestMs a pod's clock may be ahead of ours */
function ended(
  step: UpgradeStep,
  atMs: number,
  how: Pick<UpgradeStep, 'outcome' | 'sessionsLost'>,
  latestMs = atMs,
): UpgradeStep {
  const endMs = Math.max(Math.min(atMs, latestMs), Date.parse(step.startedAt));
  return { ...step, endedAt: at(endMs), ...how };
}

function at(ms: number): string {
  return new Date(ms).toISOString();
}
