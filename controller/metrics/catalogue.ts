import type { Catalogue } from '../../lib/metrics/definition.js';
import { PROCESS_METRICS } from '../../lib/metrics/process.js';

const OBJECT = ['namespace', 'bluegreen'] as const;
const NODE = [...OBJECT, 'node', 'revision', 'colour'] as const;

/**
 * The controller's metrics; docs/metrics.md is made from it. The leader alone has those of BlueGreens, and a series ends with the object,
 * the node or the upgrade that it is about.
 */
export const CONTROLLER_METRICS = {
  ...PROCESS_METRICS,
  leading: {
    name: 'sluice_controller_leading',
    help: '1 on the replica that leads, 0 on the others.',
    kind: 'gauge',
    labels: [],
  },
  passes: {
    name: 'sluice_passes_total',
    help: 'Passes of the loop by result. conflict: something changed meanwhile, and it looks again; failed: it backs off and tries again.',
    kind: 'counter',
    labels: ['result'],
  },
  passDuration: {
    name: 'sluice_pass_duration_seconds',
    help: 'How long passes of the loop take (observe, plan, apply, tell), in seconds.',
    kind: 'histogram',
    labels: [],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  errors: {
    name: 'sluice_errors_total',
    help: 'What failed, by the part of the controller and by cause. Each is tried again.',
    kind: 'counter',
    labels: ['part', 'cause'],
  },
  certificate: {
    name: 'sluice_certificate_expiry_timestamp_seconds',
    help: 'When a certificate ends, in seconds since 1970. The leader renews webhook-serving and control-client 30 days before, and webhook-ca 180 days before.',
    kind: 'gauge',
    labels: ['certificate'],
  },
  phase: {
    name: 'sluice_bluegreen_phase',
    help: '1 for the phase that the BlueGreen is in, 0 for the others.',
    kind: 'gauge',
    labels: [...OBJECT, 'phase'],
  },
  condition: {
    name: 'sluice_bluegreen_condition',
    help: '1 while that condition of the BlueGreen is True, 0 otherwise. Stalled: a person has to act.',
    kind: 'gauge',
    labels: [...OBJECT, 'condition'],
  },
  waitingSince: {
    name: 'sluice_bluegreen_waiting_since_timestamp_seconds',
    help: 'Since when the BlueGreen has been waiting for what it is waiting for, in seconds since 1970 (status.waitingFor.since); no series while it is Stable.',
    kind: 'gauge',
    labels: OBJECT,
  },
  nodesWanted: {
    name: 'sluice_bluegreen_nodes_wanted',
    help: 'EMQX nodes wanted.',
    kind: 'gauge',
    labels: OBJECT,
  },
  nodesReady: {
    name: 'sluice_bluegreen_nodes_ready',
    help: 'Ready EMQX nodes of the active set.',
    kind: 'gauge',
    labels: OBJECT,
  },
  clientsLeft: {
    name: 'sluice_bluegreen_clients_left',
    help: 'Clients still connected to the nodes that are left, or will be after the switch (status.clientsLeft).',
    kind: 'gauge',
    labels: OBJECT,
  },
  sessionsLeft: {
    name: 'sluice_bluegreen_sessions_left',
    help: 'Sessions still on the nodes that are left, or will be after the switch, those of disconnected clients included.',
    kind: 'gauge',
    labels: OBJECT,
  },
  connEvictRate: {
    name: 'sluice_bluegreen_client_evict_rate',
    help: 'Configured: clients to be disconnected per second (spec.updateStrategy.evacuationStrategy.connEvictRate).',
    kind: 'gauge',
    labels: OBJECT,
  },
  sessEvictRate: {
    name: 'sluice_bluegreen_session_evict_rate',
    help: 'Configured: sessions to be moved per second (spec.updateStrategy.evacuationStrategy.sessEvictRate).',
    kind: 'gauge',
    labels: OBJECT,
  },
  configuredWaitEnd: {
    name: 'sluice_bluegreen_configured_wait_end_timestamp_seconds',
    help: 'When the wait that its spec asks for (initialDelaySeconds after the switch, waitTakeover of a drain) is over, in seconds since 1970; no series while none waits so.',
    kind: 'gauge',
    labels: OBJECT,
  },
  drains: {
    name: 'sluice_bluegreen_drains',
    help: 'Nodes that are handing over their clients and sessions now. draining: within drainTimeoutSeconds; overdue: for longer.',
    kind: 'gauge',
    labels: [...OBJECT, 'state'],
  },
  nodeClients: {
    name: 'sluice_node_clients',
    help: 'Clients connected to a running EMQX node (before EMQX 5.1, which does not tell them apart: its sessions). green: of the wanted revision; blue: of any other.',
    kind: 'gauge',
    labels: NODE,
  },
  nodeSessions: {
    name: 'sluice_node_sessions',
    help: 'Sessions on a running EMQX node, those of disconnected clients included.',
    kind: 'gauge',
    labels: NODE,
  },
  nodeEvacuation: {
    name: 'sluice_node_evacuation',
    help: "1 for the state of a node's evacuation, in EMQX's words; no series while none runs.",
    kind: 'gauge',
    labels: [...OBJECT, 'node', 'state'],
  },
  upgradeStart: {
    name: 'sluice_upgrade_start_timestamp_seconds',
    help: 'When the upgrade in progress, or else the last one, began, in seconds since 1970.',
    kind: 'gauge',
    labels: OBJECT,
  },
  upgradeSwitch: {
    name: 'sluice_upgrade_switch_timestamp_seconds',
    help: "When the Services' endpoints first were exactly green's pods in that upgrade, in seconds since 1970; no series before.",
    kind: 'gauge',
    labels: OBJECT,
  },
  upgradeEnd: {
    name: 'sluice_upgrade_end_timestamp_seconds',
    help: 'When the last upgrade ended, in seconds since 1970.',
    kind: 'gauge',
    labels: [...OBJECT, 'result'],
  },
  upgrades: {
    name: 'sluice_upgrades_total',
    help: 'Upgrades that have ended, by result.',
    kind: 'counter',
    labels: [...OBJECT, 'result'],
  },
  upgradeDuration: {
    name: 'sluice_upgrade_duration_seconds',
    help: 'How long upgrades took, from start to end, by result, in seconds.',
    kind: 'histogram',
    labels: ['result'],
    buckets: [30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200],
  },
  stepDuration: {
    name: 'sluice_upgrade_step_duration_seconds',
    help: 'How long the phases of upgrades took, and of their nodes each start, drain and leave (status.upgrade.steps), in seconds.',
    kind: 'histogram',
    labels: ['step'],
    buckets: [1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400],
  },
  evictedClients: {
    name: 'sluice_evicted_clients_total',
    help: 'Clients that evacuations have disconnected.',
    kind: 'counter',
    labels: OBJECT,
  },
  evictedSessions: {
    name: 'sluice_evicted_sessions_total',
    help: 'Sessions that evacuations have moved away.',
    kind: 'counter',
    labels: OBJECT,
  },
  drainsEnded: {
    name: 'sluice_drains_total',
    help: 'Drains of nodes that have ended, by outcome. gaveUp: EMQX stopped with sessions left; ended: the pod was gone, and its node had not been seen to have handed over.',
    kind: 'counter',
    labels: [...OBJECT, 'outcome'],
  },
} as const satisfies Catalogue;

export type MetricName = keyof typeof CONTROLLER_METRICS;
