import { oneOf, type Sample } from '../../lib/metrics/definition.js';
import { isLeft } from '../../lib/left.js';
import type { Condition, EmqxNodeStatus, Phase } from '../../lib/types.js';
import type { Key } from '../observe/observe.js';
import { isOwnNode } from '../own-node.js';
import type { MetricName } from './catalogue.js';
import type { Picture } from './picture.js';
import { configuredWaitEnd } from './waits.js';

export const PHASES = [
  'Stable',
  'Progressing',
  'AwaitingPromotion',
  'Delaying',
  'Draining',
  'Paused',
  'Aborted',
  'Degraded',
] as const satisfies readonly Exclude<Phase, 'Idle'>[];

const CONDITIONS = [
  'Ready',
  'Reconciling',
  'Stalled',
  'Available',
  'Progressing',
  'Degraded',
] as const satisfies readonly Condition['type'][];

/** The samples of one BlueGreen. Pure. */
export function samplesOf({ namespace, name }: Key, picture: Picture): Sample<MetricName>[] {
  const { status, spec, drains, wantedSize } = picture;
  const labels = { namespace, bluegreen: name };
  const { connEvictRate, sessEvictRate } = spec.updateStrategy.evacuationStrategy;
  const gauge = (metric: MetricName, value: number): Sample<MetricName> => ({ metric, labels, value });
  const waitEnd = configuredWaitEnd(status, spec);
  const running = status.emqxNodes.filter((node) => node.node_status === 'running' && isOwnNode(node, name));
  return [
    ...oneOf<MetricName>('phase', { label: 'phase', present: status.phase, among: PHASES }, labels),
    ...CONDITIONS.map((condition) => ({
      metric: 'condition' as const,
      labels: { ...labels, condition },
      value: status.conditions.some((one) => one.type === condition && one.status === 'True') ? 1 : 0,
    })),
    ...timestamp('waitingSince', labels, status.phase === 'Stable' ? undefined : status.waitingFor?.since),
    gauge('nodesWanted', wantedSize),
    gauge('nodesReady', status.readyReplicas),
    gauge('clientsLeft', status.clientsLeft),
    gauge('sessionsLeft', sum(running.filter((node) => isOfLeft(node, picture)).map(sessionsOf))),
    gauge('connEvictRate', connEvictRate),
    gauge('sessEvictRate', sessEvictRate),
    ...(waitEnd === undefined ? [] : [gauge('configuredWaitEnd', waitEnd)]),
    ...(['draining', 'overdue'] as const).map((state) => ({
      metric: 'drains' as const,
      labels: { ...labels, state },
      value: drains.filter((drain) => (drain.isOverdue ? 'overdue' : drain.state) === state).length,
    })),
    ...running.flatMap((node) => nodeSamples(labels, node, picture)),
    ...status.nodeEvacuationsStatus.map(({ node, state }) => ({
      metric: 'nodeEvacuation' as const,
      labels: { ...labels, node, state },
      value: 1,
    })),
    ...upgradeSamples(labels, picture),
  ];
}

type Labels = Record<string, string>;

function nodeSamples(
  labels: Labels,
  node: EmqxNodeStatus,
  { wantedRevision }: Picture,
): Sample<MetricName>[] {
  const { revision = '' } = node;
  const colour = isLeft(revision, wantedRevision) ? 'blue' : 'green';
  const own = { ...labels, node: node.node, revision, colour };
  const clients = node.live_connections ?? node.connections;
  return [
    ...(clients === undefined ? [] : [{ metric: 'nodeClients' as const, labels: own, value: clients }]),
    { metric: 'nodeSessions', labels: own, value: sessionsOf(node) },
  ];
}

/** The upgrade in progress, else the last one; and how the last one ended. */
function upgradeSamples(labels: Labels, { status: { upgrade, history } }: Picture): Sample<MetricName>[] {
  const last = history[0];
  const shown = upgrade ?? last;
  return [
    ...timestamp('upgradeStart', labels, shown?.startedAt),
    ...timestamp('upgradeSwitch', labels, shown?.switchedAt),
    ...(last ? timestamp('upgradeEnd', { ...labels, result: last.result }, last.finishedAt) : []),
  ];
}

/** No sample for a time that is not there. */
function timestamp(metric: MetricName, labels: Labels, time: string | undefined): Sample<MetricName>[] {
  const value = Date.parse(time ?? '') / 1000;
  return Number.isNaN(value) ? [] : [{ metric, labels, value }];
}

/** It is a pod's, of a set that is left. */
function isOfLeft({ revision }: EmqxNodeStatus, { wantedRevision }: Picture): boolean {
  return revision !== undefined && isLeft(revision, wantedRevision);
}

function sessionsOf({ connections }: EmqxNodeStatus): number {
  return connections ?? 0;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
