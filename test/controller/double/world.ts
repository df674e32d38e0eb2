import { isObject, type JsonObject } from '../../../lib/json.js';
import { makeEmqx, type EmqxDouble } from './emqx.js';
import { serve, type Gatekeeper } from './server.js';
import { makeStore, metaOf, type Store } from './store.js';
import { BLUEGREENS, PODS, runWorkloads, SERVICES, SETS } from './workloads.js';

export const NAMESPACE = 'mq';

/** A whole cluster in memory, behind a real HTTP API. */
export interface World {
  store: Store;
  emqx: EmqxDouble;
  url: string;
  /** Throws to refuse a write. */
  gatekeeper: { current: Gatekeeper };
  /** Resolves with the first value that `look` returns, each time something has changed. */
  until<T>(what: string, look: () => T | undefined | false): Promise<T>;
  sets(): Record<string, number>;
  blueGreen(): JsonObject;
  service(): JsonObject;
  readyPods(): string[];
  close(): void;
}

export async function makeWorld({
  drainMs = () => 5,
}: { drainMs?: (pod: JsonObject) => number } = {}): Promise<World> {
  const store = makeStore();
  const emqx = makeEmqx(store, NAMESPACE);
  const gatekeeper: { current: Gatekeeper } = { current: () => undefined };
  const api = await serve(store, (method, place) => gatekeeper.current(method, place));
  const stopWorkloads = runWorkloads(store, {
    namespace: NAMESPACE,
    startMs: 10,
    drainMs,
    brokenImage: 'broken',
  });
  return {
    store,
    emqx,
    url: api.url,
    gatekeeper,
    until: (what, look) => until(store, what, look),
    sets: () =>
      Object.fromEntries(
        store
          .list(SETS, NAMESPACE)
          .map((set) => [
            String(metaOf(set)['name'] as string),
            (set['spec'] as JsonObject)['replicas'] as number,
          ]),
      ),
    blueGreen: () => store.get(BLUEGREENS, NAMESPACE, 'emqx') ?? {},
    service: () => store.get(SERVICES, NAMESPACE, 'emqx') ?? {},
    readyPods: () =>
      store
        .list(PODS, NAMESPACE)
        .filter((pod) => isObject(pod['status']) && Array.isArray(pod['status']['conditions']))
        .map((pod) => String(metaOf(pod)['name'] as string)),
    close() {
      stopWorkloads();
      api.close();
    },
  };
}

const LIMIT_MS = 10_000;

function until<T>(store: Store, what: string, look: () => T | undefined | false): Promise<T> {
  return new Promise((resolve, reject) => {
    const stops: (() => void)[] = [];
    const finish = (): void => {
      clearTimeout(late);
      for (const stop of stops) stop();
    };
    const check = (): void => {
      const found = look();
      if (found === undefined || found === false) return;
      finish();
      resolve(found);
    };
    const late = setTimeout(() => {
      finish();
      const status = store.get(BLUEGREENS, NAMESPACE, 'emqx')?.['status'];
      reject(new Error(`${what} did not come about; status: ${JSON.stringify(status)?.slice(0, 600)}`));
    }, LIMIT_MS);
    for (const collection of [SETS, PODS, SERVICES, BLUEGREENS]) stops.push(store.watch(collection, check));
    check();
  });
}
