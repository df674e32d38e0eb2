import { podLives, seenOf } from './evidence.js';
import type { Evidence, PodLife } from './evidence.js';
import { podOf } from './observations.js';

/** The shortest that the upgrade could take, part by part, in seconds. */
export type LimitParts = Record<string, number>;

/**
 * What the rates and waits alone demand. Blue-green: green's start, the delay, each blue node's evacuation and the last
 * one's own stop. Rolling: each node's own stop and its replacement's start, one after the other.
 */
export function limitParts(evidence: Evidence): LimitParts {
  const pods = podLives(evidence);
  const blue = pods.filter(({ isBlue }) => isBlue);
  const green = pods.filter(({ isBlue }) => !isBlue);
  switch (evidence.settings.strategy) {
    case 'blue-green': {
      const parts: LimitParts = {
        'green starts and joins': greenStart(evidence, green),
        'initial delay': evidence.settings.initialDelaySeconds,
      };
      for (const { name } of blue) Object.assign(parts, evacuationParts(evidence, name));
      const last = blue.reduce<PodLife | undefined>((a, b) => (a && a.goneMs >= b.goneMs ? a : b), undefined);
      parts['last node stops'] = last ? stopSeconds(evidence, last) : 0;
      return parts;
    }
    case 'rolling': {
      const parts: LimitParts = {};
      for (const pod of blue) parts[`${pod.name} stops`] = seconds(pod.goneMs - pod.deletingMs);
      for (const pod of green) parts[`${pod.name} starts`] = seconds(pod.readyMs - pod.firstSeenMs);
      return parts;
    }
  }
}

/** The sum of the parts. */
export function limitSeconds(parts: LimitParts): number {
  return seconds(Object.values(parts).reduce((sum, part) => sum + part * 1000, 0));
}

/** From the first green pod's creation until all are Ready and the cluster lists all of their nodes. */
function greenStart(evidence: Evidence, green: PodLife[]): number {
  // Only the pods that the upgrade needed: one that was replaced later has its own history.
  const needed = green.slice(0, evidence.settings.nodes);
  const createdMs = Math.min(...needed.map(({ firstSeenMs }) => firstSeenMs));
  const readyMs = Math.max(...needed.map(({ readyMs }) => readyMs));
  const names = new Set(needed.map(({ name }) => name));
  const joinedMs = seenOf(evidence, 'nodes').find(({ atMs, nodes }) => {
    const running = nodes.filter(({ isRunning, node }) => isRunning && names.has(podOf(node)));
    return atMs >= createdMs && running.length === names.size;
  })?.atMs;
  return seconds(Math.max(readyMs, joinedMs ?? readyMs) - createdMs);
}

function evacuationParts(evidence: Evidence, pod: string): LimitParts {
  const { connEvictRate, sessEvictRate, waitTakeoverSeconds } = evidence.settings;
  const seen = seenOf(evidence, 'nodes').flatMap(({ nodes }) =>
    nodes.filter(({ node, state }) => podOf(node) === pod && state !== 'none'),
  );
  const clients = Math.max(0, ...seen.map(({ initialClients }) => initialClients));
  const moving = seen.filter(({ state }) => state === 'evicting_sessions');
  const sessions = Math.max(0, ...moving.map(({ sessionsLeft }) => sessionsLeft));
  return {
    [`${pod}: ${clients} clients`]: Math.ceil(clients / connEvictRate),
    [`${pod}: wait for takeover`]: waitTakeoverSeconds,
    [`${pod}: ${sessions} sessions left`]: Math.ceil(sessions / sessEvictRate),
  };
}

/** From EMQX's last answer to its container's end, which is the stop that no upgrade can avoid. */
function stopSeconds(evidence: Evidence, { name, goneMs, emqxEndedMs }: PodLife): number {
  const answers = seenOf(evidence, 'nodes').filter(({ nodes }) =>
    nodes.some(({ node, isRunning }) => isRunning && podOf(node) === name),
  );
  const lastAnswerMs = answers.findLast(({ atMs }) => atMs <= goneMs)?.atMs;
  return lastAnswerMs === undefined ? 0 : seconds(Math.max(0, Math.min(goneMs, emqxEndedMs) - lastAnswerMs));
}

/** Milliseconds to seconds, to a tenth; what never happened adds nothing, so that the limit only gets stricter. */
function seconds(ms: number): number {
  return Number.isFinite(ms) ? Math.round(ms / 100) / 10 : 0;
}
