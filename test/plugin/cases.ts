import { viewOf, type View } from '../../plugin/view.js';
import type { JsonObject } from '../../lib/json.js';
import { DEFAULT_SPEC, type BlueGreenStatus, type EvacuationState } from '../../lib/types.js';

export const NOW = Date.parse('2026-01-01T12:00:00Z');
export const BLUE = 'emqx-bbbbbbbbb';
export const GREEN = 'emqx-ggggggggg';

/** RFC 3339, so many seconds ago. */
export const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

export interface NodeCase {
  clients?: number;
  sessions?: number;
  state?: EvacuationState;
  initial?: number;
  /** Deleted so many seconds ago. */
  deletedFor?: number;
  /** Why it is not ready. */
  waiting?: string;
  /** EMQX does not list it as running. */
  isStopped?: boolean;
}

export interface SetCase {
  name: string;
  image?: string;
  size?: number;
  nodes?: NodeCase[];
  createdAt?: string;
}

export interface ViewCase {
  status?: Partial<BlueGreenStatus>;
  sets?: SetCase[];
  spec?: JsonObject;
  /** Of the declaration. */
  image?: string;
  isLabelled?: boolean;
  declarationNotes?: JsonObject;
  notes?: JsonObject;
}

/** A declaration of three nodes at rest, unless a case says otherwise; through the reader of raw objects. */
export function view(given: ViewCase = {}): View {
  return viewOf({ nowMs: NOW, ...rawObjects(given) });
}

export function rawObjects({
  status,
  sets = [set(BLUE)],
  spec,
  image = OLD,
  isLabelled = true,
  declarationNotes,
  notes,
}: ViewCase): {
  blueGreen: JsonObject;
  statefulSets: JsonObject[];
  pods: JsonObject[];
} {
  const nodes = sets.flatMap(({ name, nodes: list = [] }) =>
    list.map((node, at) => ({ ...node, pod: `${name}-${at}` })),
  );
  return {
    blueGreen: {
      metadata: {
        name: 'emqx',
        namespace: 'mqtt',
        generation: 1,
        creationTimestamp: ago(86_400 * 12),
        annotations: { 'sluice.dev/replicas': '3', ...notes },
      },
      spec: {
        ...(DEFAULT_SPEC as unknown as JsonObject),
        replicas: 3,
        updateStrategy: {
          type: 'Recreate',
          initialDelaySeconds: 5,
          evacuationStrategy: { waitTakeover: 6, connEvictRate: 200, sessEvictRate: 200 },
        },
        ...spec,
      },
      status: {
        phase: 'Stable',
        message: 'emqx-bbbbbbbbb serves with 3 nodes',
        observedGeneration: 1,
        active: BLUE,
        wanted: BLUE,
        nodes: '3/3',
        conditions: [{ ...condition('Ready') }],
        emqxNodes: nodes.flatMap(({ pod, clients, sessions, isStopped }) =>
          clients === undefined
            ? []
            : [
                {
                  node: `emqx@${pod}.emqx-headless.mqtt.svc.cluster.local`,
                  node_status: isStopped ? 'stopped' : 'running',
                  connections: sessions ?? clients,
                  live_connections: clients,
                },
              ],
        ),
        nodeEvacuationsStatus: nodes.flatMap(({ pod, state, clients = 0, initial = clients }) =>
          state === undefined
            ? []
            : [
                {
                  node: `emqx@${pod}.emqx-headless.mqtt.svc.cluster.local`,
                  state,
                  connection_eviction_rate: 200,
                  session_eviction_rate: 300,
                  connection_goal: 0,
                  session_goal: 0,
                  session_recipients: [],
                  stats: {
                    initial_connected: initial,
                    current_connected: clients,
                    initial_sessions: initial,
                    current_sessions: initial,
                  },
                },
              ],
        ),
        ...(status as JsonObject | undefined),
      },
    },
    statefulSets: [
      {
        metadata: {
          name: 'emqx',
          namespace: 'mqtt',
          uid: 'the-declaration',
          resourceVersion: '7',
          labels: isLabelled ? { 'sluice.dev/upgrade': 'blue-green' } : {},
          annotations: { 'sluice.dev/replicas': '3', ...declarationNotes },
        },
        spec: { replicas: 0, template: template(image) },
      },
      ...sets.map(({ name, image: own = OLD, size = 3, createdAt = ago(3600) }) => ({
        metadata: {
          name,
          namespace: 'mqtt',
          uid: name,
          creationTimestamp: createdAt,
          labels: { 'sluice.dev/declaration': 'emqx', 'sluice.dev/revision': name.slice(5) },
          ownerReferences: [{ controller: true, uid: 'the-declaration' }],
        },
        spec: { replicas: size, template: template(own) },
      })),
    ],
    pods: sets.flatMap(({ name, nodes: list = [] }) =>
      list.map(({ deletedFor, waiting }, at) => ({
        metadata: {
          name: `${name}-${at}`,
          namespace: 'mqtt',
          uid: `uid-of-${name}-${at}`,
          creationTimestamp: ago(3600),
          labels: { 'sluice.dev/revision': name.slice(5) },
          ownerReferences: [{ controller: true, uid: name }],
          ...(deletedFor !== undefined && {
            deletionTimestamp: ago(deletedFor - 3700),
            deletionGracePeriodSeconds: 3700,
          }),
        },
        status: {
          phase: waiting === undefined ? 'Running' : 'Pending',
          conditions: [
            {
              type: 'Ready',
              status: waiting === undefined ? 'True' : 'False',
              lastTransitionTime: ago(3580),
            },
          ],
          containerStatuses:
            waiting === undefined ? [] : [{ name: 'emqx', state: { waiting: { reason: waiting } } }],
        },
      })),
    ),
  };
}

export const OLD = 'emqx/emqx-enterprise:5.8.8';
export const NEW = 'emqx/emqx-enterprise:5.8.9';

export function set(name: string, more: Partial<SetCase> = {}): SetCase {
  return { name, nodes: [{ clients: 1000 }, { clients: 1000 }, { clients: 1000 }], ...more };
}

export function condition(type: string): BlueGreenStatus['conditions'][number] {
  const one = {
    type,
    status: 'True',
    reason: '',
    message: '',
    lastTransitionTime: ago(60),
    observedGeneration: 1,
  };
  return one as BlueGreenStatus['conditions'][number];
}

export function template(image: string): JsonObject {
  return {
    metadata: { labels: { app: 'emqx' } },
    spec: { containers: [{ name: 'emqx', image, ports: [{ containerPort: 1883 }] }] },
  };
}

export const upgrade = {
  id: 'a'.repeat(32),
  startedAt: ago(60),
  requestedBy: 'alice',
  from: BLUE,
  to: GREEN,
  traceparent: '',
  switchedAt: ago(40),
};

/** In the middle of a drain: one node drained, one draining, one to come. */
export function draining(): View {
  return view({
    image: NEW,
    status: {
      phase: 'Draining',
      message: `${BLUE}-1 is draining (evicting_conns), 600 clients and 1000 sessions left`,
      active: GREEN,
      wanted: GREEN,
      clientsLeft: 1600,
      conditions: [condition('Reconciling')],
      upgrade,
    },
    sets: [
      set(BLUE, {
        size: 1,
        createdAt: ago(86_400),
        nodes: [
          { clients: 1000 },
          { clients: 600, sessions: 1000, initial: 1000, state: 'evicting_conns', deletedFor: 3 },
          { clients: 0, state: 'prohibiting', deletedFor: 15, isStopped: true },
        ],
      }),
      set(GREEN, { image: NEW, nodes: [{ clients: 467 }, { clients: 467 }, { clients: 466 }] }),
      set('emqx-kkkkkkkkk', {
        size: 0,
        nodes: [],
        createdAt: ago(86_400 * 9),
        image: 'emqx/emqx-enterprise:5.8.7',
      }),
    ],
  });
}
