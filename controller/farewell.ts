import { at, nameOf, textAt } from '../lib/fields.js';
import type { JsonObject } from '../lib/json.js';
import type { Logger } from '../lib/log.js';
import { LABEL } from '../lib/names.js';
import { setPartOf } from '../lib/revision.js';
import { idleBlueGreen, type Absent } from './idle.js';
import { ApiError, isAlreadyExists } from './kube/errors.js';
import { PATH } from './kube/paths.js';
import { wakeNamespace } from './namespace.js';
import { readReports, type Key, type ObserveTools } from './observe/observe.js';
import type { Silence } from './observe/silence.js';
import { revisionIn } from './observe/strays.js';
import type { Next } from './schedule.js';
import { eventFor } from './status/events.js';
import { gaveUp } from './status/notes.js';
import type { Told } from './status/publish.js';

/** EMQX takes a second and more to stop; what its drain came to is known until then. */
const LOOK_MS = 1_000;
/** Their ends wake us; this is for what no watch tells. */
const LEFT_MS = 30_000;

interface Tools extends Omit<ObserveTools, 'silence'> {
  log: Logger;
}

interface Context extends Pick<Absent, 'key' | 'last' | 'hasTrace'> {
  told: Told;
  silence: Silence;
}

/** What is left to do when a declaration has gone: its pods drain, and nobody else tells what is lost with them. */
export async function farewell(tools: Tools, context: Context, signal: AbortSignal): Promise<Next> {
  const { key, told, silence, last, hasTrace } = context;
  const pods = await endingPods(tools, key, signal);
  if (pods.length === 0) {
    await wakeNamespace(tools, key, signal);
    const absent = { key, nowMs: tools.now(), last, hasTrace };
    return (await idleBlueGreen(tools.kube, absent, signal)) ? { afterMs: LEFT_MS } : 'forget';
  }
  const { reports } = await readReports({ ...tools, silence }, pods, signal);
  for (const pod of pods) {
    const report = reports.get(nameOf(pod));
    const happening = report && gaveUp(nameOf(pod), report);
    if (!happening) continue;
    const about = {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: key.namespace,
      name: nameOf(pod),
      uid: textAt(pod, 'metadata', 'uid'),
    };
    const event = eventFor(happening, about, { nowMs: tools.now(), upgradeId: '' });
    const id = `${key.namespace}/${nameOf(event)}`;
    if (told.has(id)) continue;
    // A namespace that goes takes no events.
    const { reason, message } = happening;
    tools.log.warn(
      { namespace: key.namespace, declaration: key.name, pod: nameOf(pod), reason, message },
      'a pod ended with sessions left',
    );
    told.add(id);
    await tools.kube.create(PATH.events(key.namespace), event, signal).catch((error: unknown) => {
      if (!isAlreadyExists(error) && !isForbidden(error)) throw error;
    });
  }
  return { afterMs: LOOK_MS };
}

/** Pods of the revision sets of a declaration of that name, which are being deleted. */
async function endingPods(
  { kube }: Tools,
  { namespace, name }: Key,
  signal: AbortSignal,
): Promise<JsonObject[]> {
  const pods = await kube.list(PATH.pods(namespace), { labelSelector: LABEL.revision }, signal);
  return pods.filter(
    (pod) =>
      revisionIn(setPartOf(nameOf(pod)), name) !== undefined &&
      at(pod, 'metadata', 'deletionTimestamp') !== undefined,
  );
}

function isForbidden(error: unknown): boolean {
  return error instanceof ApiError && error.status === 403;
}
