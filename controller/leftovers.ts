import { at, nameOf } from '../lib/fields.js';
import type { Logger } from '../lib/log.js';
import { LABEL } from '../lib/names.js';
import { releaseService } from './apply/services.js';
import type { Kube } from './kube/client.js';
import { isConflict, isNotFound } from './kube/errors.js';
import { PATH } from './kube/paths.js';
import type { Gauge } from './metrics/metrics.js';
import { isCaredFor, isLeftover } from './observe/leftovers.js';
import type { Next } from './schedule.js';

/** While sets or pods are left without a declaration: their ends wake us, and this is for what no watch tells. */
const LOOK_MS = 30_000;
const RETRY_MS = 10_000;
/** What it was decided from has changed. */
const CONFLICT_MS = 50;

export interface LeftoverTools {
  kube: Kube;
  log: Logger;
  gauge: Pick<Gauge, 'failed'>;
}

/**
 * Makes the function that looks over one namespace for Services that a declaration has left pinned, and gives them back: it has gone, and
 * its pods with it, maybe while nobody led. It never rejects.
 */
export function makeLeftovers(
  tools: LeftoverTools,
  signal: AbortSignal,
): (namespace: string) => Promise<Next> {
  return async function look(namespace) {
    try {
      return await once(tools, namespace, signal);
    } catch (error) {
      if (signal.aborted) return 'forget';
      if (isConflict(error) || isNotFound(error)) return { afterMs: CONFLICT_MS };
      tools.gauge.failed('pass', error);
      tools.log.warn({ namespace, err: error }, 'Services that nobody needs pinned were not given back');
      return { afterMs: RETRY_MS };
    }
  };
}

/**
 * One look, and one write at most. It carries the `resourceVersion` that was read before anything else, so that whoever pins a Service
 * meanwhile is not undone; a declaration that is made after its own read pins again what it finds without revision.
 */
async function once({ kube, log }: LeftoverTools, namespace: string, signal: AbortSignal): Promise<Next> {
  const managed = await kube.list(PATH.services(namespace), { labelSelector: LABEL.managed }, signal);
  const services = managed.filter((service) => at(service, 'metadata', 'deletionTimestamp') === undefined);
  if (services.length === 0) return 'forget';
  const sets = await kube.list(PATH.statefulSets(namespace), {}, signal);
  const alone = services.filter((service) => !isCaredFor(service, sets));
  if (alone.length === 0) return 'forget';
  const pods = await kube.list(PATH.pods(namespace), { labelSelector: LABEL.revision }, signal);
  const leftover = alone.find((service) => isLeftover(service, { sets, pods }));
  if (!leftover) return { afterMs: LOOK_MS };
  const isOver = await releaseService(kube, leftover, signal);
  if (isOver)
    log.info(
      { namespace, name: nameOf(leftover) },
      'a Service selects without revision: its StatefulSet and all pods have gone',
    );
  return { afterMs: 0 };
}
