import { X509Certificate } from 'node:crypto';
import { describe, expect, it, jest } from '@jest/globals';
import { issue } from '../../certs/issue.js';
import { keepServing, type ServingOptions } from '../../certs/keep-serving.js';
import { factsOf, splitBundle } from '../../certs/pair.js';
import { SETTLE_MS } from '../../certs/serving.js';
import { InMemorySecrets } from './in-memory.js';

// a pass may make keys, which takes a busy machine a second each
jest.setTimeout(60_000);

const DAY_MS = 24 * 60 * 60 * 1000;
const NAMES = ['sluice-webhook.sluice-system.svc'];
const CA = 'sluice-webhook-ca';
const TLS = 'sluice-webhook-tls';

/** Sluice's namespace, the published bundle, and a clock that only tests move. */
class World {
  readonly secrets = new InMemorySecrets();
  bundle = '';
  scalePath: string | undefined;
  nowMs = Date.parse('2026-11-21T08:00:00Z');
  readonly options: ServingOptions = {
    secrets: this.secrets,
    publish: ({ bundle, scalePath }) => {
      this.bundle = bundle;
      this.scalePath = scalePath;
      return Promise.resolve();
    },
    caSecret: CA,
    tlsSecret: TLS,
    dnsNames: NAMES,
    now: () => this.nowMs,
  };

  async pass(): Promise<void> {
    await keepServing(this.options, new AbortController().signal);
  }

  get serving(): string {
    return this.secrets.value(TLS, 'tls.crt');
  }

  get ca(): string {
    return this.secrets.value(CA, 'ca.crt');
  }
}

/** Whether a client that trusts `bundle` would accept `cert` at that time. */
function isAccepted(cert: string, bundle: string, nowMs: number): boolean {
  const isValid = (one: X509Certificate): boolean =>
    Date.parse(one.validFrom) <= nowMs && nowMs <= Date.parse(one.validTo);
  const shown = new X509Certificate(cert);
  return splitBundle(bundle)
    .map((text) => new X509Certificate(text))
    .some(
      (ca) =>
        ca.ca && isValid(ca) && isValid(shown) && shown.issuer === ca.subject && shown.verify(ca.publicKey),
    );
}

describe('the webhook certificates', () => {
  it('are made from nothing in one pass, and published', async () => {
    const world = new World();
    await world.pass();
    expect(isAccepted(world.serving, world.bundle, world.nowMs)).toBe(true);
    expect(factsOf(world.serving).dnsNames).toEqual(NAMES);
    expect(world.bundle.trim()).toBe(world.ca.trim());
  });

  it('stay as they are while nothing is due', async () => {
    const world = new World();
    await world.pass();
    const before = new Map(world.secrets.stored);
    world.nowMs += 59 * DAY_MS;
    await world.pass();
    expect(world.secrets.stored).toEqual(before);
  });

  it('are renewed a month before they end', async () => {
    const world = new World();
    await world.pass();
    const first = world.serving;
    world.nowMs += 61 * DAY_MS;
    await world.pass();
    expect(world.serving).not.toBe(first);
    expect(isAccepted(first, world.bundle, world.nowMs)).toBe(true);
  });

  it('never leave a moment without a certificate that everybody accepts, in three years', async () => {
    const world = new World();
    await world.pass();
    const endMs = world.nowMs + 3 * 365 * DAY_MS;
    // What was true up to two minutes ago may be what some API server still trusts, or some webhook still shows.
    let [lateServing, lateBundle] = [world.serving, world.bundle];
    const seen = {
      servings: new Set<string>(),
      cas: new Set<string>(),
      bundles: new Set<string>(),
      refused: 0,
    };
    const look = (): void => {
      for (const serving of [world.serving, lateServing]) {
        for (const bundle of [world.bundle, lateBundle]) {
          if (!isAccepted(serving, bundle, world.nowMs)) seen.refused += 1;
        }
      }
      seen.servings.add(world.serving);
      seen.cas.add(world.ca);
      seen.bundles.add(world.bundle);
    };
    while (world.nowMs < endMs) {
      await world.pass();
      look();
      [lateServing, lateBundle] = [world.serving, world.bundle];
      const isQuiet = splitBundle(world.bundle).length === 1;
      world.nowMs += isQuiet ? 5 * DAY_MS : SETTLE_MS / 2;
    }
    expect(seen.refused).toBe(0);
    expect(seen.servings.size).toBeGreaterThan(15);
    expect(seen.cas.size).toBe(2); // one CA lives for 550 days and the next one begins
    expect(seen.bundles.size).toBe(3); // old; new and old; new
    expect(splitBundle(world.bundle)).toHaveLength(1);
  });

  it('sign nothing with a new CA before everybody trusts it', async () => {
    const world = new World();
    await world.pass();
    const first = { ca: world.ca, bundle: world.bundle };
    while (world.ca === first.ca) {
      world.nowMs += 10 * DAY_MS;
      await world.pass();
    }
    expect(isAccepted(world.serving, first.ca, world.nowMs)).toBe(true);
    expect(world.bundle).toContain(first.bundle.trim());
    world.nowMs += SETTLE_MS;
    await world.pass();
    expect(isAccepted(world.serving, world.ca, world.nowMs)).toBe(true);
    expect(world.bundle).toContain(first.bundle.trim());
    world.nowMs += SETTLE_MS;
    await world.pass();
    expect(world.bundle).not.toContain(first.bundle.trim());
  });

  it('work again after a controller was away for years', async () => {
    const world = new World();
    await world.pass();
    world.nowMs += 5 * 365 * DAY_MS;
    await world.pass();
    expect(isAccepted(world.serving, world.bundle, world.nowMs)).toBe(true);
  });

  it.each<{ what: string; offMs: number }>([
    { what: 'a year ahead', offMs: 400 * DAY_MS },
    { what: 'a month ahead', offMs: 30 * DAY_MS },
    { what: 'four months behind', offMs: -120 * DAY_MS },
    { what: 'three years behind', offMs: -3 * 365 * DAY_MS },
  ])('are accepted as soon as the clock is right that was $what when they were made', async ({ offMs }) => {
    const world = new World();
    const rightMs = world.nowMs;
    world.nowMs += offMs;
    await world.pass();
    world.nowMs = rightMs;
    await world.pass();
    for (const laterMs of [0, SETTLE_MS / 2, SETTLE_MS, 3 * SETTLE_MS, DAY_MS]) {
      world.nowMs = rightMs + laterMs;
      await world.pass();
      expect(isAccepted(world.serving, world.bundle, world.nowMs)).toBe(true);
    }
    expect(splitBundle(world.bundle)).toHaveLength(1);
  });

  it('are not kept when only a CA that is not valid yet has signed them', async () => {
    const [world, ahead] = [new World(), new World()];
    ahead.nowMs += 400 * DAY_MS;
    await ahead.pass();
    const [ca, key] = [ahead.ca, ahead.secrets.value(CA, 'ca.key')];
    const life = { nowMs: world.nowMs, days: 90 };
    const { cert, key: own } = await issue({ cert: ca, key }, { kind: 'server', dnsNames: NAMES }, life);
    world.secrets.put(CA, { 'ca.crt': ca, 'ca.key': key });
    world.secrets.put(TLS, { 'tls.crt': cert, 'tls.key': own, 'ca.crt': ca });
    await world.pass();
    expect(isAccepted(world.serving, world.bundle, world.nowMs)).toBe(true);
  });

  it.each<{ what: string; harm: (world: World) => void }>([
    { what: 'the Secret of the CA', harm: ({ secrets }) => secrets.stored.delete(CA) },
    { what: 'the key of the CA', harm: (world) => world.secrets.put(CA, { 'ca.crt': world.ca }) },
  ])('go on being accepted when somebody deletes $what', async ({ harm }) => {
    const world = new World();
    await world.pass();
    const shown = world.serving;
    harm(world);
    await world.pass();
    expect(isAccepted(shown, world.bundle, world.nowMs)).toBe(true);
    world.nowMs += 2 * SETTLE_MS;
    await world.pass();
    expect(isAccepted(world.serving, world.ca, world.nowMs)).toBe(true);
  });

  it.each<{ what: string; data: Record<string, string> }>([
    { what: 'nothing', data: {} },
    { what: 'nonsense', data: { 'tls.crt': 'x', 'tls.key': 'y' } },
  ])('are made anew when the Secret holds $what', async ({ data }) => {
    const world = new World();
    await world.pass();
    world.secrets.put(TLS, data);
    await world.pass();
    expect(isAccepted(world.serving, world.bundle, world.nowMs)).toBe(true);
  });

  it('come with a token for Scales, which is published', async () => {
    const world = new World();
    await world.pass();
    expect(world.secrets.value(TLS, 'scale.token')).toMatch(/^[0-9a-f]{64}$/);
    expect(world.scalePath).toBe(`/scale/${world.secrets.value(TLS, 'scale.token')}`);
  });

  it('bring a new token each, and never is one published that some webhook does not take', async () => {
    const world = new World();
    await world.pass();
    const taken = (): string[] =>
      ['scale.token', 'scale.token.previous'].map((key) => `/scale/${world.secrets.value(TLS, key)}`);
    // what was true up to two minutes ago may be what some API server still asks by, or some webhook still takes
    let [latePath, lateTaken] = [world.scalePath ?? '', taken()];
    const seen = { published: new Set<string>(), servings: new Set<string>(), refused: 0 };
    const endMs = world.nowMs + 200 * DAY_MS;
    while (world.nowMs < endMs) {
      await world.pass();
      for (const path of [world.scalePath ?? '', latePath]) {
        for (const paths of [taken(), lateTaken]) if (!paths.includes(path)) seen.refused += 1;
      }
      seen.published.add(world.scalePath ?? '');
      seen.servings.add(world.serving);
      [latePath, lateTaken] = [world.scalePath ?? '', taken()];
      const isQuiet =
        splitBundle(world.bundle).length === 1 && world.secrets.value(TLS, 'scale.token.previous') === '';
      world.nowMs += isQuiet ? 5 * DAY_MS : SETTLE_MS / 2;
    }
    expect(seen.refused).toBe(0);
    expect(seen.published.size).toBe(seen.servings.size);
    expect(seen.servings.size).toBe(4);
    expect(world.secrets.stored.get(TLS)?.data).not.toHaveProperty(['scale.token.previous']);
  });

  it('get a token when they have none from before, and stay', async () => {
    const world = new World();
    await world.pass();
    const before = world.secrets.stored.get(TLS)?.data ?? {};
    world.secrets.put(TLS, { 'tls.crt': world.serving, 'tls.key': before['tls.key'] ?? '' });
    await world.pass();
    expect(world.serving).toBe(before['tls.crt']);
    expect(world.scalePath).toBe(`/scale/${world.secrets.value(TLS, 'scale.token')}`);
    expect(world.scalePath).toMatch(/^\/scale\/[0-9a-f]{64}$/);
  });

  it('are issued again when the webhook gets another name', async () => {
    const world = new World();
    await world.pass();
    world.options.dnsNames = ['other.sluice-system.svc'];
    await world.pass();
    expect(factsOf(world.serving).dnsNames).toEqual(['other.sluice-system.svc']);
  });

  it('are the same for two controllers that start at once', async () => {
    const world = new World();
    const other = new World();
    await other.pass();
    world.secrets.beforeWrite = (name) => {
      world.secrets.beforeWrite = () => undefined;
      world.secrets.put(name, other.secrets.stored.get(name)?.data ?? {});
    };
    await world.pass();
    expect(world.ca).toBe(other.ca);
    expect(isAccepted(world.serving, world.bundle, world.nowMs)).toBe(true);
  });

  it('are given up on when others change them all the time', async () => {
    const world = new World();
    world.secrets.beforeWrite = (name) => world.secrets.put(name, {});
    await expect(world.pass()).rejects.toThrow('changed by others all the time');
  });
});
