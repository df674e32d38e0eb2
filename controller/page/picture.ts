import type { Picture, Summary, UpgradePicture } from '../../lib/page/messages.js';
import { remainingFor } from '../../lib/remaining.js';
import type { BlueGreenStatus, UpgradeStatus } from '../../lib/types.js';
import type { SeenBlueGreen } from './blue-green.js';
import { podsOf } from './pods.js';

/** One line of the list. Pure. */
export function summaryOf({ namespace, name, createdAtMs, status }: SeenBlueGreen): Summary {
  return {
    namespace,
    name,
    ...(status.phase !== undefined && { phase: status.phase }),
    message: status.message ?? '',
    active: status.active ?? '',
    wanted: status.wanted ?? '',
    nodes: status.nodes ?? '',
    clientsLeft: status.clientsLeft ?? 0,
    createdAtMs,
    isUpgrading: status.upgrade !== undefined,
  };
}

/** One BlueGreen whole, by what its status says. Pure. */
export function pictureOf(seen: SeenBlueGreen, nowMs: number): Picture {
  const { spec, status } = seen;
  const { connEvictRate, sessEvictRate, waitTakeover } = spec.updateStrategy.evacuationStrategy;
  const pods = podsOf(seen);
  const remaining = remainingFor(
    pods.filter(({ isLeft }) => isLeft).map(({ leaving }) => leaving),
    { spec, status, nowMs },
  );
  const waitsSinceMs = Date.parse(status.waitingFor?.since ?? '');
  return {
    ...summaryOf(seen),
    ...(!Number.isNaN(waitsSinceMs) && { waitsSinceMs }),
    gist: status.waitingFor?.what ?? '',
    pace: {
      connEvictRate,
      sessEvictRate,
      waitTakeoverSeconds: waitTakeover,
      initialDelaySeconds: spec.updateStrategy.initialDelaySeconds,
      maxConcurrentDrains: spec.maxConcurrentDrains,
    },
    pods: pods.map(({ picture }) => picture),
    ...(remaining && { remaining }),
    ...(status.upgrade && { upgrade: upgradeOf(status.upgrade) }),
    history: (status.history ?? []).map(endedOf),
  };
}

function upgradeOf({
  id,
  startedAt,
  requestedAt,
  requestedBy,
  from,
  to,
  steps = [],
}: UpgradeStatus): UpgradePicture {
  return { id, startedAtMs: Date.parse(requestedAt ?? startedAt), requestedBy, from, to, steps };
}

function endedOf(ended: BlueGreenStatus['history'][number]): UpgradePicture {
  return {
    ...upgradeOf(ended),
    finishedAtMs: Date.parse(ended.finishedAt),
    result: ended.result,
    ...(ended.reason !== undefined && { reason: ended.reason }),
  };
}
