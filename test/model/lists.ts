import type { Random } from './random.js';
import { allSets, note, type World } from './world.js';

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
    const { services } = world;
    const last = services.at(-1);
    for (const service of services.length > 1 && last && this.random.chance(0.5) ? [last] : services) {
      if (!service.managed) continue;
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
      if (service.strippedAt === Number.POSITIVE_INFINITY) service.strippedAt = world.now;
    }
  }
}
