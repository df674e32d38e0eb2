import type { DisconnectEvent, FleetRecord, ResultRecord, SecondRecord } from './records.js';
import type { Observation, PodSeen } from './observations.js';

/** How the set is changed: by Sluice, or by Kubernetes' own rolling update, the baseline. */
export type Strategy = 'blue-green' | 'rolling';

/** What was asked of the upgrade. */
export interface UpgradeSettings {
  strategy: Strategy;
  clients: number;
  nodes: number;
  connEvictRate: number;
  sessEvictRate: number;
  waitTakeoverSeconds: number;
  initialDelaySeconds: number;
}

/** Everything that was seen of one upgrade; the report is a pure function of it. */
export interface Evidence {
  settings: UpgradeSettings;
  /** When the template was edited. */
  startedMs: number;
  /** When nothing of the old revision was left and the new one was whole, or when that was no longer waited for. */
  endedMs: number;
  hasEnded: boolean;
  /** The `run` of the fleet, which its client ids are made of. */
  fleet: FleetRecord[];
  observations: Observation[];
}

export type Kind = Observation['kind'];

/** The observations of one kind, in the order of their time. */
export function seenOf<K extends Kind>(evidence: Evidence, kind: K): Extract<Observation, { kind: K }>[] {
  return evidence.observations
    .filter((observation): observation is Extract<Observation, { kind: K }> => observation.kind === kind)
    .sort((a, b) => a.atMs - b.atMs);
}

/**
 * A quantity's values while the upgrade ran: the last one before it began, and every one until it ended.
 * @param seen ordered by time
 */
export function during<T extends { atMs: number }>({ startedMs, endedMs }: Evidence, seen: T[]): T[] {
  const before = seen.filter(({ atMs }) => atMs <= startedMs).at(-1);
  const within = seen.filter(({ atMs }) => atMs > startedMs && atMs <= endedMs);
  return before ? [before, ...within] : within;
}

/** All events of the fleet's seconds from the edit on; what happened before it is not the upgrade's doing. */
export function fleetEvents<K extends 'connects' | 'disconnects' | 'refusals'>(
  { fleet, startedMs }: Evidence,
  kind: K,
): SecondRecord[K][number][] {
  return fleet
    .flatMap((record) => (record.kind === 'second' ? (record[kind] as SecondRecord[K][number][]) : []))
    .filter(([atMs]) => atMs >= startedMs);
}

/** The fleet's own sums; undefined when it was killed before it could write them. */
export function resultOf({ fleet }: Evidence): ResultRecord | undefined {
  return fleet.find((record) => record.kind === 'result');
}

/** How far apart a disconnect's time at the broker and at the client may be: the longest a test process was seen late. */
const MAX_LATENESS_MS = 10_000;

/**
 * When each disconnect happened: by the broker's clock where a broker counted it, else when the client noticed. A test
 * process that is late sees a second's evictions all at once, and would report a peak that never was (or hide one).
 */
export function disconnectTimes(evidence: Evidence): number[] {
  const run = evidence.fleet.find((record) => record.kind === 'start')?.run ?? '';
  const atBroker = new Map<string, number[]>();
  for (const { clientId, atMs } of seenOf(evidence, 'broker-disconnect')) {
    atBroker.set(clientId, [...(atBroker.get(clientId) ?? []), atMs]);
  }
  return fleetEvents(evidence, 'disconnects').map(([atMs, client]: DisconnectEvent) => {
    const times = atBroker.get(`fleet-${run}-${client}`) ?? [];
    const match = times.findLastIndex((time) => time <= atMs && atMs - time <= MAX_LATENESS_MS);
    return match === -1 ? atMs : (times.splice(match, 1)[0] ?? atMs);
  });
}

/** One pod's life as it was watched. */
export interface PodLife {
  uid: string;
  name: string;
  address: string;
  /** True for a pod of a revision that ran when the template was edited, also if it was made again later. */
  isBlue: boolean;
  firstSeenMs: number;
  /** First time it was Ready; Infinity if never. */
  readyMs: number;
  /** When its deletion began, its EMQX container ended, and its object was gone; Infinity while not so. */
  deletingMs: number;
  emqxEndedMs: number;
  goneMs: number;
}

/** The pods of the EMQX cluster, blue ones first, in the order in which they appeared. */
export function podLives(evidence: Evidence): PodLife[] {
  const pods = seenOf(evidence, 'pod');
  const blue = new Set(pods.flatMap(({ atMs, revision }) => (atMs <= evidence.startedMs ? [revision] : [])));
  const lives = new Map<string, PodLife>();
  for (const seen of pods) {
    const life = lives.get(seen.uid) ?? newLife(seen, blue.has(seen.revision));
    lives.set(seen.uid, life);
    if (seen.address !== '') life.address = seen.address;
    if (seen.isReady) life.readyMs = Math.min(life.readyMs, seen.atMs);
    if (seen.isDeleting) life.deletingMs = Math.min(life.deletingMs, seen.atMs);
    if (seen.emqxEndedMs > 0) life.emqxEndedMs = Math.min(life.emqxEndedMs, seen.emqxEndedMs);
    if (seen.isGone) life.goneMs = Math.min(life.goneMs, seen.atMs);
  }
  return [...lives.values()].sort(
    (a, b) => Number(b.isBlue) - Number(a.isBlue) || a.firstSeenMs - b.firstSeenMs,
  );
}

function newLife({ uid, name, address, atMs }: PodSeen, isBlue: boolean): PodLife {
  return {
    uid,
    name,
    address,
    isBlue,
    firstSeenMs: atMs,
    readyMs: Infinity,
    deletingMs: Infinity,
    emqxEndedMs: Infinity,
    goneMs: Infinity,
  };
}

/** When the EndpointSlices first listed pods of the new revision, and no other; undefined if they never did. */
export function greenOnlyMs(evidence: Evidence): number | undefined {
  const green = new Set(podLives(evidence).flatMap(({ isBlue, address }) => (isBlue ? [] : [address])));
  return seenOf(evidence, 'endpoints').find(
    ({ atMs, ready }) =>
      atMs > evidence.startedMs && ready.length > 0 && ready.every((address) => green.has(address)),
  )?.atMs;
}
