import type { Decision, Observed, Pod } from './adapter.js';
import { accepts, clientsAt, sessionsAt } from './emqx.js';
import { Reach } from './reach.js';
import {
  allSets,
  isManaged,
  isOverdue,
  mayJoin,
  podNamed,
  selectedPods,
  setPartOf,
  violate,
  wantedSize,
  type PodObject,
  type SetObject,
  type World,
} from './world.js';

/** A Service whose selector the sequence spoilt is mended within this many seconds. */
const MENDED_WITHIN = 10;

/** Watches one run: what must hold after every second, and of every write. */
export class Watcher {
  /** Most pods of a set that served at once, by the set's uid; never above the wanted size since. */
  private readonly reached = new Map<string, number>();
  /** Pods that the sequence itself deleted or crashed, until they serve again. */
  private readonly hurt = new Map<string, { pod: PodObject; restarts: number; at: number }>();
  private selected: string | undefined;
  private servingBefore = 0;
  private previewed: string | undefined;
  private previewedAt = 0;
  /** The wanted sizes of the last seconds: what was wanted a moment ago cannot be blamed. */
  private readonly sizes: number[] = [];

  private readonly reach: Reach;

  constructor(private readonly world: World) {
    this.reach = new Reach(world, this.hurt);
  }

  /** The sequence deletes or crashes a pod: it is missing for a while, and that is nobody's fault. */
  harms(name: string): void {
    const { pods, now } = this.world;
    const pod = pods.find((each) => each.name === name);
    if (pod) this.hurt.set(name, { pod, restarts: pod.restarts, at: now });
  }

  /** To be called after each action of the sequence and after each second. */
  look(): void {
    const { world } = this;
    this.sizes.push(wantedSize(world));
    if (this.sizes.length > 5) this.sizes.shift();
    const size = Math.min(...this.sizes);
    for (const { name, deleted } of world.pods)
      if (deleted?.cause === 'sequence' && !this.hurt.has(name)) this.harms(name);
    // A crash of one has broken the join of another.
    for (const { name, state } of world.nodes.values())
      if (state === 'stuck' && !this.hurt.has(name)) this.harms(name);
    for (const set of allSets(world)) {
      const serving = this.serving(set);
      // That what is active is never made smaller than wanted is judged when it is written.
      this.reached.set(set.uid, Math.min(Math.max(this.reached.get(set.uid) ?? 0, serving), size, set.size));
    }
    this.reach.look();
    for (const service of world.services) {
      if (service.strippedAt !== undefined) {
        // Once it is handed back, that is as it should be.
        if (world.now - service.strippedAt > MENDED_WITHIN && isManaged(world))
          violate(world, 'pinned', `Service ${service.name} is not pinned again`);
        continue;
      }
      const colours = new Set(
        selectedPods(world, service).map(({ name }) => name.slice(0, name.lastIndexOf('-'))),
      );
      if (colours.size > 1)
        violate(world, 'one colour', `Service ${service.name} selects pods of ${colours.size} colours`);
    }
    this.lookAtActive(size);
    this.lookAtPreview(size);
    this.lookAtDrains();
  }

  private lookAtActive(size: number): void {
    const { world } = this;
    const service = world.services[0];
    if (service?.strippedAt !== undefined) return;
    const active = activeSet(world);
    if (!active) {
      this.servingBefore = 0;
      return;
    }
    const serving = this.serving(active);
    const excused = [...this.hurt.keys()].filter((pod) => isPodOf(active, pod)).length;
    if (active.uid !== this.selected) {
      world.activations += 1;
      world.activeHistory.push(active.name);
      const needed = Math.min(this.servingBefore, size) - excused;
      const isLost = !allSets(world).some(({ uid, going }) => uid === this.selected && !going);
      if (!isLost && serving < needed)
        violate(world, 'switch', `the Service is switched to ${active.name}: ${serving} of ${needed} serve`);
      // What becomes active because somebody deleted the set that was: it is as it is.
      if (isLost) {
        this.reached.set(active.uid, serving);
        excuseDrains(world, active);
      }
      this.selected = active.uid;
    }
    const needed = Math.min(this.reached.get(active.uid) ?? 0, size) - excused;
    if (serving < needed)
      violate(world, 'serving', `${serving} nodes of ${active.name} serve, not ${needed}`);
    this.servingBefore = serving;
    for (const [name, { pod, restarts, at }] of [...this.hurt]) {
      const back = world.pods.find((each) => each.name === name);
      if (back?.ready !== true || back.deleted) continue;
      if (world.nodes.get(name)?.evacuation?.isForeign) continue;
      const isNew = back !== pod || back.restarts > restarts;
      // Or the StatefulSet controller never got round to it.
      if (isNew || world.now - at > 30) this.hurt.delete(name);
    }
  }

  /** Of a set that is not active, it reaches all nodes or none: judged when it is pointed there, for a pod may fail later. */
  private lookAtPreview(size: number): void {
    const { world } = this;
    const revision = world.preview;
    const isNew = revision !== this.previewed;
    this.previewed = revision;
    // What nobody of Sluice's looks after is put back when it is under Sluice again.
    if (isNew || !isManaged(world)) this.previewedAt = world.now;
    if (revision === '' && world.declaration.labelled && world.now - this.previewedAt > MENDED_WITHIN)
      violate(world, 'pinned', 'the preview Service selects every colour, and is not put back');
    const set = world.sets.find((each) => each.revision === revision);
    // Where no Service is pinned, what is there is active.
    const isAlone = world.services.every(({ revision: pinned }) => pinned === undefined);
    if (!isNew || !set || set.uid === this.selected || isAlone) return;
    const excused = [...this.hurt.keys()].filter((pod) => isPodOf(set, pod)).length;
    const serving = this.serving(set);
    if (serving < size - excused)
      violate(world, 'preview', `the preview reaches ${set.name}: ${serving} of ${size} serve`);
  }

  private lookAtDrains(): void {
    const { world } = this;
    const active = this.activeSet();
    let draining = 0;
    for (const pod of world.pods) {
      const evacuation = world.nodes.get(pod.name)?.evacuation;
      const isForUpgrade = (pod.deleted?.cause ?? evacuation?.cause) === 'upgrade';
      if (!isForUpgrade || !holdsAnybody(world, pod.name)) continue;
      if (!isOverdue(world, pod)) draining += 1;
      if (wantedSize(world) > 0 && pod.owner === active?.uid && evacuation?.since === world.activations) {
        violate(world, 'active drains', `${pod.name} drains though its set is active`);
      }
    }
    const most = world.blueGreen.spec.maxConcurrentDrains;
    if (draining > most) violate(world, 'drains at once', `${draining} nodes drain at once, ${most} may`);
  }

  /** While a Service is without its key, what it selected before. */
  private activeSet(): SetObject | undefined {
    const { world } = this;
    if (world.services[0]?.strippedAt === undefined) return activeSet(world);
    return allSets(world).find(({ uid }) => uid === this.selected);
  }

  /** A pod whose drain had taken too long when the pass began, and goes on. */
  private heldBy({ nowMs, sets, declaration, blueGreen }: Observed): Pod | undefined {
    const { world } = this;
    const { retriedAtMs = 0 } = declaration.drainHold ?? {};
    return sets
      .flatMap(({ pods }) => pods)
      .find(({ name, deletedAtMs, evacuationNote }) => {
        const isEvacuating = world.nodes.get(name)?.evacuation !== undefined;
        const noted = isEvacuating ? evacuationNote?.acceptedAtMs : undefined;
        const tookMs = nowMs - Math.max(noted ?? deletedAtMs ?? nowMs, retriedAtMs);
        const isOver = world.pods.some((pod) => pod.name === name && pod.endsAt !== undefined);
        return tookMs > blueGreen.spec.drainTimeoutSeconds * 1000 && !isOver && holdsAnybody(world, name);
      });
  }

  /** Pods of a set that clients can use now. */
  private serving(set: SetObject): number {
    const { world } = this;
    let count = 0;
    for (const pod of world.pods) {
      // Left behind by a set of that name, it serves before the one made again has taken it.
      const isLeft = pod.owner === '' && setPartOf(pod) === set.name && pod.revision === set.revision;
      if ((pod.owner !== set.uid && !isLeft) || !pod.ready || pod.deleted) continue;
      const node = world.nodes.get(pod.name);
      // Without a sidecar a pod is Ready before it joins, and may go on with an evacuation of an earlier life.
      const isReadyEarly = node?.state === 'joining' && !node.evacuation && !pod.hasSidecar;
      if (node && (accepts(node) || isReadyEarly)) count += 1;
    }
    return count;
  }

  /** Of a step that is about to be taken: whether green may join whoever is there. What takes the place of a lost set must. */
  private judgeVersions(step: Decision['step'], seen: Observed): void {
    const { world } = this;
    const isGrowth = step.kind === 'makeSet' || (step.kind === 'resize' && step.to > 0);
    const active = seen.sets.find(({ revision }) => revision === seen.services[0]?.revision);
    if (!isGrowth || seen.blueGreen.spec.allowUnlistedVersions || !active || active.kind === 'lost') return;
    const name = step.kind === 'makeSet' ? step.name : step.set;
    const set = seen.sets.find((each) => each.name === name);
    const green = set?.template ?? seen.declaration.template;
    if (name === active.name || (set && set.kind !== 'lost' && (set.size > 0 || set.pods.length > 0))) return;
    // Without any sidecar, nobody tells what the nodes really have.
    const isSpoken = seen.sets.some(({ pods }) => pods.some(isHeard));
    for (const other of seen.sets) {
      // Its nodes have what they were started with, which a set that was rolled past the webhook has no more.
      const member = other.pods
        .filter((pod) => pod.ready && world.nodes.get(pod.name)?.state === 'joined')
        .flatMap((pod) => podNamed(world, pod.name) ?? [])
        .filter((pod) => isSpoken || pod.template === other.template)
        .find((pod) => !mayJoin(pod.template, green));
      if (other.name !== name && member)
        violate(world, 'versions', `${name} starts beside ${member.name}, whose version it may not join`);
    }
  }

  /** To be called after a step was taken. */
  judgeWritten(seen: Observed): void {
    this.reach.afterWrite(seen);
  }

  /** Of a step that is about to be taken: what it would take down. */
  judge({ step }: Decision, seen: Observed): void {
    const { world } = this;
    this.reach.beforeWrite();
    this.judgeVersions(step, seen);
    if (step.kind !== 'resize' && step.kind !== 'deleteSet' && step.kind !== 'evacuate') return;
    const name = step.kind === 'evacuate' ? world.declaration.name : step.set;
    const set = allSets(world).find((each) => each.name === name);
    if (!set) return;
    const to = step.kind === 'resize' ? step.to : step.kind === 'deleteSet' ? 0 : set.size - 1;
    // What has joined since it was looked at is nobody's fault.
    const seenSet = seen.sets.find((each) => each.name === name);
    // What somebody had made as small or smaller before is given back, or left as it is.
    if (step.kind === 'resize' && seenSet && to >= seenSet.size) return;
    const leaving = (seenSet?.pods ?? []).filter(({ ordinal, terminating }) => ordinal >= to && !terminating);
    const joined = leaving.filter(
      (pod) => (pod.ready || pod.report?.joined) && world.nodes.get(pod.name)?.state === 'joined',
    );
    if (joined.length === 0) return;
    // To ask for an evacuation that runs already takes nobody further.
    const isAskedAgain = step.kind === 'evacuate' && world.nodes.get(step.pod)?.evacuation !== undefined;
    const held = !isAskedAgain && seen.blueGreen.spec.onDrainTimeout === 'Hold' && this.heldBy(seen);
    if (held && joined.some((pod) => holdsAnybody(world, pod.name)))
      violate(
        world,
        'held drain',
        `${set.name} goes down to ${to} though the drain of ${held.name} took too long`,
      );
    const active = this.activeSet();
    const size = Math.min(seen.blueGreen.spec.replicas ?? 0, wantedSize(world));
    if (set === active && to < size)
      violate(world, 'serving', `${set.name} is active and goes down to ${to} of ${size}`);
    const asked = seen.declaration.template;
    const seenActive = active && seen.sets.find((each) => each.name === active.name);
    // One that may not join while these nodes are there can only wait for them to go.
    const mayStart = seen.blueGreen.spec.allowUnlistedVersions || mayJoin(set.template, asked);
    const isNewerWaiting =
      size > 0 && seenActive && seenActive.template !== asked && !seen.declaration.aborted && mayStart;
    if (set !== active && isNewerWaiting && joined.some(({ name }) => holdsAnybody(world, name))) {
      violate(
        world,
        'moved once',
        `${set.name} goes down to ${to} while a newer revision waits for its turn`,
      );
    }
    const green = seen.sets.find((each) => each.template === asked && each.kind === 'revisionSet');
    const isGreenWhole =
      green !== undefined && green.pods.filter((pod) => pod.ready && isHeard(pod)).length >= size;
    const isSwitchNext =
      isGreenWhole &&
      seen.blueGreen.spec.promotion.auto &&
      seen.services.length > 0 &&
      seen.services.every(({ estranged }) => !estranged) &&
      (seenActive?.pods ?? []).every((pod) => isHeard(pod) || seenActive?.kind === 'declaration');
    if (set === active && isNewerWaiting && isSwitchNext)
      violate(
        world,
        'moved once',
        `${set.name} goes down to ${to}, and its clients have to leave it for ${green.name} next`,
      );
    const { handingBack, aborted } = seen.declaration;
    // Of two sets of the template that is asked for, the one that serves is wanted; a hand-back that is taken back makes a second one.
    const isServed = !handingBack && seenActive?.template === asked;
    const kept = seen.sets.filter(
      (each) =>
        each.name === active?.name ||
        (!isServed &&
          each.template === asked &&
          each.kind === (handingBack ? 'declaration' : 'revisionSet') &&
          !aborted),
    );
    const starting = kept
      .flatMap((each) =>
        each.pods.filter(
          ({ ordinal }) => ordinal < Math.min(size, each.size) && (each.name !== name || ordinal < to),
        ),
      )
      .find(({ ready, terminating, failing }) => !ready && !terminating && !failing);
    if (starting)
      violate(world, 'joins', `${set.name} goes down to ${to} while ${starting.name} is starting`);
  }
}

/** The set whose pods the first Service selects. */
export function activeSet(world: World): SetObject | undefined {
  const revision = world.services[0]?.revision;
  const set = world.sets.find((each) => each.revision === revision && !each.going);
  if (set) return set;
  const isOwn =
    revision === undefined ||
    world.pods.some((pod) => pod.owner === world.declaration.uid && pod.revision === revision);
  return isOwn && world.declaration.size > 0 ? world.declaration : undefined;
}

function isHeard({ report }: Pod): boolean {
  return report?.api.kind === 'ok' && report.joined;
}

function holdsAnybody(world: World, node: string): boolean {
  return clientsAt(world, node) + sessionsAt(world, node) > 0;
}

function isPodOf({ name }: SetObject, pod: string): boolean {
  return pod.startsWith(`${name}-`) && /^\d+$/.test(pod.slice(name.length + 1));
}

/** What must hold once the loop has come to rest; the first thing that does not, in words. */
export function restlessness(world: World): string | undefined {
  const size = wantedSize(world);
  const { declaration } = world;
  if (!declaration.labelled) {
    const trace = traceOf(world);
    // What becomes of it then is Kubernetes' own affair.
    if (trace === undefined) return undefined;
    const waits =
      declaration.aborted !== undefined || (size === 0 && world.hasClaims && world.sets.length > 0);
    if (!waits) return `it is not handed back: ${trace}`;
  }
  const populated = allSets(world).filter(
    (set) => set.size > 0 || world.pods.some(({ owner }) => owner === set.uid),
  );
  if (populated.length !== (size > 0 ? 1 : 0))
    return `${populated.length} sets have pods: ${populated.map(({ name }) => name).join(', ')}`;
  const last = populated[0];
  if (
    world.sets.filter((set) => set.size === 0 && (size > 0 || !hasClaims(world, set))).length >
    world.blueGreen.spec.revisionHistoryLimit + (size > 0 ? 0 : 2)
  )
    return 'too many sets are kept';
  const kept = world.sets.find((set) => size > 0 && set.size === 0 && hasClaims(world, set));
  if (kept) return `claims of ${kept.name} are left`;
  const served = [...world.activeHistory, ...(world.blueGreen.status?.history ?? []).map(({ from }) => from)];
  const dead = world.sets.find(
    (set) => last && last !== set && set.createdAt > last.createdAt && !served.includes(set.name),
  );
  if (dead) return `${dead.name} has never served, and is left`;
  const leaving = [...world.ownedClaims].find((pod) => populated.some((set) => isPodOf(set, pod)));
  if (leaving !== undefined) return `the claim of ${leaving} would go with the declaration`;
  if (world.blueGreen.status?.upgrade) return 'the record of the upgrade is still open';
  const { promote, abort, retry } = declaration;
  const selected = world.services[0]?.revision;
  if (size > 0 && world.preview !== undefined && world.preview !== selected)
    return `the preview Service reaches ${world.preview}, not ${selected}`;
  if (declaration.drainHold) return 'a drain is held still';
  if (size > 0 && [promote, abort, retry].some(Boolean))
    return 'a trigger is left, which may hit a later upgrade';
  if (!last) return undefined;
  if (last.size !== size) return `${last.name} has size ${last.size}, ${size} is wanted`;
  if (last.template !== declaration.asked && !declaration.aborted)
    return `${last.name} does not run what is asked for`;
  const pods = world.pods.filter(({ owner }) => owner === last.uid);
  for (const service of world.services) {
    const missing = pods.find(({ name }) => !service.endpoints.includes(name));
    if (missing) return `Service ${service.name} does not reach ${missing.name}`;
    if (service.endpoints.length !== size)
      return `Service ${service.name} reaches ${service.endpoints.join(', ')}`;
  }
  const wish = world.blueGreen.spec.noRecipientSeconds;
  const untold = pods.find((pod) => pod.hasSidecar && pod.settings.noRecipientSeconds !== wish);
  if (untold) return `the sidecar of ${untold.name} was not told how to drain`;
  const traced = pods.find((pod) => pod.settings.traceparent);
  if (traced) return `the sidecar of ${traced.name} thinks that its node is left`;
  const closed = [...world.nodes.values()].find(({ evacuation }) => evacuation);
  const helps = world.pods.some(({ hasSidecar }) => hasSidecar);
  if (closed && helps) return `${closed.name} still evacuates`;
  const lost = world.clients.find(({ at }) => at === undefined);
  if (lost && (!closed || helps)) return `client ${lost.id} is not connected`;
  // Before the first upgrade of an adopted set there is no sidecar that could be asked.
  const stopped =
    helps &&
    [...world.members].find(
      (name) => world.nodes.get(name)?.state !== 'joined' && !(world.hasClaims && isPodOf(last, name)),
    );
  if (typeof stopped === 'string') return `the EMQX cluster still knows ${stopped}, which has stopped`;
  return undefined;
}

/** They go only when another set serves, and their set after them. */
function hasClaims({ claims }: World, { name }: SetObject): boolean {
  return [...claims.keys()].some((pod) => pod.startsWith(`${name}-`));
}

/** Something of Sluice that is left after a hand-back, in words. */
function traceOf({ declaration, sets, services, pods, blueGreen }: World): string | undefined {
  if (declaration.managed) return 'the declaration is managed';
  if (declaration.frozen) return 'its update strategy is held';
  if (sets.length > 0) return `there are ${sets.length} revision sets`;
  const service = services.find(({ managed, revision }) => managed || revision !== undefined);
  if (service) return `Service ${service.name} is pinned`;
  const pod = pods.find(({ revision, deleted }) => revision !== undefined && !deleted);
  if (pod) return `${pod.name} is labelled`;
  if (blueGreen.exists && (!blueGreen.isUsers || blueGreen.carried !== undefined))
    return 'there is a BlueGreen of it';
  return undefined;
}

/** What was on its way out goes on, though it is active now. */
function excuseDrains(world: World, active: SetObject): void {
  active.cause = 'sequence';
  for (const pod of world.pods) {
    if (pod.owner !== active.uid) continue;
    if (pod.deleted) pod.deleted.cause = 'sequence';
    const evacuation = world.nodes.get(pod.name)?.evacuation;
    if (evacuation) evacuation.cause = 'sequence';
  }
}
