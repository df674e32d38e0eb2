import type {
  ConnectEvent,
  DisconnectEvent,
  RefusalEvent,
  ResultRecord,
  SecondRecord,
  SessionSeen,
} from './records.js';

type Events = Pick<SecondRecord, 'connects' | 'disconnects' | 'refusals'>;

/** Counts what happens to each client. Knows no socket and no clock: times are passed in. */
export class Tally {
  #connected = 0;
  #refusals = 0;
  #sessionsLost = 0;
  #aways = 0;
  #awayTotalMs = 0;
  #awayMaxMs = 0;
  #recent: Events = { connects: [], disconnects: [], refusals: [] };
  readonly #disconnects: Uint32Array;
  readonly #leftAtMs: Float64Array;

  constructor(clients: number) {
    this.#disconnects = new Uint32Array(clients);
    this.#leftAtMs = new Float64Array(clients);
  }

  get connected(): number {
    return this.#connected;
  }

  connect(atMs: number, client: number, session: SessionSeen): void {
    this.#connected++;
    if (session === 'lost') this.#sessionsLost++;
    const leftAtMs = this.#leftAtMs[client] ?? 0;
    const awayMs = leftAtMs === 0 ? 0 : atMs - leftAtMs;
    if (leftAtMs !== 0) {
      this.#aways++;
      this.#awayTotalMs += awayMs;
      this.#awayMaxMs = Math.max(this.#awayMaxMs, awayMs);
    }
    this.#recent.connects.push([atMs, client, session, awayMs] satisfies ConnectEvent);
  }

  /** @param reason MQTT 5's reason code, or -1 for a bare close */
  disconnect(atMs: number, client: number, reason: number): void {
    this.#connected--;
    this.#disconnects[client] = (this.#disconnects[client] ?? 0) + 1;
    this.#leftAtMs[client] = atMs;
    this.#recent.disconnects.push([atMs, client, reason] satisfies DisconnectEvent);
  }

  /** A close that the client asked for: no disconnect. */
  leave(): void {
    this.#connected--;
  }

  refuse(atMs: number, client: number, reason: string): void {
    this.#refusals++;
    this.#recent.refusals.push([atMs, client, reason] satisfies RefusalEvent);
  }

  /** The events since the last call. */
  take(): Events {
    const taken = this.#recent;
    this.#recent = { connects: [], disconnects: [], refusals: [] };
    return taken;
  }

  /** The sums of the whole run. */
  sums(): Omit<ResultRecord, 'kind' | 'atMs' | 'endedBy' | 'messages'> {
    const perClient = histogramOf(this.#disconnects);
    return {
      clients: this.#disconnects.length,
      connected: this.#connected,
      disconnects: this.#disconnects.reduce((sum, n) => sum + n, 0),
      refusals: this.#refusals,
      sessionsLost: this.#sessionsLost,
      awayMs: {
        mean: this.#aways === 0 ? 0 : Math.round(this.#awayTotalMs / this.#aways),
        max: this.#awayMaxMs,
      },
      disconnectsPerClient: perClient,
    };
  }
}

/**
 * Sums up how often each client was disconnected.
 * @param counts one number a client
 */
export function histogramOf(counts: ArrayLike<number>): ResultRecord['disconnectsPerClient'] {
  const histogram: Record<string, number> = {};
  let max = 0;
  let sum = 0;
  for (const count of Array.from(counts)) {
    histogram[count] = (histogram[count] ?? 0) + 1;
    max = Math.max(max, count);
    sum += count;
  }
  return { max, mean: counts.length === 0 ? 0 : sum / counts.length, histogram };
}
