import { ANNOTATION } from '../../lib/names.js';
import { unreachable } from '../../lib/unreachable.js';
import type { Opening, Step } from '../model.js';
import { nameOf } from '../../lib/fields.js';
import { sidecarAddress } from '../observe/pods.js';
import { SidecarError } from '../sidecars.js';
import { carrySize, createBlueGreen, dropBlueGreen } from './bluegreen.js';
import { deleteClaims, ownClaims } from './claims.js';
import {
  abortUpgrade,
  clearAborted,
  clearTriggers,
  holdDeclaration,
  letGo,
  noteHold,
  restoreStrategy,
} from './declaration.js';
import {
  annotatePod,
  labelPods,
  notePods,
  pointServices,
  relabelPod,
  unlabelPods,
  unpinServices,
} from './services.js';
import { deleteSet, makeSet, resize, restoreSet } from './sets.js';
import { DONE, type Outcome, type Site } from './tools.js';

/**
 * Carries out one step. Each write is conditional on what was observed, so that a stale leader gets a conflict.
 * @throws ApiError, also for a conflict (observe again); SidecarError
 */
export async function apply(step: Step, site: Site): Promise<Outcome> {
  if (step.kind === 'makeSet') return makeSet(site, step);
  if (step.kind === 'restoreSet') return restoreSet(site, step);
  if (step.kind !== 'wait' && step.kind !== 'rest') await write(step, site);
  return DONE;
}

function write(
  step: Exclude<Step, { kind: 'makeSet' | 'restoreSet' | 'wait' | 'rest' }>,
  site: Site,
): Promise<unknown> {
  const { sidecars } = site.tools;
  switch (step.kind) {
    case 'createBlueGreen':
      return createBlueGreen(site, step);
    case 'holdDeclaration':
      return holdDeclaration(site, step.wish);
    case 'carrySize':
      return carrySize(site, step.replicas);
    case 'relabelPod':
      return relabelPod(site, step.pod, step.labels);
    case 'labelPods':
      return labelPods(site, step.pods, step.revision);
    case 'pointServices':
      return open(step.open, site).then(() => pointServices(site, step.services, step.revision));
    case 'pointPreview':
      return pointServices(site, [step.service], step.revision);
    case 'resize':
      return open(step.open, site).then(() => resize(site, step));
    case 'deleteSet':
      return deleteSet(site, step.set);
    case 'tell':
      return tell(site, step);
    case 'evacuate':
      return evacuate(site, step);
    case 'noteEmpty':
      return annotatePod(site, step.pod, {
        [ANNOTATION.emptySince]: step.sinceMs === undefined ? null : new Date(step.sinceMs).toISOString(),
      });
    case 'stopEvacuation':
      return stopEvacuation(site, step);
    case 'leave':
      return sidecars.leave(addressOf(site, step.via), step.node, site.signal);
    case 'deleteClaims':
      return deleteClaims(site, step.claims);
    case 'ownClaims':
      return ownClaims(site, step);
    case 'abort':
      return abortUpgrade(site, step);
    case 'holdDrains':
      return noteHold(site, step.hold);
    case 'clearAborted':
      return clearAborted(site);
    case 'clearTriggers':
      return clearTriggers(site, step.triggers);
    case 'unpinServices':
      return unpinServices(site, step.services);
    case 'notePods':
      return notePods(site, step.pods);
    case 'unlabelPods':
      return unlabelPods(site, step.pods);
    case 'dropBlueGreen':
      return dropBlueGreen(site);
    case 'restoreStrategy':
      return restoreStrategy(site);
    case 'letGo':
      return letGo(site);
    default:
      return unreachable(step);
  }
}

type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>;

/** Every one is told before a refusal, or a silence, of one of them fails the pass. */
async function tell(site: Site, { pods, settings }: StepOf<'tell'>): Promise<void> {
  const answers = await Promise.allSettled(
    pods.map(async (pod) => site.tools.sidecars.tell(addressOf(site, pod), settings, site.signal)),
  );
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
}

/** What a note says before EMQX has accepted. */
const ASKED = 'asked';

/**
 * Begins the evacuation of a node without a gate. Noted on its pod, for there it goes with it: first that it is ours, and when it was
 * accepted after that, so that a call that fails takes no time; one that ran already began when the note before said so.
 */
async function evacuate(site: Site, { pod, node, via, settings }: StepOf<'evacuate'>): Promise<void> {
  const { sets } = site.view.observed;
  const note = sets.flatMap(({ pods }) => pods).find(({ name }) => name === pod)?.evacuationNote;
  const isAsked = note !== undefined && note.acceptedAtMs === undefined;
  if (!isAsked) await annotatePod(site, pod, { [ANNOTATION.evacuatedSince]: ASKED });
  const answer = await site.tools.sidecars.evacuate(addressOf(site, via), node, settings, site.signal);
  // Nobody of ours had asked before: it is somebody else's, which nobody reported for a moment.
  if (answer === 'running' && !note) return annotatePod(site, pod, { [ANNOTATION.evacuatedSince]: null });
  const acceptedAtMs = (answer === 'running' ? note?.acceptedAtMs : undefined) ?? site.tools.now();
  await annotatePod(site, pod, { [ANNOTATION.evacuatedSince]: new Date(acceptedAtMs).toISOString() });
}

async function stopEvacuation(site: Site, { pod, node, via }: StepOf<'stopEvacuation'>): Promise<void> {
  await site.tools.sidecars.stopEvacuation(addressOf(site, via), node, site.signal);
  await annotatePod(site, pod, { [ANNOTATION.evacuatedSince]: null, [ANNOTATION.emptySince]: null });
}

async function open(opening: Opening | undefined, site: Site): Promise<void> {
  for (const node of opening?.nodes ?? []) {
    await site.tools.sidecars.stopEvacuation(addressOf(site, opening?.via ?? ''), node, site.signal);
  }
}

function addressOf({ view }: Site, podName: string): string {
  const pod = view.raw.pods.find((one) => nameOf(one) === podName);
  const address = pod && sidecarAddress(pod);
  if (address === undefined) throw new SidecarError(`${podName} has no running sidecar to be asked`, 0);
  return address;
}
