import type { KubernetesObject, V1EndpointSlice, V1Pod } from '@kubernetes/client-node';
import type { Phase } from '../../lib/types.js';
import type { BlueGreenSeen, PodSeen } from './observations.js';

/** The fields of a BlueGreen that are watched. */
export interface BlueGreenObject extends KubernetesObject {
  status?: { phase?: Phase; message?: string; active?: string; wanted?: string; clientsLeft?: number };
}

/** Addresses whose endpoint is ready, over all slices of one Service. A missing condition means ready, says the API. */
export function readyAddresses(slices: readonly V1EndpointSlice[]): string[] {
  const ready = slices.flatMap(({ endpoints }) =>
    (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses }) => addresses),
  );
  return [...new Set(ready)].sort();
}

/**
 * @param container the one that runs EMQX
 * @param isGone true when its object was deleted
 */
export function podSeen(
  pod: V1Pod,
  container: string,
  { atMs, isGone }: { atMs: number; isGone: boolean },
): PodSeen {
  const { metadata = {}, status = {} } = pod;
  const ended = status.containerStatuses?.find(({ name }) => name === container)?.state?.terminated
    ?.finishedAt;
  return {
    kind: 'pod',
    atMs,
    uid: metadata.uid ?? '',
    name: metadata.name ?? '',
    address: status.podIP ?? '',
    revision: metadata.labels?.['controller-revision-hash'] ?? '',
    isReady: status.conditions?.some((is) => is.type === 'Ready' && is.status === 'True') ?? false,
    isDeleting: metadata.deletionTimestamp !== undefined,
    emqxEndedMs: ended === undefined ? 0 : new Date(ended).getTime(),
    isGone,
  };
}

/** What the BlueGreen's status says; empty words for what it does not say yet. */
export function blueGreenSeen({ status = {} }: BlueGreenObject, atMs: number): BlueGreenSeen {
  return {
    kind: 'bluegreen',
    atMs,
    phase: status.phase ?? '',
    message: status.message ?? '',
    active: status.active ?? '',
    wanted: status.wanted ?? '',
    clientsLeft: status.clientsLeft ?? 0,
  };
}
