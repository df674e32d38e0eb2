import { during, greenOnlyMs, resultOf, seenOf } from './evidence.js';
import type { Evidence } from './evidence.js';
import type { Figures } from './report.js';

/** One thing that an upgrade promises: what was seen, and the bound that it must keep. */
export interface Promised {
  /** The report's field. */
  field: string;
  /** The promise in words. */
  says: string;
  isKept: boolean;
  seen: number;
}

/** An upgrade may take this much longer than its rates and waits alone demand. */
const TIME_ALLOWANCE = 1.25;
const MAX_VARIATION = 0.1;
/**
 * Each client finds its node by chance, which alone spreads few clients by more than {@link MAX_VARIATION}: clients ×
 * variation² has a chi-square distribution with nodes - 1 degrees of freedom, and 14 for each degree is exceeded about
 * once in a million runs of three nodes. From 2,800 clients on this changes nothing.
 */
const CHANCE_PER_DEGREE = 14;

/** Every promise with what was seen of it, in the order in which people ask. Pure. */
export function promisesOf(figures: Figures): Promised[] {
  const { connEvictRate: rate, nodes } = figures;
  const atMost = (field: string, seen: number, bound: number, says: string): Promised => ({
    field,
    says: `${says}: at most ${bound}`,
    isKept: seen <= bound,
    seen,
  });
  const atLeast = (field: string, seen: number, bound: number, says: string): Promised => ({
    field,
    says: `${says}: at least ${bound}`,
    isKept: seen >= bound,
    seen,
  });
  const maxVariation = Math.max(
    MAX_VARIATION,
    Math.sqrt((CHANCE_PER_DEGREE * (nodes - 1)) / figures.clients),
  );
  const none = (field: string, seen: number, says: string) => atMost(field, seen, 0, says);
  return [
    atMost('disconnectsPerClient', figures.disconnectsPerClient.max, 1, 'disconnects of any client'),
    // EMQX evicts in bursts, one a tick: two ticks can share a second, and six fall into five seconds and a bit.
    atMost('peakDisconnectsPerSecond', figures.peakDisconnectsPerSecond, 2 * rate, 'disconnects in any 1 s'),
    atMost(
      'peakDisconnectsPer5Seconds',
      figures.peakDisconnectsPer5Seconds,
      6 * rate,
      'disconnects in any 5 s',
    ),
    none('refusedConnects', figures.refusedConnects, 'refused connects'),
    atLeast('minReadyEndpoints', figures.minReadyEndpoints, 1, 'ready endpoints'),
    atLeast('minServingNodes', figures.minServingNodes, nodes, 'serving nodes'),
    none('connectsToBlueAfterSwitch', figures.connectsToBlueAfterSwitch, 'connects to blue after the switch'),
    none('sessionsLost', figures.sessionsLost, 'sessions lost'),
    none('messagesLost', figures.messagesLost, 'QoS 1 messages lost'),
    {
      field: 'spread',
      says: `coefficient of variation of clients per node: below ${Number(maxVariation.toFixed(2))}`,
      isKept: figures.spread.coefficientOfVariation < maxVariation,
      seen: figures.spread.coefficientOfVariation,
    },
    atMost(
      'upgradeSeconds',
      figures.upgradeSeconds,
      Math.round(TIME_ALLOWANCE * figures.limitSeconds * 10) / 10,
      `seconds, ${TIME_ALLOWANCE} × the limit`,
    ),
  ];
}

/** The promises that were broken, each with its field's name, its bound and what was seen. Pure. */
export function brokenPromises(figures: Figures): string[] {
  return promisesOf(figures)
    .filter(({ isKept }) => !isKept)
    .map(({ field, says, seen }) => `${field}: ${says}, seen ${seen}`);
}

/**
 * A poll of EMQX's nodes, which comes each half second, may be this late before what happened in between counts as unseen: less than the
 * 4.5 s that a node needs at least to be back.
 */
const MAX_GAP_MS = 4_000;

/**
 * What kept the report from being a proof: a figure of 0 must not come from not having looked.
 * @returns one line for each gap, with the prefix `measurement:`
 */
export function unmeasured(evidence: Evidence, { spread }: Pick<Figures, 'spread'>): string[] {
  const { settings, startedMs, endedMs, fleet } = evidence;
  const result = resultOf(evidence);
  const gaps: string[] = [];
  if (!fleet.some(({ kind, atMs }) => kind === 'ready' && atMs <= startedMs)) {
    gaps.push('the fleet was not complete when the template was edited');
  }
  if (!result) gaps.push('the fleet ended without a result');
  else {
    if (result.clients !== settings.clients) gaps.push(`the fleet had ${result.clients} clients`);
    if (result.connected !== result.clients) {
      gaps.push(`${result.clients - result.connected} clients were not back at the end`);
    }
    if (result.messages.acknowledged === 0) gaps.push('no QoS 1 message was acknowledged');
  }
  if (!evidence.hasEnded) gaps.push('the upgrade did not end');
  if (during(evidence, seenOf(evidence, 'endpoints')).length === 0)
    gaps.push("the Service's endpoints were not watched");
  // Connects to blue count from then on; without it their 0 would come from not having looked.
  if (settings.strategy === 'blue-green' && greenOnlyMs(evidence) === undefined)
    gaps.push("the Service's endpoints never listed green only");
  const known = Object.values(spread.perNode).reduce((sum, clients) => sum + clients, 0);
  if (known !== settings.clients)
    gaps.push(`the brokers knew ${known} of ${settings.clients} clients at the end`);
  const polls = during(evidence, seenOf(evidence, 'nodes')).map(({ atMs }) => atMs);
  const widest = Math.max(
    ...[...polls, endedMs].map((atMs, index) => atMs - (polls[index - 1] ?? startedMs)),
  );
  if (polls.length === 0) gaps.push("EMQX's nodes were not watched");
  else if (widest > MAX_GAP_MS) gaps.push(`EMQX's nodes were not seen for ${Math.round(widest / 1000)} s`);
  if (settings.strategy === 'blue-green' && seenOf(evidence, 'broker-connects').length === 0) {
    gaps.push('the brokers did not say which connects reached them');
  }
  return gaps.map((gap) => `measurement: ${gap}`);
}
