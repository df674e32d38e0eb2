import type { Observed } from './adapter.js';
import { deletedSets } from './stateful-sets.js';
import {
  allSets,
  isManaged,
  selectedPods,
  violate,
  wantedSize,
  type PodObject,
  type ServiceObject,
  type SetObject,
  type World,
} from './world.js';

/** What a Service selected when it last reached somebody. */
interface Reached {
  revision: string | undefined;
  /** Names of those pods; none where it was not to reach anybody since. */
  pods: string[];
  /** Its set was sent away because no node was wanted, and has to come back first. */
  isSentAway?: true;
}

/** A size of 0 that is over for so long may still take pods away: the write was decided, or its set gets round to it now. */
const AWAY_SECONDS = 10;
/** Within so many seconds the loop gets round to whom it can point a Service at. */
const ROUND_SECONDS = 10;

/**
 * A Service that reaches nobody while nodes serve: only what the sequence did to the pods that it reached, or to their set, excuses that,
 * and nothing that the plan has done. It is looked at for as long as it lasts, and after each write.
 */
export class Reach {
  private readonly last = new Map<string, Reached>();
  /** Sets by their revision, those that are gone included. */
  private readonly owners = new Map<string, { uid: string; name: string }>();
  /** Revisions that the Services selected before a write. */
  private before = new Map<string, string | undefined>();
  /** Since when they reach nobody without excuse. */
  private readonly dueSince = new Map<string, number>();
  private noneWantedAt = Number.NEGATIVE_INFINITY;

  /** @param hurt pods, by name, that the sequence itself deleted or crashed and that do not serve again yet */
  constructor(
    private readonly world: World,
    private readonly hurt: ReadonlyMap<string, unknown>,
  ) {
    this.note();
  }

  /** To be called once a second and after each action, of every Service. */
  look(): void {
    this.note();
    for (const service of this.world.services) this.lookAt(service);
  }

  /** To be called before a step is taken. */
  beforeWrite(): void {
    this.note();
    this.before = new Map(this.world.services.map(({ name, revision }) => [name, revision]));
  }

  /** To be called after it was taken: what it has pointed somewhere must reach somebody there. */
  afterWrite(seen: Observed): void {
    const { declaration, services } = this.world;
    this.note();
    // Its pods get their label later.
    for (const { kind, revision } of seen.sets)
      if (kind === 'declaration') this.owners.set(revision, declaration);
    for (const service of services) {
      const { name, revision } = service;
      const isPointed = this.before.get(name) !== revision && revision !== this.last.get(name)?.revision;
      if (isPointed && this.mayNotReach(service)) this.judgePointed(service, seen);
      else this.lookAt(service);
    }
  }

  private judgePointed(service: ServiceObject, seen: Observed): void {
    const { name, revision } = service;
    const target = seen.sets.find((set) => set.revision === revision);
    const pods = (target?.pods ?? []).filter(({ ready }) => ready).map((pod) => pod.name);
    // What was ready when it was looked at, and has been deleted or has crashed since, is nobody's fault.
    const wasReady = pods.length > 0 && pods.every((pod) => this.hurt.has(pod));
    // One without a key is pinned to what was active last, though the sequence took that one's pods: they come back.
    const isPinned = this.before.get(name) === undefined && this.isHurt(service);
    if (!wasReady && !isPinned) this.blame(service, 'is pointed at');
    this.last.set(name, { revision, pods });
  }

  private lookAt(service: ServiceObject): void {
    const { world } = this;
    const { name, revision, strippedAt } = service;
    const last = this.last.get(name);
    const pods = selectedPods(world, service);
    const since = this.dueSince.get(name);
    this.dueSince.delete(name);
    if (wantedSize(world) === 0) this.noneWantedAt = world.now;
    if (pods.length > 0) this.last.set(name, reachedBy(service, pods, last));
    else if (isGivenUp(service)) this.last.set(name, { revision, pods: [] });
    else if (strippedAt === undefined && world.now - this.noneWantedAt <= AWAY_SECONDS)
      this.last.set(name, { revision, pods: [], isSentAway: true });
    else if (!this.mayNotReach(service)) {
      if (strippedAt === undefined && last?.revision !== revision)
        this.last.set(name, { revision, pods: [] });
    } else if (!this.isExcused(service)) {
      // What it reached is gone; or those that serve have only come, and the loop gets round to them.
      const isLost = last !== undefined && last.revision === revision && last.pods.length > 0;
      this.dueSince.set(name, since ?? world.now);
      if (isLost || world.now - (since ?? world.now) > ROUND_SECONDS)
        this.blame(service, 'reaches nobody at');
    }
  }

  /** Whether it reaches nobody, and would have to. */
  private mayNotReach(service: ServiceObject): boolean {
    const { world } = this;
    const isDue =
      service.strippedAt === undefined && !isGivenUp(service) && isManaged(world) && wantedSize(world) > 0;
    return isDue && selectedPods(world, service).length === 0 && this.serving() !== undefined;
  }

  private isExcused(service: ServiceObject): boolean {
    const { world, hurt } = this;
    const { name, revision = '' } = service;
    const last = this.last.get(name);
    const owner = this.owners.get(revision);
    if (owner && deletedSets.get(world)?.get(owner.uid) === 'sequence') return true;
    const set = this.ownerOf(service);
    if (!set || !last || last.revision !== service.revision) return false;
    if (last.isSentAway === true || this.isHurt(service)) return true;
    return (set.size > 0 || set.cause === 'sequence') && last.pods.every((pod) => hurt.has(pod));
  }

  /** Whether the sequence took away all that its set is to keep. */
  private isHurt(service: ServiceObject): boolean {
    const { name, size } = this.ownerOf(service) ?? { name: '', size: 0 };
    const ordinals = Array.from({ length: size }, (_, ordinal) => ordinal);
    return size > 0 && ordinals.every((ordinal) => this.hurt.has(`${name}-${ordinal}`));
  }

  private ownerOf({ revision = '' }: ServiceObject): SetObject | undefined {
    const owner = this.owners.get(revision);
    return allSets(this.world).find(({ uid }) => uid === owner?.uid);
  }

  private blame({ name, revision = '' }: ServiceObject, does: string): void {
    violate(
      this.world,
      'reach',
      `Service ${name} ${does} revision ${revision}, and ${this.serving()?.name} serves`,
    );
  }

  /** A set of which some node could take clients. */
  private serving(): SetObject | undefined {
    const { world } = this;
    return allSets(world).find(
      ({ uid, going }) => !going && world.pods.some((pod) => pod.owner === uid && serves(world, pod)),
    );
  }

  /** Whose pods have had which revision. */
  private note(): void {
    const { world } = this;
    for (const set of world.sets) if (set.revision !== undefined) this.owners.set(set.revision, set);
    for (const { owner, revision } of world.pods)
      if (owner === world.declaration.uid && revision !== undefined)
        this.owners.set(revision, { uid: owner, name: world.declaration.name });
  }
}

/** Its user has taken it off the list, and it could not be switched: it stays where it is, whoever goes there, as it is told. */
function isGivenUp({ unlisted, estranged }: ServiceObject): boolean {
  return unlisted !== undefined && estranged !== undefined;
}

/** What an edit has made a Service select is nobody's choice: only what it has of the one before counts. */
function reachedBy({ revision, strippedAt }: ServiceObject, pods: PodObject[], last?: Reached): Reached {
  if (strippedAt === undefined || !last) return { revision, pods: pods.map(({ name }) => name) };
  const own = pods.filter((pod) => pod.revision === last.revision);
  return { revision: last.revision, pods: own.map(({ name }) => name) };
}

function serves({ nodes }: World, { name, ready, deleted }: PodObject): boolean {
  const node = nodes.get(name);
  return ready && !deleted && node?.state === 'joined' && !node.evacuation;
}
