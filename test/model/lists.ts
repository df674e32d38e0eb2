import { activeSet } from './invariants.js';
import type { Random } from './random.js';
import { allSets, note, wantedSize, type ServiceObject, type World } from './world.js';

/**
 * Somebody leaves Services out of `spec.services` in the middle of an upgrade, or writes a name wrong so that none is left, and puts it
 * right a while later. By a source of its own: what else a seed leads to stays as it was.
 */
export class Lists {
  private readonly isOn: boolean;
  private backAt: number | undefined;
  private hasEnded = false;

  constructor(private readonly random: Random) {
    this.isOn = random.chance(0.25);
  }

  /** To be called once a second. */
  turn(world: World): void {
    if (!this.isOn || this.hasEnded) return;
    if (this.backAt !== undefined) {
      if (world.now >= this.backAt) this.putBack(world);
      return;
    }
    if (allSets(world).filter(({ size }) => size > 0).length < 2 || !this.random.chance(0.05)) return;
    for (const service of someServices(world, this.random)) {
      note(world, `user: spec.services leaves ${service.name} out`);
      service.unlisted = true;
    }
    this.backAt = world.now + this.random.int(1, 40);
  }

  /** Nothing is wrong with the list any more. */
  end(world: World): void {
    this.hasEnded = true;
    this.putBack(world);
  }

  private putBack(world: World): void {
    this.backAt = undefined;
    for (const service of world.services) {
      if (service.unlisted === undefined) continue;
      note(world, `user: spec.services names ${service.name} again`);
      delete service.unlisted;
      lookedAfter(world, service);
    }
  }
}

/**
 * An edit changes a label by which Services select, and somebody corrects their selectors a while later. By a source of its own, too.
 */
export class Labels {
  private readonly isOn: boolean;
  private backAt: number | undefined;
  private hasEnded = false;

  constructor(private readonly random: Random) {
    this.isOn = random.chance(0.25);
  }

  /** To be called once a second. */
  turn(world: World): void {
    if (!this.isOn || this.hasEnded) return;
    if (this.backAt !== undefined) {
      // At size 0 it is given back, and by which labels it selects then is not modelled.
      if (world.now >= this.backAt || wantedSize(world) === 0) this.putBack(world);
      return;
    }
    const active = activeSet(world);
    const isEdited =
      active !== undefined && wantedSize(world) > 0 && active.template !== world.declaration.asked;
    if (!isEdited || !this.random.chance(0.3)) return;
    for (const service of someServices(world, this.random)) {
      note(world, `user: Service ${service.name} does not select what is asked for`);
      service.estranged = true;
    }
    this.backAt = world.now + this.random.int(1, 100);
  }

  /** All selectors are right. */
  end(world: World): void {
    this.hasEnded = true;
    this.putBack(world);
  }

  private putBack(world: World): void {
    this.backAt = undefined;
    for (const service of world.services) {
      if (service.estranged === undefined) continue;
      note(world, `user: Service ${service.name} selects what is asked for`);
      delete service.estranged;
      lookedAfter(world, service);
    }
  }
}

/** All pinned ones, or the last. */
function someServices({ services }: World, random: Random): ServiceObject[] {
  const last = services.at(-1);
  const some = services.length > 1 && last && random.chance(0.5) ? [last] : services;
  return some.filter(({ managed }) => managed);
}

/** Where neither keeps it from being a client Service any more, its pin comes back soon. */
function lookedAfter(world: World, service: ServiceObject): void {
  if (service.unlisted !== undefined || service.estranged !== undefined) return;
  if (service.strippedAt === Number.POSITIVE_INFINITY) service.strippedAt = world.now;
}
