import type { SidecarReport } from '../../lib/control.js';
import type { JsonObject } from '../../lib/json.js';
import { ANNOTATION, FIELD_MANAGER, LABEL } from '../../lib/names.js';
import { SIDECAR } from '../../lib/sidecar-env.js';
import { counted } from '../../lib/words.js';
import type { Pod } from '../model.js';
import {
  annotationOf,
  at,
  labelOf,
  nameOf,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
  timeAt,
} from '../../lib/fields.js';

/** A pod that has not been ready for so long will not become so by waiting. */
const FAILING_AFTER_MS = 300_000;

const MAX_PROBLEM = 300;

/** A container that has ended so often and is not ready is in a crash loop, though it runs at the moment. */
const LOOPS = 2;

/** Volumes are mounted within seconds; what keeps them from it is told by events only, which the controller may not read. */
const MOUNT_MS = 20_000;
const MOUNTS =
  'every Secret, ConfigMap and claim that it mounts must be there (kubectl describe pod says which is not)';

/** Reasons of a waiting container that waiting does not mend. */
const HOPELESS = new Set([
  'CrashLoopBackOff',
  'ImagePullBackOff',
  'ErrImagePull',
  'ErrImageNeverPull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]);

export interface PodContext {
  nowMs: number;
  /** Name of EMQX's container; empty when it cannot be told. */
  emqxContainer: string;
  report: SidecarReport | undefined;
  /** Its sidecar does not take the controller's certificate. */
  turnsUsAway?: boolean;
  /** The StatefulSet that controls it is gone: the garbage collector is about to delete it. */
  isLeftOver?: boolean;
}

/** Reads one pod of a StatefulSet. */
export function parsePod(raw: JsonObject, context: PodContext): Pod {
  const { nowMs, emqxContainer, report, turnsUsAway, isLeftOver = false } = context;
  const name = nameOf(raw);
  const revision = labelOf(raw, LABEL.revision);
  const terminating = isLeftOver || at(raw, 'metadata', 'deletionTimestamp') !== undefined;
  const condition = conditionOf(raw, 'Ready');
  const ready = textAt(condition, 'status') === 'True' && !terminating;
  const trouble = ready ? undefined : troubleOf(raw, context);
  const podIp = textAt(raw, 'status', 'podIP');
  const sinceMs = timeAt(condition, 'lastTransitionTime') || timeAt(raw, 'metadata', 'creationTimestamp');
  const createdAtMs = timeAt(raw, 'metadata', 'creationTimestamp');
  const deletedAtMs = deletedAt(raw);
  const writtenAtMs = writtenAt(raw);
  const evacuationNote = evacuationNoteOf(raw);
  const emptySinceMs = Date.parse(annotationOf(raw, ANNOTATION.emptySince) ?? '');
  return {
    name,
    ordinal: Number(name.slice(name.lastIndexOf('-') + 1)),
    uid: textAt(raw, 'metadata', 'uid'),
    ...(podIp && { podIp }),
    ...(revision !== undefined && { revision }),
    ...(writtenAtMs !== undefined && { writtenAtMs }),
    ready,
    terminating,
    ...(!Number.isNaN(createdAtMs) && { createdAtMs }),
    ...(ready && Number.isFinite(sinceMs) && { readySinceMs: sinceMs }),
    ...(deletedAtMs !== undefined && { deletedAtMs }),
    ...(evacuationNote && { evacuationNote }),
    ...(!Number.isNaN(emptySinceMs) && { emptySinceMs }),
    ...(annotationOf(raw, ANNOTATION.handedBack) !== undefined && { handedBack: true }),
    problem: ready ? '' : terminating ? 'is terminating' : shortened(trouble?.problem ?? 'is starting'),
    ...(trouble?.stuckBy !== undefined && !terminating && { stuckBy: trouble.stuckBy }),
    ...(trouble?.unmounted && !terminating && { unmounted: true as const }),
    ...(!ready && Number.isFinite(sinceMs) && { unreadySinceMs: sinceMs }),
    failing: !ready && !terminating && (trouble?.hopeless === true || nowMs - sinceMs > FAILING_AFTER_MS),
    restarts: restartsOf(raw, emqxContainer),
    ...(report && { report }),
    ...(turnsUsAway && { turnsUsAway }),
  };
}

/** When the pod's deletion was asked for; ms since the epoch. */
function deletedAt(raw: JsonObject): number | undefined {
  const endsMs = timeAt(raw, 'metadata', 'deletionTimestamp');
  const graceMs = numberAt(raw, ['metadata', 'deletionGracePeriodSeconds']) * 1000;
  return Number.isNaN(endsMs) ? undefined : endsMs - graceMs;
}

/** When the controller last wrote onto a pod that it has labelled; each of its writes is noted in one entry. */
function writtenAt(raw: JsonObject): number | undefined {
  const times = objectsAt(raw, 'metadata', 'managedFields')
    .filter(({ manager }) => manager === FIELD_MANAGER.controller)
    .filter((entry) => at(entry, 'fieldsV1', 'f:metadata', 'f:labels', `f:${LABEL.revision}`) !== undefined)
    .map((entry) => timeAt(entry, 'time'))
    .filter((ms) => !Number.isNaN(ms));
  return times.length > 0 ? Math.max(...times) : undefined;
}

/** Any value says that an evacuation is ours; only a time, when it was accepted. */
function evacuationNoteOf(raw: JsonObject): Pod['evacuationNote'] {
  const noted = annotationOf(raw, ANNOTATION.evacuatedSince);
  if (noted === undefined) return undefined;
  const acceptedAtMs = Date.parse(noted);
  return Number.isNaN(acceptedAtMs) ? {} : { acceptedAtMs };
}

/** Address of the pod's sidecar, if it has one that runs. */
export function sidecarAddress(raw: JsonObject): string | undefined {
  const ip = textAt(raw, 'status', 'podIP');
  const sidecar = statusOf(raw, SIDECAR.container);
  return ip && at(sidecar, 'state', 'running') !== undefined ? ip : undefined;
}

interface Trouble {
  /** Continues the pod's name: `is Pending: …`. */
  problem: string;
  hopeless: boolean;
  /** The container's own reason, once the kubelet holds off before it tries again. */
  stuckBy?: string;
  unmounted?: true;
}

function troubleOf(raw: JsonObject, { emqxContainer, nowMs }: PodContext): Trouble {
  const phase = textAt(raw, 'status', 'phase');
  if (phase === 'Failed') {
    const detail = textAt(raw, 'status', 'message') || textAt(raw, 'status', 'reason') || 'no reason given';
    return { problem: `has failed: ${detail}`, hopeless: true };
  }
  const scheduled = conditionOf(raw, 'PodScheduled');
  if (textAt(scheduled, 'status') === 'False') {
    const hopeless = textAt(scheduled, 'reason') === 'Unschedulable';
    return { problem: `is Pending: ${textAt(scheduled, 'message') || 'it is not scheduled yet'}`, hopeless };
  }
  const statuses = [
    ...objectsAt(raw, 'status', 'initContainerStatuses'),
    ...objectsAt(raw, 'status', 'containerStatuses'),
  ];
  const hopeless = statuses.find((status) => HOPELESS.has(textAt(status, 'state', 'waiting', 'reason')));
  if (hopeless) {
    const reason = textAt(hopeless, 'state', 'waiting', 'reason');
    const isFirstTry = reason === 'ErrImagePull';
    return { problem: wordsOf(hopeless), hopeless: true, ...(!isFirstTry && { stuckBy: reason }) };
  }

  const sidecar = statuses.find(({ name }) => name === SIDECAR.container);
  const ageMs = nowMs - timeAt(raw, 'metadata', 'creationTimestamp');
  const isUnmounted =
    statuses.length > 0 && statuses.every((status) => at(status, 'state', 'waiting') !== undefined);
  if (isUnmounted && !textAt(raw, 'status', 'podIP') && ageMs > MOUNT_MS) {
    return { problem: `cannot be set up: ${MOUNTS}`, hopeless: false, unmounted: true };
  }
  if (sidecar && sidecar['started'] !== true)
    return { problem: 'waits for its sidecar to start', hopeless: false };
  const unready = objectsAt(raw, 'status', 'containerStatuses').find(({ ready }) => ready !== true);
  if (unready) {
    const is = textAt(unready, 'name') === emqxContainer ? 'EMQX' : `container ${textAt(unready, 'name')}`;
    const exit = lastExit(unready);
    return {
      problem: `is starting: ${is} is not ready yet${exit && ` (last time it ended with ${exit})`}`,
      hopeless: false,
      // between two waits of a crash loop it runs for a moment: that is no other state of affairs
      ...(exit && numberAt(unready, ['restartCount']) >= LOOPS && { stuckBy: 'CrashLoopBackOff' }),
    };
  }
  if (sidecar && sidecar['ready'] !== true)
    return { problem: 'has not joined the EMQX cluster yet', hopeless: false };
  return { problem: phase === 'Running' ? 'is not Ready yet' : 'is starting', hopeless: false };
}

function wordsOf(status: JsonObject): string {
  const name = textAt(status, 'name');
  const reason = textAt(status, 'state', 'waiting', 'reason');
  const message = textAt(status, 'state', 'waiting', 'message');
  if (reason === 'CrashLoopBackOff') {
    const exit = lastExit(status) || 'an unknown exit';
    return `is crash-looping: container ${name} ended with ${exit}, ${counted(numberAt(status, ['restartCount']), 'restart')}; its log says why`;
  }
  if (reason.includes('Image')) {
    return `cannot run image ${textAt(status, 'image')}: ${reason} in container ${name}; correct the image, or the way to it${message && ` (${message})`}`;
  }
  return `cannot start container ${name}: ${reason}${message && ` (${message})`}`;
}

function lastExit(status: JsonObject): string {
  const ended = objectAt(status, 'lastState', 'terminated');
  if (ended['exitCode'] === undefined) return '';
  const reason = textAt(ended, 'reason');
  return `exit code ${numberAt(ended, ['exitCode'])}${reason && reason !== 'Error' ? ` ${reason}` : ''}`;
}

function restartsOf(raw: JsonObject, emqxContainer: string): number {
  const statuses = objectsAt(raw, 'status', 'containerStatuses');
  const emqx = statuses.filter(({ name }) => name === emqxContainer);
  return (emqx.length > 0 ? emqx : statuses).reduce(
    (sum, status) => sum + numberAt(status, ['restartCount']),
    0,
  );
}

/** A kubelet's words about an image go on and on; what counts comes first. */
function shortened(text: string): string {
  return text.length > MAX_PROBLEM ? `${text.slice(0, MAX_PROBLEM)}…` : text;
}

function statusOf(raw: JsonObject, container: string): JsonObject | undefined {
  return objectsAt(raw, 'status', 'initContainerStatuses').find(({ name }) => name === container);
}

function conditionOf(raw: JsonObject, type: string): JsonObject | undefined {
  return objectsAt(raw, 'status', 'conditions').find((condition) => condition['type'] === type);
}
