import type { JsonObject } from '../../lib/json.js';
import { DEFAULT_SPEC, type BlueGreenStatus, type UpgradeStep } from '../../lib/types.js';

/** One upgrade of three nodes and 3,000 clients, second by second, as the status of its BlueGreen tells it. */

export const BEGAN = Date.parse('2026-01-01T12:00:00Z');
export const BLUE = 'emqx-27p4j8xnm';
export const GREEN = 'emqx-q4cb5ftws';
/** When it is over, in seconds. */
export const ENDS = 75;
const READY = 20;
const SWITCH = 22;
const DRAINS = 32;
const EACH = 12;
const RATE = 200;
const CLIENTS = 1000;

const iso = (second: number): string => new Date(BEGAN + second * 1000).toISOString();
const drainOf = (node: number): { from: number; to: number } => ({
  from: DRAINS + node * EACH,
  to: DRAINS + (node + 1) * EACH,
});

/** The BlueGreen so many seconds after the request; before 0 and from {@link ENDS} on at rest. */
export function blueGreenAt(second: number, { namespace = 'mqtt', name = 'emqx' } = {}): JsonObject {
  return {
    apiVersion: 'sluice.dev/v1alpha1',
    kind: 'BlueGreen',
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      resourceVersion: `${Math.round(second * 10)}`,
      generation: 1,
      creationTimestamp: iso(-86_400 * 12),
    },
    spec: {
      ...(DEFAULT_SPEC as unknown as JsonObject),
      replicas: 3,
      updateStrategy: {
        type: 'Recreate',
        initialDelaySeconds: 10,
        evacuationStrategy: { waitTakeover: 6, connEvictRate: RATE, sessEvictRate: RATE },
      },
    },
    status: statusAt(second) as unknown as JsonObject,
  };
}

function statusAt(second: number): BlueGreenStatus {
  const left = [0, 1, 2].map((node) =>
    Math.max(0, Math.round(CLIENTS - RATE * Math.max(0, second - drainOf(node).from - 1))),
  );
  const moved = 3 * CLIENTS - left.reduce((sum, one) => sum + one, 0);
  const isOn = second >= 0 && second < ENDS;
  const isSwitched = second >= SWITCH;
  const serving = isSwitched ? GREEN : BLUE;
  const draining = [0, 1, 2].find((node) => second >= drainOf(node).from && second < drainOf(node).to);
  const phase = !isOn ? 'Stable' : !isSwitched ? 'Progressing' : second < DRAINS ? 'Delaying' : 'Draining';
  const node = (set: string, at: number, clients: number) => ({
    node: `emqx@${set}-${at}.emqx-headless.mqtt.svc.cluster.local`,
    node_status: 'running',
    version: set === BLUE ? '5.8.8' : '5.8.9',
    connections: clients,
    live_connections: clients,
    revision: set.slice('emqx-'.length),
  });
  const steps = stepsAt(second);
  const record = {
    id: '0af7651916cd43dd8448eb211c80319c',
    startedAt: iso(0),
    requestedBy: 'alice',
    from: BLUE,
    to: GREEN,
    traceparent: '',
    steps,
  };
  const message = !isOn
    ? `${serving} serves with 3/3 nodes`
    : draining === undefined
      ? isSwitched
        ? `the first node drains after initialDelaySeconds (10 s)`
        : `${GREEN} has ${second < READY ? 1 : 3} of 3 nodes ready`
      : `${BLUE}-${draining} is draining (evicting_conns), ${left[draining]} clients and ${left[draining]} sessions left`;
  return {
    phase,
    message,
    waitingFor: { what: message.replace(/, \d.*/, ''), since: iso(Math.max(0, second - 3)) },
    observedGeneration: 1,
    conditions: [],
    active: serving,
    wanted: second < 0 ? BLUE : GREEN,
    replicas: 3,
    readyReplicas: 3,
    nodes: '3/3',
    selector: 'app=emqx',
    services: ['emqx'],
    clientsLeft: isOn ? left.reduce((sum, one) => sum + one, 0) : 0,
    claims: [],
    ...(isOn && { upgrade: record }),
    history: second >= ENDS ? [{ ...record, finishedAt: iso(ENDS), result: 'succeeded' }] : [],
    emqxNodes: [
      ...[0, 1, 2].filter((at) => second < drainOf(at).to + 4).map((at) => node(BLUE, at, left[at] ?? 0)),
      ...(second >= READY - 2 ? [0, 1, 2].map((at) => node(GREEN, at, Math.floor((moved + at) / 3))) : []),
    ],
    nodeEvacuationsStatus:
      draining === undefined
        ? []
        : [
            {
              node: node(BLUE, draining, 0).node,
              state: (left[draining] ?? 0) > 0 ? 'evicting_conns' : 'waiting_takeover',
              connection_eviction_rate: RATE,
              session_eviction_rate: RATE,
              connection_goal: 0,
              session_goal: 0,
              session_recipients: [],
              stats: {
                initial_connected: CLIENTS,
                current_connected: left[draining] ?? 0,
                initial_sessions: CLIENTS,
                current_sessions: left[draining] ?? 0,
              },
            },
          ],
  };
}

function stepsAt(second: number): UpgradeStep[] {
  const all: [Pick<UpgradeStep, 'name' | 'pod'>, number, number][] = [
    [{ name: 'creation' }, 0, 1],
    [{ name: 'readiness' }, 1, READY],
    ...[0, 1, 2].map((at): [Pick<UpgradeStep, 'name' | 'pod'>, number, number] => [
      { name: 'start', pod: `${GREEN}-${at}` },
      1,
      READY - 2 + at / 2,
    ]),
    [{ name: 'gates' }, READY, SWITCH],
    [{ name: 'switch' }, SWITCH, SWITCH + 1],
    [{ name: 'delay' }, SWITCH + 1, DRAINS],
    [{ name: 'draining' }, DRAINS, 72],
    ...[0, 1, 2].map((at): [Pick<UpgradeStep, 'name' | 'pod'>, number, number] => [
      { name: 'drain', pod: `${BLUE}-${at}` },
      drainOf(at).from,
      drainOf(at).to,
    ]),
    [{ name: 'cleanUp' }, 72, ENDS],
  ];
  return all
    .filter(([, from]) => from <= second)
    .map(([step, from, to]) => ({
      ...step,
      startedAt: iso(from),
      ...(to <= second && { endedAt: iso(to) }),
      ...(step.name === 'drain' && { clients: CLIENTS, sessions: CLIENTS }),
      ...(step.name === 'drain' && to <= second && { outcome: 'drained' as const }),
      ...(step.name === 'start' && to <= second && { outcome: 'done' as const }),
    }));
}
