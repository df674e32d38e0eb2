import { afterEach, describe, expect, it } from '@jest/globals';
import { makeLeftovers } from '../../controller/leftovers.js';
import type { JsonObject } from '../../lib/json.js';
import { optionsOf } from './double/leader.js';
import { Refusal } from './double/store.js';
import { makeWorld, NAMESPACE, type World } from './double/world.js';
import { SERVICES } from './double/workloads.js';
import { serviceObject } from './fixtures/objects.js';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** A namespace with nothing but a pinned Service. */
async function left(metadata: JsonObject = {}): Promise<World> {
  const made = await makeWorld();
  cleanUps.push(() => made.close());
  const labels = { 'sluice.dev/managed': 'true' };
  const selector = { app: 'emqx', 'sluice.dev/revision': 'bcdfghjkl' };
  const service = serviceObject({ metadata: { labels, ...metadata }, spec: { selector } });
  made.store.create(SERVICES, NAMESPACE, service);
  return made;
}

const lookOver = (made: World) => {
  const failed: string[] = [];
  const gauge = { failed: (part: string) => void failed.push(part) };
  const look = makeLeftovers({ ...optionsOf(made), gauge }, new AbortController().signal);
  return { look: () => look(NAMESPACE), failed };
};

describe('a look over a namespace', () => {
  it('gives a Service back in two writes, and is over when none is managed', async () => {
    const made = await left();
    const { look } = lookOver(made);
    expect(await look()).toEqual({ afterMs: 0 });
    expect(made.service()).toMatchObject({
      metadata: { labels: { 'sluice.dev/managed': 'true' } },
      spec: { selector: { app: 'emqx' } },
    });
    expect(await look()).toEqual({ afterMs: 0 });
    expect(made.service()).toMatchObject({ metadata: { labels: {} }, spec: { selector: { app: 'emqx' } } });
    expect(await look()).toBe('forget');
  });

  it('leaves one that is being deleted to its end', async () => {
    const made = await left({ deletionTimestamp: '2026-01-01T00:00:00Z' });
    const { look } = lookOver(made);
    expect(await look()).toBe('forget');
    expect(made.service()).toMatchObject({ metadata: { labels: { 'sluice.dev/managed': 'true' } } });
  });

  it('undoes nothing that somebody has written since it looked', async () => {
    const made = await left();
    const pin = (selector: JsonObject): void =>
      void made.store.edit({ collection: SERVICES, namespace: NAMESPACE, name: 'emqx' }, (service) => ({
        ...service,
        spec: { ...(service['spec'] as JsonObject), selector },
      }));
    const byThen = { app: 'emqx', 'sluice.dev/revision': 'lkjhgfdcb' };
    made.gatekeeper.current = () => pin(byThen);
    const { look } = lookOver(made);
    expect(await look()).toEqual({ afterMs: 50 });
    expect(made.service()['spec']).toMatchObject({ selector: byThen });
    // the same of the label, which goes last
    made.gatekeeper.current = () => undefined;
    await look();
    made.gatekeeper.current = () => pin(byThen);
    expect(await look()).toEqual({ afterMs: 50 });
    expect(made.service()).toMatchObject({ metadata: { labels: { 'sluice.dev/managed': 'true' } } });
  });

  it.each([
    { status: 403, reason: 'Forbidden', afterMs: 10_000, counted: ['pass'] },
    { status: 500, reason: 'InternalError', afterMs: 10_000, counted: ['pass'] },
    { status: 404, reason: 'NotFound', afterMs: 50, counted: [] },
    { status: 409, reason: 'Conflict', afterMs: 50, counted: [] },
  ])('is repeated after $status', async ({ status, reason, afterMs, counted }) => {
    const made = await left();
    made.gatekeeper.current = () => {
      throw new Refusal(status, reason, 'refused');
    };
    const { look, failed } = lookOver(made);
    expect(await look()).toEqual({ afterMs });
    expect(failed).toEqual(counted);
    made.gatekeeper.current = () => undefined;
    await look();
    await look();
    expect(await look()).toBe('forget');
  });
});
