import type { EmqxApi } from './emqxApi.js';
import type { BrokerConnects, BrokerDisconnect } from './observations.js';

/** What a broker itself counted, apart from what its clients saw. */
export type BrokerEvent = BrokerConnects | BrokerDisconnect;

/** Asks one pod's broker what happened since the last call. The first call of a counter only takes its measure. */
export type BrokerSource = () => Promise<BrokerEvent[]>;

/** Where the stand-in tells what EMQX has no API for; a real EMQX does not listen there. */
const STATS_PORT = 18_099;

/**
 * The stand-in's own page, which keeps each event's time: `GET /events?since=N` gives `{next, events}`, an event being
 * `[atMs, 'connected' | 'evicted', clientId]`.
 */
export function standInSource(pod: string, address: string, timeoutMs: number): BrokerSource {
  let next = 0;
  return async () => {
    const answer = await fetch(`http://${address}:${STATS_PORT}/events?since=${next}`, {
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (answer.status !== 200) throw new Error(`GET /events of ${pod}: ${answer.status}`);
    const page = (await answer.json()) as { next: number; events: [number, string, string][] };
    next = page.next;
    return page.events.map(([atMs, what, clientId]) =>
      what === 'connected'
        ? { kind: 'broker-connects', fromMs: atMs, atMs, pod, count: 1 }
        : { kind: 'broker-disconnect', atMs, pod, clientId },
    );
  };
}

/** A real EMQX: its counter `client.connected`, so that a connect is known to within one poll. */
export function metricsSource(pod: string, api: EmqxApi, now: () => number): BrokerSource {
  let before: { count: number; atMs: number } | undefined;
  return async () => {
    const node = await ownName(api);
    const askedMs = now();
    const metrics = await api.get(`/nodes/${encodeURIComponent(node)}/metrics`);
    const count = connectedOf(metrics);
    const last = before;
    before = { count, atMs: askedMs };
    if (!last) return [];
    // A restarted node counts from 0 again.
    const since = count >= last.count ? count - last.count : count;
    return [{ kind: 'broker-connects', fromMs: last.atMs, atMs: now(), pod, count: since }];
  };
}

async function ownName(api: EmqxApi): Promise<string> {
  const cluster = await api.get('/cluster');
  if (
    typeof cluster === 'object' &&
    cluster !== null &&
    'self' in cluster &&
    typeof cluster.self === 'string'
  ) {
    return cluster.self;
  }
  throw new TypeError('GET /cluster has no self');
}

function connectedOf(metrics: unknown): number {
  if (typeof metrics === 'object' && metrics !== null && 'client.connected' in metrics) {
    return Number(metrics['client.connected']);
  }
  throw new TypeError('the metrics have no client.connected');
}

/**
 * The stand-in's page where there is one, else EMQX's counter; decided once. A node that has just started may refuse the
 * page and answer its API a moment later: the page is asked again before it counts as missing.
 */
export function anySource(pod: string, address: string, api: EmqxApi, timeoutMs: number): BrokerSource {
  return firstOf(
    standInSource(pod, address, timeoutMs),
    metricsSource(pod, api, () => Date.now()),
  );
}

/** `preferred`, unless it fails before and after `other` has answered; no event is told by both. */
export function firstOf(preferred: BrokerSource, other: BrokerSource): BrokerSource {
  let chosen: BrokerSource | undefined;
  return async () => {
    if (chosen) return chosen();
    const first = await answerOf(preferred);
    const fallback = first ? undefined : await other();
    const events = first ?? (await answerOf(preferred));
    chosen = events ? preferred : other;
    return events ?? fallback ?? [];
  };
}

async function answerOf(source: BrokerSource): Promise<BrokerEvent[] | undefined> {
  return source().catch(() => undefined);
}
