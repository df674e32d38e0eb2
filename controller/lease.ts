import type { JsonObject } from '../lib/json.js';
import { numberAt, objectAt, textAt } from '../lib/fields.js';
import type { Logger } from '../lib/log.js';
import { sleep } from '../lib/sleep.js';
import type { Kube } from './kube/client.js';
import { isAlreadyExists, isConflict, isNotFound } from './kube/errors.js';
import { PATH } from './kube/paths.js';

/** client-go's own times: a lease is good for 15 s, a leader stops after 10 s without a renewal, and all try every 2 s. */
export const LEASE_TIMES = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

export interface LeaseOptions {
  kube: Kube;
  namespace: string;
  name: string;
  /** Ours among the replicas; the pod's name. */
  identity: string;
  log: Logger;
  /** The Lease could not be read or written; it is tried again. */
  onTrouble?: (error: unknown) => void;
  times?: typeof LEASE_TIMES;
}

/** The Lease as last read, and when it was first seen like that, on our own clock. */
interface Seen {
  lease: JsonObject;
  renewal: string;
  seenAtMs: number;
}

/**
 * Runs `lead` whenever this replica holds the Lease, until the signal. Losing the Lease aborts the signal that `lead` was given; it is
 * waited for before anything else. At the end the Lease is released, so that the other replica need not wait for it to expire.
 * A lease does not fence: every write of a leader is conditional on what it read.
 */
export async function whileLeader(
  options: LeaseOptions,
  lead: (leading: AbortSignal) => Promise<void>,
  shutdown: AbortSignal,
): Promise<void> {
  const { log, identity } = options;
  const times = options.times ?? LEASE_TIMES;
  let seen: Seen | undefined;
  while (!shutdown.aborted) {
    try {
      seen = await look(options, seen, shutdown);
      const held = await take(options, seen, times.leaseMs, shutdown);
      if (held) {
        log.info({ identity }, 'leading');
        seen = undefined;
        await holdWhile(options, held, lead, shutdown);
        log.info({ identity }, 'not leading any more');
      }
    } catch (error) {
      if (shutdown.aborted) return;
      if (!isConflict(error) && !isAlreadyExists(error)) {
        log.warn({ err: error }, 'lease not reached');
        options.onTrouble?.(error);
      }
    }
    await sleep(times.retryMs * (0.75 + Math.random() / 2), shutdown);
  }
}

/** Reads the Lease. Expiry is judged by when *we* saw it last renewed: its timestamps are of somebody else's clock. */
async function look(
  { kube, namespace, name }: LeaseOptions,
  before: Seen | undefined,
  signal: AbortSignal,
): Promise<Seen> {
  const nowMs = performance.now();
  let lease: JsonObject = {};
  try {
    lease = await kube.get(PATH.leases(namespace, name), signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const renewal = `${textAt(lease, 'spec', 'holderIdentity')} ${textAt(lease, 'spec', 'renewTime')}`;
  return { lease, renewal, seenAtMs: before?.renewal === renewal ? before.seenAtMs : nowMs };
}

/** Takes the Lease if nobody holds it, we did in an earlier life, or its holder has not renewed it in time. */
async function take(
  { kube, namespace, name, identity }: LeaseOptions,
  { lease, seenAtMs }: Seen,
  leaseMs: number,
  signal: AbortSignal,
): Promise<JsonObject | undefined> {
  const holder = textAt(lease, 'spec', 'holderIdentity');
  const now = new Date().toISOString().replace('Z', '000Z');
  const transitions = numberAt(lease, ['spec', 'leaseTransitions']);
  const spec: JsonObject = {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaseMs / 1000),
    acquireTime: now,
    renewTime: now,
    leaseTransitions: holder === identity ? transitions : transitions + 1,
  };
  if (lease['metadata'] === undefined) {
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec };
    return kube.create(PATH.leases(namespace), body, signal);
  }
  const lastsMs = numberAt(lease, ['spec', 'leaseDurationSeconds']) * 1000 || leaseMs;
  if (holder !== '' && holder !== identity && performance.now() - seenAtMs < lastsMs) return undefined;
  return kube.update(PATH.leases(namespace, name), { ...lease, spec }, signal);
}

async function holdWhile(
  options: LeaseOptions,
  held: JsonObject,
  lead: (leading: AbortSignal) => Promise<void>,
  shutdown: AbortSignal,
): Promise<void> {
  const leading = new AbortController();
  const work = lead(leading.signal).finally(() =>
    leading.abort(new Error('the work of the leader has ended')),
  );
  // a failure is thrown below; it must not count as unhandled while the lease is still renewed
  work.catch(() => undefined);
  let last: JsonObject | undefined;
  try {
    last = await renew(options, held, AbortSignal.any([leading.signal, shutdown]));
  } finally {
    leading.abort(new Error('no longer leading'));
    try {
      await work;
    } finally {
      if (last) await release(options, last);
    }
  }
}

/** Renews until the signal; returns the Lease as last written, or nothing when it is lost. */
async function renew(
  options: LeaseOptions,
  held: JsonObject,
  signal: AbortSignal,
): Promise<JsonObject | undefined> {
  const { kube, namespace, name, identity, log } = options;
  const { retryMs, renewDeadlineMs } = options.times ?? LEASE_TIMES;
  const path = PATH.leases(namespace, name);
  let lease = held;
  let renewedAtMs = performance.now();
  for (;;) {
    await sleep(retryMs, signal);
    if (signal.aborted) return lease;
    const beganAtMs = performance.now();
    const leftMs = Math.max(1, Math.ceil(renewedAtMs + renewDeadlineMs - beganAtMs));
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(leftMs)]);
    try {
      const renewTime = new Date().toISOString().replace('Z', '000Z');
      lease = await kube.update(
        path,
        { ...lease, spec: { ...objectAt(lease, 'spec'), renewTime } },
        deadline,
      );
      renewedAtMs = beganAtMs;
    } catch (error) {
      if (signal.aborted) return lease;
      if (isConflict(error)) {
        const there = await kube.get(path, deadline).catch(() => undefined);
        if (there && textAt(there, 'spec', 'holderIdentity') !== identity) return undefined;
        lease = there ?? lease;
      }
      log.warn({ err: error }, 'lease not renewed');
    }
    if (performance.now() - renewedAtMs >= renewDeadlineMs) return undefined;
  }
}

const RELEASE_MS = 2_000;

async function release({ kube, namespace, name, log }: LeaseOptions, lease: JsonObject): Promise<void> {
  const spec = { ...objectAt(lease, 'spec'), holderIdentity: '', leaseDurationSeconds: 1 };
  try {
    await kube.update(PATH.leases(namespace, name), { ...lease, spec }, AbortSignal.timeout(RELEASE_MS));
  } catch (error) {
    log.warn({ err: error }, 'lease not released; it will expire');
  }
}
