import {
  evacuatedBy,
  type Drain,
  type DrainState,
  type Picture,
} from '../../../controller/metrics/picture.js';
import {
  DEFAULT_SPEC,
  type BlueGreenStatus,
  type EmqxNodeStatus,
  type NodeEvacuationStatus,
} from '../../../lib/types.js';

export const STARTED = '2026-01-02T03:00:00.000Z';
export const ENDED = '2026-01-02T03:05:00.000Z';

/** A picture in the middle of an upgrade from `emqx-blue` to `emqx-green`; each call names only what differs. */
export function picture(
  status: Partial<BlueGreenStatus> = {},
  parts: Partial<Omit<Picture, 'status'>> = {},
): Picture {
  return {
    spec: DEFAULT_SPEC,
    activeRevision: 'green',
    wantedRevision: 'green',
    wantedSize: 3,
    drains: [],
    // The pods of nodes have their names for uids.
    evacuated: (status.nodeEvacuationsStatus ?? []).map((one) => evacuatedBy(one, one.node)),
    pods: (parts.drains ?? []).map(({ uid }) => ({ uid, isEnding: true })),
    ...parts,
    status: {
      phase: 'Draining',
      message: '',
      observedGeneration: 1,
      conditions: [],
      active: 'emqx-green',
      wanted: 'emqx-green',
      replicas: 3,
      readyReplicas: 3,
      selector: '',
      services: ['emqx'],
      clientsLeft: 0,
      history: [],
      claims: [],
      emqxNodes: [],
      nodeEvacuationsStatus: [],
      ...status,
    },
  };
}

export function node(name: string, revision: string, clients: number, sessions: number): EmqxNodeStatus {
  return { node: name, node_status: 'running', revision, live_connections: clients, connections: sessions };
}

/** An evacuation of `name` that began with 100 clients and 150 sessions, unless others are named. */
export function evacuation(
  name: string,
  clients: number,
  sessions: number,
  initial = { clients: 100, sessions: 150 },
): NodeEvacuationStatus {
  return {
    node: name,
    state: 'evicting_conns',
    connection_eviction_rate: 10,
    session_eviction_rate: 10,
    connection_goal: 0,
    session_goal: 0,
    session_recipients: [],
    stats: {
      initial_connected: initial.clients,
      current_connected: clients,
      initial_sessions: initial.sessions,
      current_sessions: sessions,
    },
  };
}

export function ended(id: string, result: BlueGreenStatus['history'][number]['result'] = 'succeeded') {
  return {
    id,
    startedAt: STARTED,
    finishedAt: ENDED,
    requestedBy: 'bob',
    from: 'emqx-blue',
    to: 'emqx-green',
    traceparent: '',
    result,
  };
}

export function drain(uid: string, state: DrainState, parts: Partial<Drain> = {}): Drain {
  return { uid, state, isOverdue: false, isEmpty: false, ...parts };
}
