import type { NodeEvacuationStatus, UpgradeResult, UpgradeStep } from '../../lib/types.js';
import type { Picture } from './picture.js';

/** The values of label `outcome` of drains. */
export const DRAIN_OUTCOMES = ['drained', 'gaveUp', 'ended'] as const;
export type DrainOutcome = (typeof DRAIN_OUTCOMES)[number];

/** What has happened between two looks at one BlueGreen: what counters count. */
export type Change =
  | { kind: 'evicted'; clients: number; sessions: number }
  | { kind: 'drainEnded'; outcome: DrainOutcome }
  | { kind: 'upgradeEnded'; result: UpgradeResult; seconds: number }
  | { kind: 'stepEnded'; step: UpgradeStep['name']; seconds: number };

/**
 * What `after` has that `before` had not. Pure. The first look of a process counts nothing: what was there already was counted by the leader
 * before, and a counter that begins anew is what `rate()` expects.
 */
export function changesBetween(before: Picture, after: Picture): Change[] {
  return [
    ...evictions(before, after),
    ...drains(before, after),
    ...upgrades(before, after),
    ...steps(before, after),
  ];
}

function evictions(before: Picture, after: Picture): Change[] {
  let clients = 0;
  let sessions = 0;
  for (const evacuation of after.status.nodeEvacuationsStatus) {
    const earlier = before.status.nodeEvacuationsStatus.find(({ node }) => node === evacuation.node);
    const [now, then] = [evictedBy(evacuation), earlier ? evictedBy(earlier) : NOBODY];
    // fewer than before: it is another evacuation of that node
    clients += now.clients < then.clients ? now.clients : now.clients - then.clients;
    sessions += now.sessions < then.sessions ? now.sessions : now.sessions - then.sessions;
  }
  return clients + sessions > 0 ? [{ kind: 'evicted', clients, sessions }] : [];
}

const NOBODY = { clients: 0, sessions: 0 };

/** While it waits for load balancers, clients still come: there may be more than at the beginning. */
function evictedBy({ stats }: NodeEvacuationStatus): { clients: number; sessions: number } {
  return {
    clients: Math.max(0, stats.initial_connected - stats.current_connected),
    sessions: Math.max(0, stats.initial_sessions - stats.current_sessions),
  };
}

function drains(before: Picture, after: Picture): Change[] {
  const stateIn = (picture: Picture, uid: string) => picture.drains.find((drain) => drain.uid === uid)?.state;
  const ended = after.drains.flatMap(({ uid, state }): DrainOutcome[] => {
    const earlier = stateIn(before, uid);
    if (state === 'draining' || earlier === 'drained' || earlier === 'gaveUp') return [];
    return [state];
  });
  const gone = before.drains
    .filter(({ uid, state }) => state === 'draining' && after.pods.every((pod) => pod.uid !== uid))
    .map(({ isEmpty }): DrainOutcome => (isEmpty ? 'drained' : 'ended'));
  return [...ended, ...gone].map((outcome) => ({ kind: 'drainEnded', outcome }));
}

function upgrades(before: Picture, after: Picture): Change[] {
  const isKnown = ({ id, finishedAt }: Ended) =>
    before.status.history.some((one) => one.id === id && one.finishedAt === finishedAt);
  return after.status.history
    .filter((ended) => !isKnown(ended))
    .map(({ result, startedAt, finishedAt }) => ({
      kind: 'upgradeEnded',
      result,
      seconds: secondsBetween(startedAt, finishedAt),
    }));
}

/** Phases, and the steps of nodes; those of an upgrade that has ended are in its record. */
function steps(before: Picture, after: Picture): Change[] {
  const known = new Set(endedSteps(before).map(({ key }) => key));
  return endedSteps(after)
    .filter(({ key }) => !known.has(key))
    .map(({ step, seconds }) => ({ kind: 'stepEnded', step, seconds }));
}

function endedSteps({
  status: { upgrade, history },
}: Picture): { key: string; step: UpgradeStep['name']; seconds: number }[] {
  return [...(upgrade ? [upgrade] : []), ...history].flatMap(({ id, startedAt: began, steps = [] }) =>
    steps.flatMap(({ name, pod = '', uid = '', startedAt, endedAt }) => {
      if (endedAt === undefined) return [];
      const key = [id, began, name, pod, uid, startedAt].join(' ');
      return [{ key, step: name, seconds: secondsBetween(startedAt, endedAt) }];
    }),
  );
}

/** Clocks of different machines may disagree: never negative. */
function secondsBetween(start: string, end: string): number {
  return Math.max(0, (Date.parse(end) - Date.parse(start)) / 1000);
}

type Ended = Picture['status']['history'][number];
