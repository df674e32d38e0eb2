import { disconnectTimes, during, fleetEvents, greenOnlyMs, podLives, resultOf, seenOf } from './evidence.js';
import type { Evidence } from './evidence.js';
import { limitParts, limitSeconds } from './limit.js';
import { isServing, podOf } from './observations.js';
import { brokenPromises, unmeasured } from './promises.js';
import type { Figures, Report } from './report.js';
import { histogramOf } from './tally.js';
import { coefficientOfVariation, peakInWindow } from './windows.js';

/** How long after the EndpointSlices changed a connect may still reach blue: kube-proxy's own delay, and more. */
const SWITCH_GRACE_MS = 2000;

/** Makes the report of what was seen. Pure. */
export function reportOf(evidence: Evidence): Report {
  const { settings, startedMs, endedMs } = evidence;
  const disconnects = disconnectTimes(evidence);
  const connects = fleetEvents(evidence, 'connects');
  const messages = resultOf(evidence)?.messages;
  const parts = limitParts(evidence);
  const figures: Figures = {
    ...settings,
    disconnectsPerClient: disconnectsPerClient(evidence),
    peakDisconnectsPerSecond: peakInWindow(disconnects, 1000),
    peakDisconnectsPer5Seconds: peakInWindow(disconnects, 5000),
    peakConnectsPerSecond: peakInWindow(
      connects.map(([atMs]) => atMs),
      1000,
    ),
    refusedConnects: fleetEvents(evidence, 'refusals').length,
    minReadyEndpoints: least(
      during(evidence, seenOf(evidence, 'endpoints')).map(({ ready }) => ready.length),
    ),
    minServingNodes: least(
      during(evidence, seenOf(evidence, 'nodes')).map(({ nodes }) => nodes.filter(isServing).length),
    ),
    connectsToBlueAfterSwitch: connectsToBlueAfterSwitch(evidence),
    sessionsLost: connects.filter(([, , session]) => session === 'lost').length,
    messagesLost: messages?.lost ?? 0,
    messagesDuplicated: messages?.duplicated ?? 0,
    spread: spreadOf(evidence),
    upgradeSeconds: Math.round((endedMs - startedMs) / 100) / 10,
    limitSeconds: limitSeconds(parts),
    limitParts: parts,
  };
  return { ...figures, brokenPromises: [...brokenPromises(figures), ...unmeasured(evidence, figures)] };
}

function disconnectsPerClient(evidence: Evidence): Report['disconnectsPerClient'] {
  const counts = new Uint32Array(evidence.settings.clients);
  for (const [, client] of fleetEvents(evidence, 'disconnects')) counts[client] = (counts[client] ?? 0) + 1;
  const { max, mean, histogram } = histogramOf(counts);
  return { max, mean: Math.round(mean * 1000) / 1000, histogram };
}

function connectsToBlueAfterSwitch(evidence: Evidence): number {
  const switchedMs = greenOnlyMs(evidence);
  if (switchedMs === undefined || evidence.settings.strategy === 'rolling') return 0;
  const blue = new Set(podLives(evidence).flatMap(({ isBlue, name }) => (isBlue ? [name] : [])));
  return seenOf(evidence, 'broker-connects')
    .filter(({ pod, fromMs }) => blue.has(pod) && fromMs > switchedMs + SWITCH_GRACE_MS)
    .reduce((sum, { count }) => sum + count, 0);
}

function spreadOf(evidence: Evidence): Report['spread'] {
  // Once the fleet has its result it leaves.
  const endMs = resultOf(evidence)?.atMs ?? Infinity;
  const last = seenOf(evidence, 'nodes').findLast(({ atMs }) => atMs <= endMs);
  const perNode = Object.fromEntries(
    (last?.nodes ?? []).filter(isServing).map(({ node, clients }) => [podOf(node), clients]),
  );
  const variation = coefficientOfVariation(Object.values(perNode));
  return { perNode, coefficientOfVariation: Math.round(variation * 1000) / 1000 };
}

function least(values: number[]): number {
  return values.length === 0 ? 0 : Math.min(...values);
}
