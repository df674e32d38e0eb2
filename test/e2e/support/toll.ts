import type { Scene } from '../../demo/scene.js';
import { isServing } from '../../fleet/observations.js';
import type { Observation } from '../../fleet/observations.js';
import type { SecondRecord } from '../../fleet/records.js';

/** What a stretch of time cost the clients. */
export interface Toll {
  /** The most often that any one client was sent away by nodes of one set, for each set that sent any away. */
  mostFrom: Record<string, number>;
  /** How many disconnects the clients counted, and how many the brokers know that they made. */
  disconnects: number;
  evictions: number;
  refusals: string[];
  sessionsLost: number;
  minReadyEndpoints: number;
  minServingNodes: number;
}

/** Name of the set that a pod belongs to. */
export function setOfPod(pod: string): string {
  return pod.slice(0, pod.lastIndexOf('-'));
}

/**
 * Sums up what was seen from `fromMs` on. A client that has to make an upgrade leaves each set that it was on once, whatever
 * was asked for meanwhile, so disconnects are counted by client and set.
 */
export function tollOf(scene: Pick<Scene, 'fleet' | 'observations'>, fromMs: number): Toll {
  const events = <K extends 'connects' | 'disconnects' | 'refusals'>(kind: K) =>
    scene.fleet
      .flatMap((each) => (each.kind === 'second' ? (each[kind] as SecondRecord[K][number][]) : []))
      .filter(([atMs]) => atMs >= fromMs);
  const sentAway = scene.observations.filter(
    (each) => each.kind === 'broker-disconnect' && each.atMs >= fromMs,
  ) as Extract<Observation, { kind: 'broker-disconnect' }>[];
  const times = new Map<string, number>();
  const mostFrom: Record<string, number> = {};
  for (const { pod, clientId } of sentAway) {
    const set = setOfPod(pod);
    const key = `${set} ${clientId}`;
    const count = (times.get(key) ?? 0) + 1;
    times.set(key, count);
    mostFrom[set] = Math.max(mostFrom[set] ?? 0, count);
  }
  return {
    mostFrom,
    disconnects: events('disconnects').length,
    evictions: sentAway.length,
    refusals: events('refusals').map(([, , reason]) => reason),
    sessionsLost: events('connects').filter(([, , session]) => session === 'lost').length,
    minReadyEndpoints: leastSince(scene.observations, 'endpoints', fromMs, ({ ready }) => ready.length),
    minServingNodes: leastSince(
      scene.observations,
      'nodes',
      fromMs,
      ({ nodes }) => nodes.filter(isServing).length,
    ),
  };
}

/** The least of what was so when the time began and of all that came after. */
function leastSince<K extends Observation['kind']>(
  observations: readonly Observation[],
  kind: K,
  fromMs: number,
  count: (seen: Extract<Observation, { kind: K }>) => number,
): number {
  const seen = observations.filter((each): each is Extract<Observation, { kind: K }> => each.kind === kind);
  const before = seen.findLast(({ atMs }) => atMs < fromMs);
  const since = seen.filter(({ atMs }) => atMs >= fromMs);
  const counts = [...(before ? [before] : []), ...since].map(count);
  // Not to have looked is no proof.
  return counts.length === 0 ? 0 : Math.min(...counts);
}
