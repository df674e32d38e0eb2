import { afterEach, describe, expect, it } from '@jest/globals';
import { makeKube } from '../../controller/kube/client.js';
import { makeTransport } from '../../controller/kube/transport.js';
import { whileLeader } from '../../controller/lease.js';
import type { JsonObject } from '../../lib/json.js';
import { makeLogger } from '../../lib/log.js';
import { serve, type Gatekeeper } from './double/server.js';
import { makeStore, type Store } from './double/store.js';

const LEASES = '/apis/coordination.k8s.io/v1|leases';
/** A fifteenth of the real ones. */
const TIMES = { leaseMs: 1_000, renewDeadlineMs: 667, retryMs: 133 };
const log = makeLogger('test', 'silent');

const cleanUps: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Api {
  store: Store;
  url: string;
  gatekeeper: { current: Gatekeeper };
}

async function api(): Promise<Api> {
  const store = makeStore();
  const gatekeeper: { current: Gatekeeper } = { current: () => undefined };
  const server = await serve(store, (method, place) => gatekeeper.current(method, place));
  cleanUps.push(() => server.close());
  return { store, url: server.url, gatekeeper };
}

interface Replica {
  /** Resolves when it leads for the n-th time; with the signal that it leads under. */
  leads: (time: number) => Promise<AbortSignal>;
  stop: () => Promise<void>;
}

function replica({ url }: Api, identity: string): Replica {
  const shutdown = new AbortController();
  const terms: AbortSignal[] = [];
  const waiting: (() => void)[] = [];
  const transport = makeTransport({ origin: new URL(url), tls: {}, headers: () => Promise.resolve({}) });
  const done = whileLeader(
    { kube: makeKube(transport), namespace: 'sluice-system', name: 'sluice', identity, log, times: TIMES },
    (leading) => {
      terms.push(leading);
      for (const tell of waiting.splice(0)) tell();
      return new Promise((resolve) => leading.addEventListener('abort', () => resolve()));
    },
    shutdown.signal,
  );
  const stop = async (): Promise<void> => {
    shutdown.abort(new Error('stop'));
    await done;
  };
  cleanUps.push(stop);
  return {
    stop,
    leads: async (time) => {
      for (;;) {
        const term = terms[time - 1];
        if (term) return term;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
  };
}

const holderOf = ({ store }: Api): unknown =>
  ((store.get(LEASES, 'sluice-system', 'sluice')?.['spec'] ?? {}) as JsonObject)['holderIdentity'];

function renewals({ store }: Api, count: number): Promise<void> {
  return new Promise((resolve) => {
    let seen = 0;
    const stop = store.watch(LEASES, () => {
      seen += 1;
      if (seen < count) return;
      stop();
      resolve();
    });
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}

describe('two replicas', () => {
  it('have one leader, which keeps leading beyond the life of one lease', async () => {
    const server = await api();
    const first = replica(server, 'a');
    const term = await first.leads(1);
    const second = replica(server, 'b');
    await renewals(server, Math.ceil((TIMES.leaseMs * 1.5) / TIMES.retryMs));
    expect(term.aborted).toBe(false);
    expect(holderOf(server)).toBe('a');
    await first.stop();
    await second.leads(1);
  });

  it('hand over at once when the leader is stopped', async () => {
    const server = await api();
    const first = replica(server, 'a');
    await first.leads(1);
    const second = replica(server, 'b');
    await first.stop();
    expect(holderOf(server)).toBe('');
    const beganAtMs = performance.now();
    await second.leads(1);
    expect(performance.now() - beganAtMs).toBeLessThan(TIMES.leaseMs / 2);
  });

  it('do not believe the timestamps of the other: a lease that stays as it is has expired', async () => {
    const server = await api();
    server.store.create(LEASES, 'sluice-system', {
      metadata: { name: 'sluice' },
      spec: { holderIdentity: 'dead', leaseDurationSeconds: 1, renewTime: '2999-01-01T00:00:00.000000Z' },
    });
    const beganAtMs = performance.now();
    await replica(server, 'b').leads(1);
    expect(performance.now() - beganAtMs).toBeGreaterThan(TIMES.leaseMs - 1);
  });
});

describe('a leader', () => {
  it('stops when it cannot renew in time, and leads again when it can', async () => {
    const server = await api();
    const first = replica(server, 'a');
    const term = await first.leads(1);
    server.gatekeeper.current = () => {
      throw new Error('etcd is away');
    };
    const beganAtMs = performance.now();
    await aborted(term);
    expect(performance.now() - beganAtMs).toBeLessThan(TIMES.leaseMs);
    server.gatekeeper.current = () => undefined;
    await first.leads(2);
  });

  it('stops at once when another holds the lease', async () => {
    const server = await api();
    const term = await replica(server, 'a').leads(1);
    server.store.edit({ collection: LEASES, namespace: 'sluice-system', name: 'sluice' }, (lease) => ({
      ...lease,
      spec: { ...(lease['spec'] as JsonObject), holderIdentity: 'thief', leaseDurationSeconds: 15 },
    }));
    const beganAtMs = performance.now();
    await aborted(term);
    expect(performance.now() - beganAtMs).toBeLessThan(TIMES.renewDeadlineMs);
  });
});
