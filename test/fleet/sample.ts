import type { Evidence, UpgradeSettings } from './evidence.js';
import type { NodeSeen, Observation, PodSeen } from './observations.js';
import type { ConnectEvent, DisconnectEvent, FleetRecord, RefusalEvent, ResultRecord } from './records.js';

/** A healthy small upgrade, for tests that each change one thing in it. */

export const EDIT_MS = 1_000_000;
const SWITCH_MS = EDIT_MS + 10_000;
const END_MS = EDIT_MS + 40_000;

export const SETTINGS: UpgradeSettings = {
  strategy: 'blue-green',
  clients: 12,
  nodes: 3,
  connEvictRate: 2,
  sessEvictRate: 2,
  waitTakeoverSeconds: 6,
  initialDelaySeconds: 5,
};

/** Milliseconds after the edit. */
export const at = (ms: number) => EDIT_MS + ms;

const BLUE = ['blue-0', 'blue-1', 'blue-2'];
const GREEN = ['green-0', 'green-1', 'green-2'];
const addressOf = (pod: string) => `ip-${pod}`;
const nodeOf = (pod: string) => `emqx@${pod}.emqx-headless.demo.svc.cluster.local`;

export function pod(name: string, changes: Partial<PodSeen>): PodSeen {
  return {
    kind: 'pod',
    atMs: EDIT_MS - 5000,
    uid: name,
    name,
    address: addressOf(name),
    revision: name.replace(/-\d+$/, ''),
    isReady: true,
    isDeleting: false,
    emqxEndedMs: 0,
    isGone: false,
    ...changes,
  };
}

export function node(name: string, changes: Partial<NodeSeen> = {}): NodeSeen {
  return {
    node: nodeOf(name),
    isRunning: true,
    state: 'none',
    clients: 4,
    sessions: 4,
    initialClients: 0,
    sessionsLeft: 0,
    ...changes,
  };
}

/** Poll of all six nodes, one blue node in a state of its own. */
function poll(atMs: number, draining: number, state: NodeSeen['state']): Observation {
  const blue = BLUE.map((name, index) => {
    if (index < draining) return node(name, { isRunning: false, clients: 0 });
    return index === draining && state !== 'none'
      ? node(name, { state, initialClients: 4, sessionsLeft: state === 'evicting_sessions' ? 3 : 4 })
      : node(name);
  });
  return { kind: 'nodes', atMs, nodes: [...blue, ...GREEN.map((name) => node(name))] };
}

/** Each poll again every second until the next one. */
function repeated(polls: Observation[]): Observation[] {
  return polls.flatMap((each, index) => {
    const seconds = Math.ceil(((polls[index + 1]?.atMs ?? each.atMs + 1000) - each.atMs) / 1000);
    return Array.from({ length: seconds }, (_, second) => ({ ...each, atMs: each.atMs + second * 1000 }));
  });
}

const observations: Observation[] = [
  ...BLUE.map((name) => pod(name, {})),
  ...GREEN.map((name, index) => pod(name, { atMs: at(1000), isReady: false, uid: `g${index}` })),
  ...GREEN.map((name, index) => pod(name, { atMs: at(7000 + index), uid: `g${index}` })),
  ...BLUE.flatMap((name, index) => [
    pod(name, { atMs: at(16_000 + index * 8000), isDeleting: true }),
    pod(name, {
      atMs: at(23_800 + index * 8000),
      isDeleting: true,
      isGone: true,
      emqxEndedMs: at(23_500 + index * 8000),
    }),
  ]),
  { kind: 'endpoints', atMs: EDIT_MS - 5000, ready: BLUE.map(addressOf) },
  { kind: 'endpoints', atMs: SWITCH_MS, ready: GREEN.map(addressOf) },
  ...repeated([
    { kind: 'nodes', atMs: EDIT_MS - 1000, nodes: BLUE.map((name) => node(name)) },
    poll(at(8000), 0, 'none'),
    poll(at(16_000), 0, 'evicting_conns'),
    poll(at(20_000), 0, 'evicting_sessions'),
    poll(at(24_000), 1, 'evicting_conns'),
    poll(at(31_000), 2, 'waiting_takeover'),
    poll(at(36_000), 2, 'prohibiting'),
  ]),
  { kind: 'broker-connects', fromMs: at(11_000), atMs: at(11_000), pod: 'blue-0', count: 1 },
  { kind: 'broker-connects', fromMs: at(17_000), atMs: at(17_000), pod: 'green-0', count: 12 },
];

export const RESULT: ResultRecord = {
  kind: 'result',
  atMs: END_MS + 2000,
  endedBy: 'signal',
  clients: 12,
  connected: 12,
  disconnects: 12,
  refusals: 0,
  sessionsLost: 0,
  awayMs: { mean: 3000, max: 5000 },
  disconnectsPerClient: { max: 1, mean: 1, histogram: { 1: 12 } },
  messages: {
    published: 90,
    acknowledged: 90,
    delivered: 90,
    lost: 0,
    duplicated: 0,
    redelivered: 0,
    repeated: 0,
    rejected: 0,
  },
};

/** What one test changes. */
export interface Changes {
  settings?: Partial<UpgradeSettings>;
  disconnects?: DisconnectEvent[];
  connects?: ConnectEvent[];
  refusals?: RefusalEvent[];
  result?: Partial<ResultRecord> | 'missing';
  isReadyLate?: boolean;
  /** Further observations. */
  seen?: Observation[];
  /** Leaves out observations. */
  without?: Observation['kind'];
  endedMs?: number;
  isUnfinished?: boolean;
}

export function sampleEvidence(changes: Changes = {}): Evidence {
  const { result = {}, seen = [], without } = changes;
  // Two clients a tick, one tick a second, a pause between nodes.
  const disconnects = Array.from({ length: 12 }, (_, client): DisconnectEvent => {
    const tick = Math.floor((client % 4) / 2);
    return [at(16_000 + Math.floor(client / 4) * 8000 + tick * 1000), client, 0x9c];
  });
  const start: FleetRecord = {
    kind: 'start',
    atMs: EDIT_MS - 9000,
    run: 'r',
    clients: 12,
    persistent: 6,
    publishers: 2,
    messagesPerSecond: 2,
  };
  const second: FleetRecord = {
    kind: 'second',
    atMs: END_MS,
    connected: 12,
    connects: [
      ...disconnects.map(([atMs, client]): ConnectEvent => [
        atMs + 3000,
        client,
        client % 4 >= 2 ? 'resumed' : 'clean',
        3000,
      ]),
      ...(changes.connects ?? []),
    ],
    disconnects: [...disconnects, ...(changes.disconnects ?? [])],
    refusals: changes.refusals ?? [],
    published: 90,
    acknowledged: 90,
    delivered: 90,
    lagMs: 1,
    cpu: 0.1,
    rssBytes: 1,
  };
  const ready: FleetRecord = { kind: 'ready', atMs: changes.isReadyLate ? at(1) : EDIT_MS - 2000 };
  const settings = { ...SETTINGS, ...changes.settings };
  const last: Observation = {
    kind: 'nodes',
    atMs: at(40_000),
    nodes: GREEN.map((name) => node(name, { clients: settings.clients / 3 })),
  };
  return {
    settings,
    startedMs: EDIT_MS,
    endedMs: changes.endedMs ?? END_MS,
    hasEnded: !changes.isUnfinished,
    fleet: [start, ready, second, ...(result === 'missing' ? [] : [{ ...RESULT, ...result }])],
    observations: [...[...observations, last].filter(({ kind }) => kind !== without), ...seen],
  };
}
