import { createHash } from 'node:crypto';
import type { JsonObject } from '../../lib/json.js';
import { drainingPods, isOverdue } from '../drains.js';
import type { Decision, Observed, Step } from '../model.js';
import { lostWords } from '../situation.js';
import { notesOf } from './notes.js';
import type { Happening } from './happening.js';
import type { Trouble } from './status.js';

/** Reason of the event for each kind of step; a step without one is book-keeping. */
const REASONS: Record<Step['kind'], string> = {
  createBlueGreen: 'BlueGreenCreated',
  holdDeclaration: 'DeclarationHeld',
  carrySize: 'SizeChanged',
  restoreSet: 'RevisionSetRestored',
  relabelPod: 'PodRelabelled',
  labelPods: 'PodsAdopted',
  pointServices: 'ServicePinned',
  pointPreview: 'PreviewPointed',
  makeSet: 'RevisionSetCreated',
  resize: 'RevisionSetResized',
  tell: '',
  evacuate: 'EvacuationStarted',
  noteEmpty: '',
  stopEvacuation: 'EvacuationStopped',
  leave: 'NodeLeft',
  deleteSet: 'RevisionSetDeleted',
  deleteClaims: 'ClaimsDeleted',
  ownClaims: '',
  abort: 'UpgradeAborted',
  clearAborted: 'AbortCleared',
  clearTriggers: '',
  holdDrains: '',
  unpinServices: 'ServiceUnpinned',
  notePods: '',
  unlabelPods: '',
  dropBlueGreen: '',
  restoreStrategy: '',
  letGo: 'HandedBack',
  wait: '',
  rest: '',
};

/** Steps that somebody's deed made necessary which he may not have meant. */
const WARNINGS: ReadonlySet<Step['kind']> = new Set(['abort', 'restoreSet', 'relabelPod']);

function isWarning(step: Step): boolean {
  return WARNINGS.has(step.kind) || (step.kind === 'createBlueGreen' && step.paused === true);
}

/** What the pass has to tell: its step, and what people must know. Pure. */
export function happenings(
  observed: Observed,
  decision: Decision,
  trouble: Trouble | undefined,
): Happening[] {
  const told: Happening[] = [];
  const reason = isSwitch(observed, decision) ? 'ServiceSwitched' : REASONS[decision.step.kind];
  if (reason && !trouble) {
    told.push({
      type: isWarning(decision.step) ? 'Warning' : 'Normal',
      reason,
      message: decision.message,
    });
  }
  if (decision.step.kind === 'holdDrains' && decision.step.hold?.retriedAtMs !== undefined && !trouble)
    told.push({ type: 'Normal', reason: 'DrainRetried', message: decision.message });
  if (trouble?.kind === 'refused')
    told.push({ type: 'Warning', reason: 'Refused', message: trouble.message });
  if (trouble?.kind === 'failing')
    told.push({ type: 'Warning', reason: 'Failing', message: trouble.message });
  if (decision.step.kind === 'clearTriggers' && decision.step.ignored && !trouble)
    told.push({ type: 'Warning', reason: 'TriggerIgnored', message: decision.message });
  if (!trouble && decision.stalled)
    told.push({ type: 'Warning', reason: decision.stalled, message: decision.message });
  for (const { name } of drainingPods(observed).filter((pod) => isOverdue(pod, observed))) {
    const { drainTimeoutSeconds, onDrainTimeout } = observed.blueGreen.spec;
    const then = onDrainTimeout === 'Hold' ? 'no further pod is taken down' : 'the next pod has its turn';
    const message = `${name} has not handed over within drainTimeoutSeconds (${drainTimeoutSeconds} s): ${then} (onDrainTimeout: ${onDrainTimeout})`;
    told.push({ type: 'Warning', reason: 'DrainTimedOut', message });
  }
  const lost = lostWords(observed, decision.wanted);
  if (lost !== undefined) told.push({ type: 'Warning', reason: 'RevisionSetLost', message: lost });
  told.push(...notesOf(observed, decision));
  return told;
}

/** Whether Services are pointed at the set that an upgrade goes to; else what is active already is pinned. */
function isSwitch({ blueGreen }: Observed, { step, active, activeRevision }: Decision): boolean {
  if (step.kind !== 'pointServices') return false;
  return step.revision !== activeRevision || blueGreen.status?.upgrade?.to === active;
}

/** Events live for an hour (the API server's default); what still holds then is told again. */
const AGAIN_AFTER_MS = 3_600_000;

/**
 * The Event object for one happening on one object. Its name is made from what it says, so that the same is told once by whichever
 * replica: a second create is refused as already there.
 * @param about the object as read: apiVersion and kind are given, because items of lists lack them
 * @param upgradeId the same words in another upgrade are another event
 */
export function eventFor(
  happening: Happening,
  about: { apiVersion: string; kind: string; namespace: string; name: string; uid: string },
  { nowMs, upgradeId }: { nowMs: number; upgradeId: string },
): JsonObject {
  const period = String(Math.floor(nowMs / AGAIN_AFTER_MS));
  const identity = [about.uid, happening.reason, happening.message, upgradeId, period].join('\n');
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  const time = new Date(nowMs).toISOString();
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${about.name}.${hash}`, namespace: about.namespace },
    involvedObject: about,
    type: happening.type,
    reason: happening.reason,
    // the API server takes 1024 bytes
    message: happening.message.slice(0, 1000),
    source: { component: 'sluice-controller' },
    reportingComponent: 'sluice.dev/controller',
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}
