/**
 * What the fleet program writes: one JSON object a line. All times are milliseconds since the epoch, taken in the
 * process that saw the event, so that windows of any length can be computed afterwards.
 */

/** What a CONNACK said about the session: `clean` for clients that keep none, `new` for a first connection. */
export type SessionSeen = 'clean' | 'new' | 'resumed' | 'lost';

/** `[atMs, client, session, awayMs]`; `awayMs` counts from the disconnect (0 on the first connection). */
export type ConnectEvent = [atMs: number, client: number, session: SessionSeen, awayMs: number];

/** `[atMs, client, reason]`: a close that the client did not ask for; MQTT 5's reason code, or -1 for a bare close. */
export type DisconnectEvent = [atMs: number, client: number, reason: number];

/** `[atMs, client, reason]`: an attempt that no CONNACK 0 answered: `ECONNREFUSED`, `connack 0x9c`, `timeout`, `closed`. */
export type RefusalEvent = [atMs: number, client: number, reason: string];

/** The first line: what was asked for. */
export interface StartRecord {
  kind: 'start';
  atMs: number;
  /** Part of every client id and topic, so that two runs never share a session. */
  run: string;
  clients: number;
  persistent: number;
  publishers: number;
  messagesPerSecond: number;
}

/** Every client has connected and every subscription was acknowledged; messages begin now. */
export interface ReadyRecord {
  kind: 'ready';
  atMs: number;
}

/** One second of the run. The events of a second are those since the record before. */
export interface SecondRecord {
  kind: 'second';
  atMs: number;
  /** Clients with a CONNACK 0 at `atMs`. */
  connected: number;
  connects: ConnectEvent[];
  disconnects: DisconnectEvent[];
  refusals: RefusalEvent[];
  /** QoS 1 messages since the record before: first sendings, PUBACKs, and first deliveries. */
  published: number;
  acknowledged: number;
  delivered: number;
  /** The longest this process was late in the second; event times are later than the truth by at most this. */
  lagMs: number;
  /** Of one core, 0 to 1. */
  cpu: number;
  rssBytes: number;
}

/** What became of the QoS 1 messages; see {@link MessageLedger} for the meaning of each. */
export interface MessageTotals {
  published: number;
  acknowledged: number;
  delivered: number;
  lost: number;
  duplicated: number;
  redelivered: number;
  repeated: number;
  rejected: number;
}

/** The last line. A run without it was killed. */
export interface ResultRecord {
  kind: 'result';
  atMs: number;
  endedBy: 'signal' | 'duration';
  clients: number;
  connected: number;
  disconnects: number;
  refusals: number;
  sessionsLost: number;
  /** Over all disconnects that were followed by a connect. */
  awayMs: { mean: number; max: number };
  /** `histogram[n]` clients were disconnected `n` times. */
  disconnectsPerClient: { max: number; mean: number; histogram: Record<string, number> };
  messages: MessageTotals;
}

export type FleetRecord = StartRecord | ReadyRecord | SecondRecord | ResultRecord;

const KINDS: readonly string[] = ['start', 'ready', 'second', 'result'] satisfies FleetRecord['kind'][];

/**
 * Reads one line of the fleet's output.
 * @returns undefined for a line that is not a record (a warning of the runtime, say)
 */
export function parseFleetRecord(line: string): FleetRecord | undefined {
  if (!line.startsWith('{')) return undefined;
  let raw: unknown;
  try {
    raw = JSON.parse(line);
  } catch {
    return undefined; // cut short: the process was killed while it wrote
  }
  return isRecord(raw) ? raw : undefined;
}

/** The fleet program is ours, so its fields are taken at their word. */
function isRecord(raw: unknown): raw is FleetRecord {
  return (
    typeof raw === 'object' &&
    raw !== null &&
    'kind' in raw &&
    typeof raw.kind === 'string' &&
    KINDS.includes(raw.kind)
  );
}
