import { drainSpanIdOf, spanIdOf, type TraceContext } from '../lib/telemetry/traceparent.js';
import type { Attributes, SpanData } from '../lib/telemetry/types.js';
import type { GateState } from '../lib/control.js';
import type { EvacuationSeen } from '../lib/types.js';
import type { Counts } from './observer.js';

/** The pod that the sidecar is in. */
export interface PodIdentity {
  namespace: string;
  name: string;
  uid: string;
}

/** A drain of this pod's node that is over. */
export interface EndedDrain {
  /** The upgrade's own span. */
  upgrade: Pick<TraceContext, 'traceId' | 'spanId'>;
  /** The start of EMQX that was drained. */
  boot: string;
  /** When it was first seen. */
  beganMs: number;
  endedMs: number;
  /** How many its evacuation had to hand over. */
  counts: Counts;
  /** The gate's last word. */
  gate: GateState;
  states: EvacuationSeen[];
}

/**
 * The span of a drain as the node's own sidecar saw it, in the controller's span of that drain. A function of what lies in the share, so
 * that a program that was started again meanwhile sends the same one.
 */
export function drainSpan(pod: PodIdentity, drain: EndedDrain): SpanData {
  const { upgrade, boot, gate, states } = drain;
  const parentSpanId = drainSpanIdOf(upgrade, pod.uid);
  const startMs = Math.min(drain.beganMs, ...states.map(({ at }) => Date.parse(at)));
  const endMs = Math.max(drain.endedMs, startMs);
  const error = errorOf(gate);
  return {
    ...{ traceId: upgrade.traceId, spanId: spanIdOf(parentSpanId, 'evacuation', boot), parentSpanId },
    ...{ name: 'evacuation', kind: 'internal', scope: 'sluice.dev/sidecar' },
    ...{ startMs, endMs },
    attributes: {
      'k8s.namespace.name': pod.namespace,
      'k8s.pod.name': pod.name,
      'k8s.pod.uid': pod.uid,
      ...(states.length > 0 && countsOf(drain.counts)),
      ...(gate.kind === 'gaveUp' && { 'sluice.drain.sessions_lost': gate.sessionsLost }),
      ...(error !== undefined && { 'error.type': gate.kind === 'gaveUp' ? 'gaveUp' : 'stopped' }),
    },
    events: states.map((seen) => ({
      name: seen.state,
      // the gate may see the last one first
      atMs: Math.min(Date.parse(seen.at), endMs),
      attributes: countsOf(seen),
    })),
    ...(error !== undefined && { error }),
  };
}

function countsOf({ clients, sessions }: Counts): Attributes {
  return { 'sluice.drain.clients': clients, 'sluice.drain.sessions': sessions };
}

function errorOf(gate: GateState): string | undefined {
  switch (gate.kind) {
    case 'gaveUp':
      return `${gate.sessionsLost} sessions lost: ${gate.detail}`;
    case 'draining':
      return `the pod stopped before its node was drained: ${gate.detail}`;
    case 'drained':
    case 'idle':
      return undefined;
  }
}
