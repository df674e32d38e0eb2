import { setPartOf } from '../../lib/revision.js';
import { drainSpanIdOf, formatTraceparent, spanIdOf } from '../../lib/telemetry/traceparent.js';
import type { Attributes, SpanData } from '../../lib/telemetry/types.js';
import type {
  BlueGreenStatus,
  StepOutcome,
  UpgradeResult,
  UpgradeStatus,
  UpgradeStep,
} from '../../lib/types.js';

/** The record of an upgrade in progress, or of one that has ended. */
export type TracedRecord = UpgradeStatus &
  Partial<Pick<BlueGreenStatus['history'][number], 'finishedAt' | 'result' | 'reason'>>;

/** The declaration that was upgraded. */
export interface Subject {
  namespace: string;
  name: string;
  uid: string;
}

/** Name of the root span, and of the pipeline that each upgrade is a run of. */
export const UPGRADE = 'emqx blue-green upgrade';
const SCOPE = 'sluice.dev/controller';

/**
 * The spans of what has ended of an upgrade: a child of its root for each phase, in which what happened to single nodes lies; and the root
 * once it is over. A function of the record alone: the same record gives the same spans, whoever makes them and however often.
 * @see OpenTelemetry semantic conventions: k8s.*, cicd.pipeline.* (CICD spans)
 */
export function spansOf(record: TracedRecord, subject: Subject): SpanData[] {
  const steps = (record.steps ?? []).filter(isEnded).map((step) => stepSpan(step, record, subject));
  return [...steps, ...rootSpan(record, subject)];
}

/** Id of the upgrade's own span. */
export function rootIdOf({ id, spanId, from, to, startedAt }: UpgradeStatus): string {
  // Records of earlier versions have none.
  return spanId ?? spanIdOf(id, from, to, startedAt);
}

/** What others continue who have a part in the upgrade. */
export function traceparentOf(record: UpgradeStatus): string {
  return formatTraceparent({ traceId: record.id, spanId: rootIdOf(record) });
}

type EndedStep = UpgradeStep & { endedAt: string };

function isEnded(step: UpgradeStep): step is EndedStep {
  return step.endedAt !== undefined;
}

function rootSpan(record: TracedRecord, subject: Subject): SpanData[] {
  const { id, parentSpanId, requestedAt, startedAt, finishedAt, from, to, requestedBy, result, reason } =
    record;
  if (finishedAt === undefined || result === undefined) return [];
  const isError = result === 'aborted';
  return [
    {
      ...{ traceId: id, spanId: rootIdOf(record), ...(parentSpanId !== undefined && { parentSpanId }) },
      ...{ name: UPGRADE, kind: 'server', scope: SCOPE },
      startMs: Date.parse(requestedAt ?? startedAt),
      endMs: Date.parse(finishedAt),
      attributes: {
        ...subjectAttributes(record, subject),
        'k8s.statefulset.name': subject.name,
        'k8s.statefulset.uid': subject.uid,
        'cicd.pipeline.action.name': 'RUN',
        'cicd.pipeline.result': RESULTS[result],
        ...(isError && { 'error.type': 'aborted' }),
        ...(requestedBy !== '' && { 'user.name': requestedBy }),
        'sluice.upgrade.from': from,
        'sluice.upgrade.to': to,
        'sluice.upgrade.result': result,
        ...(reason !== undefined && { 'sluice.upgrade.reason': reason }),
      },
      events: [],
      ...(isError && { error: reason ?? 'aborted' }),
    },
  ];
}

/** In the words of the conventions. The way back from an aborted upgrade does what it is to. */
const RESULTS: Record<UpgradeResult, string> = {
  succeeded: 'success',
  rolledBack: 'success',
  aborted: 'failure',
  superseded: 'cancellation',
};

function stepSpan(step: EndedStep, record: TracedRecord, subject: Subject): SpanData {
  const { name, pod, uid, startedAt, endedAt, clients, sessions, sessionsLost, outcome } = step;
  const spanId = idOf(step, record);
  const result = taskResultOf(outcome);
  const error = errorOf(step);
  return {
    ...{ traceId: record.id, spanId, parentSpanId: parentIdOf(step, record) },
    ...{ name, kind: 'internal', scope: SCOPE },
    startMs: Date.parse(startedAt),
    endMs: Date.parse(endedAt),
    attributes: {
      ...subjectAttributes(record, subject),
      'k8s.statefulset.name': pod === undefined ? subject.name : setPartOf(pod),
      ...(pod !== undefined && { 'k8s.pod.name': pod }),
      ...(uid !== undefined && { 'k8s.pod.uid': uid }),
      'cicd.pipeline.task.name': name,
      'cicd.pipeline.task.type': 'deploy',
      'cicd.pipeline.task.run.id': spanId,
      ...(result !== undefined && { 'cicd.pipeline.task.run.result': result }),
      ...(error !== undefined && { 'error.type': outcome ?? '' }),
      ...(outcome !== undefined && { 'sluice.step.outcome': outcome }),
      ...(clients !== undefined && { 'sluice.drain.clients': clients }),
      ...(sessions !== undefined && { 'sluice.drain.sessions': sessions }),
      ...(sessionsLost !== undefined && { 'sluice.drain.sessions_lost': sessionsLost }),
    },
    events: eventsOf(step),
    ...(error !== undefined && { error }),
  };
}

/** What EMQX's evacuation went through, with what was left to do. */
function eventsOf({ states = [] }: UpgradeStep): SpanData['events'] {
  return states.map(({ state, at, clients, sessions }) => ({
    name: state,
    atMs: Date.parse(at),
    attributes: { 'sluice.drain.clients': clients, 'sluice.drain.sessions': sessions },
  }));
}

function subjectAttributes(record: TracedRecord, { namespace }: Subject): Attributes {
  return {
    'k8s.namespace.name': namespace,
    'cicd.pipeline.name': UPGRADE,
    // A retry, and the way back, are runs of their own in one trace.
    'cicd.pipeline.run.id': rootIdOf(record),
  };
}

function taskResultOf(outcome: StepOutcome | undefined): string | undefined {
  switch (outcome) {
    case undefined:
    case 'done':
    case 'drained':
      return 'success';
    case 'gaveUp':
      return 'failure';
    case 'timedOut':
      return 'timeout';
    case 'interrupted':
      return 'cancellation';
    case 'ended': // nobody heard how
      return undefined;
  }
}

function errorOf({ outcome, sessionsLost = 0 }: UpgradeStep): string | undefined {
  if (outcome === 'gaveUp') return `${sessionsLost} sessions lost: no other node could take them`;
  return outcome === 'timedOut' ? 'it took longer than drainTimeoutSeconds' : undefined;
}

function idOf(step: UpgradeStep, record: TracedRecord): string {
  const { name, pod = '', uid = '', startedAt } = step;
  const spanId = rootIdOf(record);
  const first = record.steps?.find((other) => other.name === 'drain' && other.uid === uid);
  // The pod's sidecar has to know it too. A second drain of one pod has no sidecar's span in it, or nothing was drained by the first.
  if (name === 'drain' && uid !== '' && first?.startedAt === startedAt)
    return drainSpanIdOf({ traceId: record.id, spanId }, uid);
  return spanIdOf(record.id, spanId, name, pod, uid, startedAt);
}

/** The phases that what happens to a node is a part of. */
const HOMES: Partial<Record<UpgradeStep['name'], readonly UpgradeStep['name'][]>> = {
  start: ['creation', 'readiness'],
  drain: ['draining'],
  leave: ['draining', 'cleanUp'],
};

/**
 * A node's step lies in the turn of its phase in which it began, a phase in the upgrade. A node that somebody takes away in another phase
 * outlasts that, so what happens to it lies in the upgrade, too.
 */
function parentIdOf({ name, startedAt }: UpgradeStep, record: TracedRecord): string {
  const homes = HOMES[name] ?? [];
  const home = (record.steps ?? []).findLast(
    (phase) =>
      homes.includes(phase.name) &&
      phase.startedAt <= startedAt &&
      (phase.endedAt === undefined || phase.endedAt >= startedAt),
  );
  return home ? idOf(home, record) : rootIdOf(record);
}
