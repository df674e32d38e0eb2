import { afterEach, describe, expect, it } from '@jest/globals';
import { makeTransport } from '../../../controller/kube/transport.js';
import { watchMetadata } from '../../../controller/kube/watch.js';
import type { JsonObject } from '../../../lib/json.js';
import { serve } from '../double/server.js';
import { makeStore, type Store } from '../double/store.js';

const SETS = '/apis/apps/v1|statefulsets';
const cleanUps: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Watching {
  store: Store;
  /** What was told so far: `seen a`, `gone a`, `synced`, `trouble`. */
  told: string[];
  /** Resolves when `text` has been told `times` times. */
  heard: (text: string, times?: number) => Promise<void>;
  /** Breaks every connection. */
  cut: () => void;
}

async function watching(): Promise<Watching> {
  const store = makeStore();
  const server = await serve(store);
  const stopping = new AbortController();
  const told: string[] = [];
  const waiting: { text: string; times: number; resolve: () => void }[] = [];
  const tell = (text: string): void => {
    told.push(text);
    for (const one of waiting)
      if (told.filter((other) => other === one.text).length >= one.times) one.resolve();
  };
  const transport = makeTransport({
    origin: new URL(server.url),
    tls: {},
    headers: () => Promise.resolve({}),
  });
  const done = watchMetadata(
    transport,
    {
      path: '/apis/apps/v1/statefulsets',
      labelSelector: 'sluice.dev/upgrade',
      onChange: ({ name }, change) => tell(`${change} ${name}`),
      onSynced: () => tell('synced'),
      onTrouble: () => tell('trouble'),
    },
    stopping.signal,
  );
  cleanUps.push(async () => {
    stopping.abort(new Error('over'));
    await done;
    server.close();
  });
  return {
    store,
    told,
    cut: () => server.server.closeAllConnections(),
    heard: (text, times = 1) =>
      new Promise((resolve) => {
        if (told.filter((other) => other === text).length >= times) resolve();
        else waiting.push({ text, times, resolve });
      }),
  };
}

const object = (name: string, labels: JsonObject = { 'sluice.dev/upgrade': 'blue-green' }): JsonObject => ({
  metadata: { name, labels },
  spec: {},
});

describe('a watch', () => {
  it('tells of what is there, what comes, what changes and what goes', async () => {
    const { store, heard, told } = await watching();
    await heard('synced');
    store.create(SETS, 'mq', object('a'));
    store.create(SETS, 'mq', object('other', {}));
    await heard('seen a');
    store.edit({ collection: SETS, namespace: 'mq', name: 'a' }, (one) => ({
      ...one,
      spec: { replicas: 1 },
    }));
    await heard('seen a', 2);
    store.remove(SETS, 'mq', 'a');
    await heard('gone a');
    expect(told.filter((text) => text.endsWith('other'))).toEqual([]);
  });

  it('begins again when its connection breaks, and tells only of what it has missed', async () => {
    const { store, heard, told, cut } = await watching();
    await heard('synced');
    for (const name of ['stays', 'goes']) store.create(SETS, 'mq', object(name));
    await heard('seen goes');
    cut();
    // both happen before the next list: it begins a back-off later
    store.remove(SETS, 'mq', 'goes');
    store.create(SETS, 'mq', object('comes'));
    await heard('synced', 2);
    await heard('gone goes');
    await heard('seen comes');
    expect(told.filter((text) => text === 'seen stays')).toHaveLength(1);
  });
});
