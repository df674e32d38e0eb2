import { activeSet, type Watcher } from './invariants.js';
import { crash } from './kubelet.js';
import type { Random } from './random.js';
import { deletePod } from './stateful-sets.js';
import { changeSpec, resizeSet } from './users.js';
import { note, violate, wantedSize, type PodObject, type SetObject, type World } from './world.js';

/** For so long pods end, and as long again nothing happens to them. */
const PART_SECONDS = 75;
/** A pass that had begun before may still write. */
const BEGUN_SECONDS = 3;

/**
 * A pause that lasts, in which pods of the active set end: what was whole when it began is whole again before it is over. It draws from a
 * source of its own, so that what else a seed leads to stays as it was.
 */
export class LongPause {
  private set: SetObject | undefined;
  private readonly begunUntil: number;
  private readonly endsAt: number;

  constructor(
    private readonly world: World,
    private readonly watcher: Watcher,
    private readonly random: Random,
  ) {
    const set = activeSet(world);
    const isJudged = set !== undefined && set !== world.declaration && whyNotWhole(world, set) === undefined;
    if (isJudged && world.blueGreen.exists && wantedSize(world) > 0) this.set = set;
    this.begunUntil = world.now + BEGUN_SECONDS;
    this.endsAt = world.now + (this.set ? 2 * PART_SECONDS : 0);
    if (!this.set) return;
    // Nodes that the cluster knows under their name never get in by trying again.
    world.refusal = 1;
    changeSpec(world, (spec) => (spec.paused = true));
    this.disturb(this.set);
  }

  /** One second of it; true when it is over. */
  turn(): boolean {
    const { world, random } = this;
    const active = activeSet(world);
    // What was being switched to when the pause began is what is to be whole.
    if (this.set && world.now <= this.begunUntil)
      this.set = active === world.declaration ? undefined : active;
    const { set } = this;
    if (!set) return true;
    if (world.now >= this.endsAt) {
      const why = whyNotWhole(world, set);
      if (why !== undefined && !isHelpless(world))
        violate(world, 'pause', `in a pause, ${set.name} is not mended: ${why}`);
      return true;
    }
    if (world.now < this.endsAt - PART_SECONDS && random.chance(0.1)) this.disturb(set);
    return false;
  }

  private disturb(set: SetObject): void {
    const { world, watcher, random } = this;
    if (world.preview !== undefined && random.chance(0.2)) {
      note(world, 'user: the preview Service loses its revision key');
      world.preview = '';
    }
    const pods = world.pods.filter(({ owner }) => owner === set.uid);
    const coming = pods.find(({ name, deleted }) => !deleted && world.nodes.get(name)?.state === 'alone');
    if (coming) {
      watcher.harms(coming.name);
      crash(world, coming);
    }
    const pod = random.pick(pods);
    if (!pod || !pods.every(({ ready, deleted }) => ready && !deleted)) return;
    // Where nodes without a sidecar alone are left, none could ask for one that is refused.
    const hasOwn = world.declaration.size > 0 || world.pods.some(({ hasSidecar }) => !hasSidecar);
    const least = hasOwn ? 1 : 0;
    if (random.chance(0.2)) resizeSet(world, { watcher, set, size: random.int(least, set.size) });
    else if (pods.length > least) {
      watcher.harms(pod.name);
      deletePod(world, pod, 'sequence');
    }
  }
}

/** Nodes without a sidecar alone are left: none could ask for one that is refused. */
function isHelpless({ pods, nodes }: World): boolean {
  const members = pods.filter(({ name }) => nodes.get(name)?.state === 'joined');
  return members.length > 0 && !members.some(({ hasSidecar }) => hasSidecar);
}

/** Which node of the active set does not serve, in words; of those that find a place on a machine. */
function whyNotWhole(world: World, set: SetObject): string | undefined {
  const size = Math.min(wantedSize(world), world.room);
  if (set.size < size) return `its size is ${set.size} of ${size}`;
  const serves = (pod: PodObject): boolean => {
    const node = world.nodes.get(pod.name);
    return pod.ready && !pod.deleted && node?.state === 'joined' && !node.evacuation;
  };
  for (let ordinal = 0; ordinal < size; ordinal += 1) {
    const name = `${set.name}-${ordinal}`;
    const pod = world.pods.find((each) => each.name === name && each.owner === set.uid);
    if (!pod || !serves(pod)) return `${name} does not serve`;
  }
  return undefined;
}
