import { X509Certificate } from 'node:crypto';
import type { ApiState, GateState } from '../lib/control.js';
import { oneOf, type Catalogue, type Sample } from '../lib/metrics/definition.js';
import { PROCESS_METRICS, sampleProcess } from '../lib/metrics/process.js';
import { makeMetrics, type Metrics } from '../lib/metrics/registry.js';
import { EVACUATION_STATES } from '../lib/types.js';
import type { Errors } from './errors.js';
import type { Seen } from './observer.js';

/**
 * The sidecar's metrics; docs/metrics.md is made from it. What they say is what the sidecar has seen anyway: a scrape asks EMQX nothing.
 * This module is loaded by the first scrape, so that a pod that nobody scrapes does not pay for it.
 */
export const SIDECAR_METRICS = {
  ...PROCESS_METRICS,
  api: {
    name: 'sluice_sidecar_emqx_api',
    help: "1 for how EMQX's management API last answered, 0 for the other ways.",
    kind: 'gauge',
    labels: ['state'],
  },
  joined: {
    name: 'sluice_sidecar_joined',
    help: "1 when the node has joined its peers, or has none, since EMQX's last start.",
    kind: 'gauge',
    labels: [],
  },
  drain: {
    name: 'sluice_sidecar_drain',
    help: "1 for the state of this pod's own drain (the preStop gate), 0 for the others.",
    kind: 'gauge',
    labels: ['state'],
  },
  sessionsLost: {
    name: 'sluice_sidecar_sessions_lost',
    help: 'Sessions that were left when the gate gave up and let EMQX stop.',
    kind: 'gauge',
    labels: [],
  },
  evacuation: {
    name: 'sluice_sidecar_evacuation',
    help: "1 for the state of the evacuation of this pod's node, in EMQX's words, 0 for the others.",
    kind: 'gauge',
    labels: ['state'],
  },
  evacuationClients: {
    name: 'sluice_sidecar_evacuation_clients',
    help: "Clients that the running evacuation of this pod's node has still to disconnect; no series while none runs.",
    kind: 'gauge',
    labels: [],
  },
  evacuationSessions: {
    name: 'sluice_sidecar_evacuation_sessions',
    help: "Sessions that the running evacuation of this pod's node has still to move; no series while none runs.",
    kind: 'gauge',
    labels: [],
  },
  errors: {
    name: 'sluice_sidecar_errors_total',
    help: 'What failed, by cause. Each is tried again, but for a refused request of the control port, which the controller repeats.',
    kind: 'counter',
    labels: ['cause'],
  },
  certificate: {
    name: 'sluice_certificate_expiry_timestamp_seconds',
    help: 'When a certificate ends, in seconds since 1970. control-ca: by which this sidecar knows the controller, for as long as the pod lives.',
    kind: 'gauge',
    labels: ['certificate'],
  },
} as const satisfies Catalogue;

type Name = keyof typeof SIDECAR_METRICS;

/** What the sidecar knows, in plain values. */
export interface Figures extends Seen {
  errors: Errors;
  /** PEM; empty when there is none. */
  controlCa: string;
}

const API_STATES = {
  ok: 'ok',
  unreachable: 'unreachable',
  unauthorized: 'unauthorized',
  noKey: 'no_key',
} as const satisfies Record<ApiState['kind'], string>;

const GATE_STATES: readonly GateState['kind'][] = ['idle', 'draining', 'drained', 'gaveUp'];

export function makeSidecarMetrics(figures: () => Figures): Metrics<Name> {
  return makeMetrics(SIDECAR_METRICS, () => [...sampleProcess(), ...samplesOf(figures())]);
}

/** Pure. */
export function samplesOf(seen: Figures): Sample<Name>[] {
  const { api, joined, gate, evacuation, errors, controlCa } = seen;
  const gauge = (metric: Name, value: number): Sample<Name> => ({ metric, labels: {}, value });
  const among = Object.values(API_STATES);
  return [
    ...oneOf<Name>('api', { label: 'state', present: api && API_STATES[api], among }),
    gauge('joined', joined ? 1 : 0),
    ...oneOf<Name>('drain', { label: 'state', present: gate.kind, among: GATE_STATES }),
    gauge('sessionsLost', gate.kind === 'gaveUp' ? gate.sessionsLost : 0),
    ...oneOf<Name>('evacuation', { label: 'state', present: evacuation?.state, among: EVACUATION_STATES }),
    ...(evacuation
      ? [gauge('evacuationClients', evacuation.clients), gauge('evacuationSessions', evacuation.sessions)]
      : []),
    ...Object.entries<number>({ ...errors }).map(([cause, value]) => ({
      metric: 'errors' as const,
      labels: { cause },
      value,
    })),
    ...expiryOf(controlCa),
  ];
}

/** Nothing for what is no certificate: the control server has said so. */
function expiryOf(pem: string): Sample<Name>[] {
  try {
    const value = Date.parse(new X509Certificate(pem).validTo) / 1000;
    return [{ metric: 'certificate', labels: { certificate: 'control-ca' }, value }];
  } catch {
    return [];
  }
}
