import type { ApiState, DrainSettings, ForeignProcess, GateState, SidecarReport } from '../../lib/control.js';
import { isObject, type Json, type JsonObject } from '../../lib/json.js';
import {
  EVACUATION_STATES,
  type EmqxNodeStatus,
  type EvacuationSeen,
  type EvacuationState,
  type NodeEvacuationStatus,
} from '../../lib/types.js';
import { at, numberAt, objectAt, objectsAt, textAt } from '../../lib/fields.js';

/** Reads a sidecar's report. It comes from a pod that its users can change: whatever is missing or odd is read as nothing known. */
export function parseReport(raw: unknown): SidecarReport {
  const report: JsonObject = isObject(raw) ? raw : {};
  const self = textAt(report, 'self');
  const { hasEvacuation, emqxApi, singleNodeLicence } = report;
  return {
    pod: textAt(report, 'pod'),
    api: parseApi(objectAt(report, 'api')),
    ...(self && { self }),
    clusterNodes: textsOf(report['clusterNodes']),
    nodes: objectsAt(report, 'nodes').filter(
      (node) => textAt(node, 'node') !== '',
    ) as unknown as EmqxNodeStatus[],
    evacuations: objectsAt(report, 'evacuations').map(parseEvacuation),
    ...(typeof hasEvacuation === 'boolean' && { hasEvacuation }),
    ...((emqxApi === 'v4' || emqxApi === 'v5') && { emqxApi }),
    foreign: objectsAt(report, 'foreign').flatMap(parseForeign),
    ...(typeof singleNodeLicence === 'boolean' && { singleNodeLicence }),
    joined: report['joined'] === true,
    gate: parseGate(objectAt(report, 'gate')),
    settings: parseSettings(objectAt(report, 'settings')),
    states: objectsAt(report, 'states').flatMap(parseSeen),
  };
}

function parseSeen(raw: JsonObject): EvacuationSeen[] {
  const state = EVACUATION_STATES.find((known) => known === textAt(raw, 'state'));
  const atMs = Date.parse(textAt(raw, 'at'));
  if (state === undefined || Number.isNaN(atMs)) return [];
  const count = (key: string): number => Math.max(0, Math.trunc(numberAt(raw, [key])));
  return [
    { state, at: new Date(atMs).toISOString(), clients: count('clients'), sessions: count('sessions') },
  ];
}

function parseApi(raw: JsonObject): ApiState {
  const detail = textAt(raw, 'detail');
  switch (textAt(raw, 'kind')) {
    case 'ok':
      return { kind: 'ok' };
    case 'unauthorized':
      return { kind: 'unauthorized', detail };
    case 'noKey':
      return { kind: 'noKey', detail };
    default:
      return { kind: 'unreachable', detail };
  }
}

function parseForeign(raw: JsonObject): ForeignProcess[] {
  const { process } = raw;
  if (process !== 'evacuation' && process !== 'rebalance' && process !== 'purge') return [];
  const coordinator = textAt(raw, 'coordinator');
  return [
    { process, node: textAt(raw, 'node'), state: textAt(raw, 'state'), ...(coordinator && { coordinator }) },
  ];
}

function parseGate(raw: JsonObject): GateState {
  const detail = textAt(raw, 'detail');
  switch (textAt(raw, 'kind')) {
    case 'draining':
      return { kind: 'draining', detail };
    case 'drained':
      return { kind: 'drained' };
    case 'gaveUp':
      return { kind: 'gaveUp', detail, sessionsLost: numberAt(raw, ['sessionsLost']) };
    default:
      return { kind: 'idle' };
  }
}

function parseEvacuation(raw: JsonObject): NodeEvacuationStatus {
  const count = (...path: string[]): number => numberAt(raw, path);
  return {
    node: textAt(raw, 'node'),
    state: textAt(raw, 'state') as EvacuationState,
    connection_eviction_rate: count('connection_eviction_rate'),
    session_eviction_rate: count('session_eviction_rate'),
    connection_goal: count('connection_goal'),
    session_goal: count('session_goal'),
    session_recipients: textsOf(at(raw, 'session_recipients')),
    stats: {
      initial_connected: count('stats', 'initial_connected'),
      current_connected: count('stats', 'current_connected'),
      initial_sessions: count('stats', 'initial_sessions'),
      current_sessions: count('stats', 'current_sessions'),
    },
  };
}

function parseSettings(raw: JsonObject): DrainSettings {
  const { withoutEvacuation, staySeconds, traceparent } = raw;
  return {
    connEvictRate: numberAt(raw, ['connEvictRate']),
    sessEvictRate: numberAt(raw, ['sessEvictRate']),
    waitTakeover: numberAt(raw, ['waitTakeover']),
    waitHealthCheck: numberAt(raw, ['waitHealthCheck']),
    noRecipientSeconds: numberAt(raw, ['noRecipientSeconds']),
    withoutEvacuation:
      withoutEvacuation === 'Paced' || withoutEvacuation === 'None' ? withoutEvacuation : 'Refuse',
    recipients: textsOf(raw['recipients']),
    ...(typeof staySeconds === 'number' && { staySeconds }),
    ...(typeof traceparent === 'string' && { traceparent }),
  };
}

function textsOf(list: Json | undefined): string[] {
  return Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : [];
}
