import { createServer, type Server } from 'node:http';

/** What happened in one second at this node. */
export interface Second {
  /** Unix time. */
  readonly second: number;
  /** Connections told to leave by an evacuation. */
  evictions: number;
  accepted: number;
  /** By CONNACK code, as decimal text. */
  refused: Record<string, number>;
}

const keptSeconds = 3_600;

/** One client that came or was sent away: Unix time in ms, and its id. */
export type ClientEvent = readonly [atMs: number, what: 'connected' | 'evicted', clientId: string];

const keptEvents = 200_000;

/** Counts for the load report, by the second. No part of EMQX. */
export class Stats {
  readonly #seconds: Second[] = [];
  readonly #events: ClientEvent[] = [];
  #forgotten = 0;
  #connected = 0;

  constructor(readonly now: () => number) {}

  evicted(clientIds: readonly string[]): void {
    if (clientIds.length > 0) this.#current().evictions += clientIds.length;
    for (const clientId of clientIds) this.#note('evicted', clientId);
  }

  connack(code: number, clientId: string): void {
    const second = this.#current();
    if (code === 0) {
      second.accepted += 1;
      this.#connected += 1;
      this.#note('connected', clientId);
    } else second.refused[code] = (second.refused[code] ?? 0) + 1;
  }

  all(): readonly Readonly<Second>[] {
    return this.#seconds;
  }

  /** CONNECTs accepted since the node started. */
  get connected(): number {
    return this.#connected;
  }

  /** The events from number `since` on, and the number that the next one will have. */
  events(since: number): { readonly next: number; readonly events: readonly ClientEvent[] } {
    const next = this.#forgotten + this.#events.length;
    return { next, events: this.#events.slice(Math.max(0, since - this.#forgotten)) };
  }

  #note(what: ClientEvent[1], clientId: string): void {
    this.#events.push([Math.round(this.now()), what, clientId]);
    if (this.#events.length <= keptEvents) return;
    this.#forgotten += this.#events.splice(0, keptEvents / 2).length;
  }

  #current(): Second {
    const now = Math.floor(this.now() / 1_000);
    const last = this.#seconds.at(-1);
    if (last?.second === now) return last;
    const fresh: Second = { second: now, evictions: 0, accepted: 0, refused: {} };
    this.#seconds.push(fresh);
    if (this.#seconds.length > keptSeconds) this.#seconds.shift();
    return fresh;
  }
}

export interface StatsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly stats: Stats;
  /** What else the page shows. */
  readonly describe: () => unknown;
  readonly switches: () => unknown;
  /** Changes switches while the node runs. Throws on an unknown one. */
  readonly setSwitches: (changes: unknown) => void;
}

/**
 * `GET /evictions` → `[{second, count}]`, `GET /connects` → `[{second, accepted, refused}]`, `GET /` → the node;
 * `GET /events?since=N` → `{next, events: [[atMs, 'connected' | 'evicted', clientId]]}` from event N on;
 * `GET` and `PUT /switches` → the switches that a running node obeys.
 */
export async function serveStats(options: StatsServerOptions): Promise<Server> {
  const { stats } = options;
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://node');
    switch (`${request.method} ${pathname}`) {
      case 'GET /events':
        return answer(200, stats.events(Number(searchParams.get('since') ?? 0)));
      case 'GET /evictions':
        return answer(
          200,
          stats
            .all()
            .filter(({ evictions }) => evictions > 0)
            .map(({ second, evictions }) => ({ second, count: evictions })),
        );
      case 'GET /connects':
        return answer(
          200,
          stats.all().map(({ second, accepted, refused }) => ({ second, accepted, refused })),
        );
      case 'GET /switches':
        return answer(200, options.switches());
      case 'PUT /switches': {
        let text = '';
        request.on('data', (chunk: Buffer) => (text += chunk.toString()));
        request.on('end', () => {
          try {
            options.setSwitches(JSON.parse(text));
            answer(200, options.switches());
          } catch (error) {
            answer(400, { message: String(error) });
          }
        });
        return;
      }
      case 'GET /':
        return answer(200, options.describe());
      default:
        return answer(404, { message: 'try /, /evictions, /connects, /events or /switches' });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return server;
}
