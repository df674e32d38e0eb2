import type { JsonObject } from '../../lib/json.js';
import { revisionOf } from '../../lib/revision.js';
import { beginEvacuation, stopEvacuation } from './emqx.js';
import type { Watcher } from './invariants.js';
import { crash, kill } from './kubelet.js';
import { deletePod, deleteSet, replaceDeclaration } from './stateful-sets.js';
import { allSets, isManaged, note, wantedSize, type PodObject, type SetObject, type World } from './world.js';

/** Templates to go forward and back among. Of `half`, only the first pod ever becomes ready; of `broken`, none. */
const GOOD: readonly [JsonObject, ...JsonObject[]] = [
  tagged('emqx:1', '5.3.2'),
  tagged('emqx:2', '5.9.1'),
  tagged('emqx:3', '5.10.1'),
  tagged('emqx:4', '5.10.2'),
];
const BAD: readonly [JsonObject, ...JsonObject[]] = [tagged('broken:5', 'none'), tagged('half:6', 'none')];

export const FIRST = GOOD[0];
export const SECOND: JsonObject = GOOD[1] ?? FIRST;

/** A template whose image has this version in its tag. */
function tagged(image: string, version: string): JsonObject {
  return { image, spec: { containers: [{ name: 'emqx', image: `emqx:${version}` }] } };
}

type Action = (world: World, watcher: Watcher) => void;

const ACTIONS: readonly { weight: number; act: Action }[] = [
  { weight: 10, act: (world, watcher) => edit(world, world.random.pick(GOOD), watcher) },
  { weight: 3, act: threeInARow },
  { weight: 2, act: (world, watcher) => edit(world, world.random.pick(BAD), watcher) },
  { weight: 3, act: (world, watcher) => scaleManifest(world, world.random.int(1, 4), watcher) },
  { weight: 3, act: (world, watcher) => scaleSubresource(world, world.random.int(1, 4), watcher) },
  { weight: 1, act: (world, watcher) => scaleSubresource(world, 0, watcher) },
  { weight: 3, act: (world) => scaleBlueGreen(world, world.random.int(1, 4)) },
  { weight: 4, act: deleteSome },
  { weight: 3, act: crashOne },
  { weight: 1, act: killOne },
  { weight: 1, act: closeOne },
  { weight: 1, act: openClosed },
  { weight: 2, act: (world) => (world.webhook = !world.webhook) },
  { weight: 2, act: strip },
  {
    weight: 1,
    act: (world) =>
      changeSpec(world, (spec) => {
        spec.paused = !spec.paused;
        spec.noRecipientSeconds += 1;
      }),
  },
  {
    weight: 1,
    act: (world) =>
      changeSpec(world, (spec) => (spec.promotion = { ...spec.promotion, auto: !spec.promotion.auto })),
  },
  {
    weight: 1,
    act: (world) =>
      changeSpec(
        world,
        (spec) => (spec.onDrainTimeout = spec.onDrainTimeout === 'Hold' ? 'Proceed' : 'Hold'),
      ),
  },
  {
    weight: 1,
    act: (world) =>
      changeSpec(world, (spec) => (spec.emqx = { ...spec.emqx, apiPort: spec.emqx.apiPort + 1 })),
  },
  { weight: 2, act: (world) => annotate(world, 'promote') },
  { weight: 2, act: (world) => annotate(world, 'abort') },
  { weight: 2, act: (world) => annotate(world, 'retry') },
  { weight: 1, act: resizeSomeSet },
  { weight: 1, act: deleteSomeSet },
  { weight: 1, act: recreate },
  { weight: 1, act: orphanSomePods },
  { weight: 1, act: releaseSomePod },
  { weight: 4, act: relabel },
];
const TOTAL = ACTIONS.reduce((sum, { weight }) => sum + weight, 0);

/** Does one thing that people, tools or machines do. */
export function act(world: World, watcher: Watcher): void {
  let at = world.random.next() * TOTAL;
  for (const { weight, act } of ACTIONS) {
    at -= weight;
    if (at > 0) continue;
    act(world, watcher);
    return;
  }
}

/** The last things done before the loop is left to come to rest: nothing is held up, and what is asked for can run. */
export function calm(world: World, watcher: Watcher): void {
  const { declaration, blueGreen, random } = world;
  // What it sent the loop back to could not be judged here.
  declaration.version += 1;
  declaration.abort = '';
  openClosed(world);
  changeSpec(world, (spec) => (spec.paused = false));
  // Somebody has read why an edit goes no further, or a drain is held; also where the BlueGreen is still to be made.
  blueGreen.spec = {
    ...blueGreen.spec,
    allowUnlistedVersions: true,
    onDrainTimeout: 'Proceed',
    paused: false,
    promotion: { ...blueGreen.spec.promotion, auto: true },
  };
  if (declaration.size !== declaration.heldReplicas || random.chance(0.5)) {
    // A machine is added, or the size goes back to what finds room.
    world.room = 9;
  } else if (Math.max(wantedSize(world), declaration.wish ?? 0) > world.room) {
    declaration.version += 1;
    declaration.wish = world.room;
    scaleBlueGreen(world, world.room);
  }
  const isBad = (template: JsonObject): boolean => BAD.includes(template);
  const serves = world.sets.some(
    ({ template, revision, going }) =>
      !going && !isBad(template) && world.services.every((service) => service.revision === revision),
  );
  // With nothing good to fall back to, or sent back to what cannot run, somebody edits again.
  const isLost =
    isBad(declaration.asked) && (!serves || blueGreen.status?.active === blueGreen.status?.wanted);
  const isSentBack =
    (declaration.aborted ?? (declaration.abort || undefined)) !== undefined &&
    allSets(world).some(({ template, size }) => isBad(template) && size > 0);
  if (isLost || isSentBack || (isBad(declaration.asked) && random.chance(0.5))) {
    edit(world, random.pick(GOOD.filter((template) => template !== declaration.asked)) ?? FIRST, watcher);
  }
}

export function edit(world: World, template: JsonObject, watcher: Watcher): void {
  const { declaration, random } = world;
  // A roll to what never starts would be for its author to mend.
  if (BAD.includes(template) && !isManaged(world)) return;
  note(world, `user: template becomes ${JSON.stringify(template)}`);
  declaration.version += 1;
  declaration.asked = template;
  declaration.history.push(template);
  if (isHeld(world)) return;
  // A roll to what never starts would be for its author to mend.
  if (!BAD.includes(template) && random.chance(0.3)) {
    note(world, 'user: the partition is lowered');
    declaration.frozen = false;
  }
  if (random.chance(0.3)) setReplicas(world, declaration.wish ?? 3, watcher);
}

function threeInARow(world: World, watcher: Watcher): void {
  for (let i = 0; i < 3; i += 1) edit(world, world.random.pick(GOOD), watcher);
}

/** The size in a manifest: with the webhook, a wish; without, `spec.replicas` itself. */
function scaleManifest(world: World, size: number, watcher: Watcher): void {
  note(world, `user: the manifest says ${size} replicas`);
  if (!isHeld(world)) return setReplicas(world, size, watcher);
  world.declaration.version += 1;
  world.declaration.wish = size;
}

/** `kubectl scale`: the webhook sends it on to the BlueGreen, if there is one. */
function scaleSubresource(world: World, size: number, watcher: Watcher): void {
  if (world.webhook && world.blueGreen.exists && world.blueGreen.carried !== undefined)
    scaleBlueGreen(world, size);
  else setReplicas(world, size, watcher);
}

/** Whether the webhook sees an edit of the declaration and holds what Sluice needs. */
function isHeld({ webhook, declaration }: World): boolean {
  return webhook && (declaration.labelled || declaration.managed);
}

function setReplicas(world: World, size: number, watcher: Watcher): void {
  const { declaration } = world;
  for (let ordinal = size; ordinal < declaration.size; ordinal += 1)
    watcher.harms(`${declaration.name}-${ordinal}`);
  note(world, `user: spec.replicas of the declaration becomes ${size}`);
  declaration.version += 1;
  declaration.size = size;
  declaration.cause = 'sequence';
}

function scaleBlueGreen(world: World, size: number): void {
  note(world, `user: spec.replicas of the BlueGreen becomes ${size}`);
  changeSpec(world, (spec) => (spec.replicas = size));
}

export function changeSpec(world: World, change: (spec: World['blueGreen']['spec']) => void): void {
  if (!world.blueGreen.exists) return;
  world.blueGreen.version += 1;
  world.blueGreen.spec = { ...world.blueGreen.spec };
  change(world.blueGreen.spec);
  note(world, `user: paused ${world.blueGreen.spec.paused}, auto ${world.blueGreen.spec.promotion.auto}`);
}

function deleteSome(world: World, watcher: Watcher): void {
  for (let count = world.random.chance(0.3) ? 2 : 1; count > 0; count -= 1) {
    const pod = somePod(world);
    if (!pod) return;
    watcher.harms(pod.name);
    deletePod(world, pod, 'sequence');
  }
}

function crashOne(world: World, watcher: Watcher): void {
  const pod = somePod(world);
  if (!pod) return;
  watcher.harms(pod.name);
  crash(world, pod);
}

function killOne(world: World, watcher: Watcher): void {
  const pod = somePod(world);
  if (!pod) return;
  watcher.harms(pod.name);
  note(world, `user: ${pod.name} is killed`);
  kill(world, pod);
}

/** `emqx ctl rebalance start --evacuation` on some node, at the rates that Sluice has too. */
function closeOne(world: World, watcher: Watcher): void {
  const pod = world.random.pick(
    world.pods.filter(({ name, deleted }) => !deleted && world.nodes.get(name)?.state === 'joined'),
  );
  if (!pod || world.nodes.get(pod.name)?.evacuation) return;
  const { connEvictRate, sessEvictRate, waitTakeover } =
    world.blueGreen.spec.updateStrategy.evacuationStrategy;
  watcher.harms(pod.name);
  beginEvacuation(
    world,
    pod.name,
    {
      connRate: connEvictRate,
      sessRate: sessEvictRate,
      takeover: waitTakeover,
      health: 0,
      migrateTo: [],
      isForeign: true,
    },
    'sequence',
  );
}

/** Whoever closed nodes opens them again, those included that have not come back from their claims yet. */
function openClosed(world: World): void {
  for (const { name, evacuation } of world.nodes.values()) {
    const isStopping = world.pods.some((pod) => pod.name === name && pod.endsAt !== undefined);
    if (evacuation?.isForeign && !isStopping) stopEvacuation(world, name);
  }
  for (const disk of [...world.pods.map((pod) => pod.disk), ...world.claims.values()])
    if (disk.evacuating?.isForeign) delete disk.evacuating;
}

function somePod(world: World): PodObject | undefined {
  return world.random.pick(world.pods);
}

/**
 * A Service is re-applied without its revision key, which the webhook puts back at once; or it is made anew from an old file, with the key
 * of a set that has come down since.
 */
function strip(world: World): void {
  const service = world.random.pick(world.services);
  if (!service?.managed) return;
  const old = world.random.pick(
    world.sets.filter(
      ({ size, going, uid }) => size === 0 && !going && world.pods.every(({ owner }) => owner !== uid),
    ),
  );
  const isNew = old !== undefined && world.random.chance(0.5);
  if (!isNew && world.webhook) return;
  note(world, `user: Service ${service.name} ${isNew ? `selects ${old.name}` : 'loses its revision key'}`);
  service.version += 1;
  if (isNew && old.revision !== undefined) service.revision = old.revision;
  else delete service.revision;
  service.managed = false;
  // Out of the list and without any sign of Sluice, it is its user's.
  const isLeft = service.unlisted !== undefined || service.estranged !== undefined;
  service.strippedAt = isLeft ? Number.POSITIVE_INFINITY : world.now;
}

function annotate(world: World, trigger: 'promote' | 'abort' | 'retry'): void {
  const { declaration, random } = world;
  declaration.version += 1;
  // Now and then of another revision than the one meant, or of none.
  declaration[trigger] = random.chance(0.15)
    ? (random.pick(world.sets)?.revision ?? 'true')
    : revisionOf(declaration.name, declaration.asked);
  note(world, `user: ${trigger} ${declaration[trigger]}`);
}

/** The label goes, in an edit of the template or by itself; or it comes back. */
function relabel(world: World, watcher: Watcher): void {
  const { declaration, random } = world;
  if (declaration.labelled) {
    note(world, 'user: the label is removed');
    declaration.version += 1;
    declaration.labelled = false;
    if (random.chance(0.2)) edit(world, random.pick(GOOD), watcher);
    return;
  }
  note(world, 'user: the label is put back');
  declaration.version += 1;
  declaration.labelled = true;
  if (!world.webhook || declaration.managed) return;
  declaration.managed = true;
  declaration.frozen = true;
  declaration.wish = declaration.size;
  declaration.heldReplicas = declaration.size;
}

/** Somebody scales a revision set, which nobody can be kept from. */
function resizeSomeSet(world: World, watcher: Watcher): void {
  const set = someSet(world);
  if (!set) return;
  resizeSet(world, { watcher, set, size: world.random.int(0, 4) });
}

/** Of a set that has just been looked at, by hand. */
export function resizeSet(
  world: World,
  { watcher, set, size }: { watcher: Watcher; set: SetObject; size: number },
): void {
  note(world, `user: ${set.name} is scaled to ${size}`);
  set.version += 1;
  set.cause = 'sequence';
  for (let ordinal = size; ordinal < set.size; ordinal += 1) watcher.harms(`${set.name}-${ordinal}`);
  set.size = size;
}

function someSet({ random, sets }: World): SetObject | undefined {
  return random.pick(sets.filter(({ going }) => !going));
}

function deleteSomeSet(world: World, watcher: Watcher): void {
  const set = someSet(world);
  if (!set) return;
  const how = world.random.chance(0.5) ? 'foreground' : undefined;
  note(world, `user: ${set.name} is deleted${how ? ` in the ${how}` : ''}`);
  for (let ordinal = 0; ordinal < set.size; ordinal += 1) watcher.harms(`${set.name}-${ordinal}`);
  deleteSet(world, set, 'sequence', how);
}

/** The declaration is deleted, and applied again from its file. */
function recreate(world: World, watcher: Watcher): void {
  const { declaration, blueGreen } = world;
  if (!declaration.labelled || !declaration.managed || !world.webhook) return;
  note(world, 'user: the declaration is deleted and made again');
  for (const { name } of world.pods) watcher.harms(name);
  const wish = declaration.wish ?? 3;
  replaceDeclaration(world);
  declaration.version += 1;
  declaration.template = declaration.asked;
  declaration.history = [declaration.asked];
  declaration.size = 0;
  declaration.heldReplicas = 0;
  declaration.frozen = true;
  declaration.wish = wish;
  delete declaration.aborted;
  delete declaration.drainHold;
  Object.assign(declaration, { promote: '', abort: '', retry: '' });
  if (blueGreen.isUsers) return;
  blueGreen.version += 1;
  blueGreen.exists = false;
  delete blueGreen.carried;
  delete blueGreen.status;
  // Another one is made with its defaults.
  blueGreen.spec = { ...blueGreen.spec, paused: false };
  delete blueGreen.spec.replicas;
}

/** `kubectl delete statefulset --cascade=orphan`: its pods run on, and nobody controls them. */
function orphanSomePods(world: World): void {
  const set = someSet(world);
  if (!set) return;
  note(world, `user: ${set.name} is deleted, its pods are left behind`);
  for (const pod of world.pods) if (pod.owner === set.uid) pod.owner = '';
  deleteSet(world, set, 'sequence');
}

/** Somebody takes a label away that its set selects by: the set lets the pod go, and can make no other of its name. */
function releaseSomePod(world: World, watcher: Watcher): void {
  const pod = world.random.pick(world.pods.filter(({ hasSidecar, deleted }) => hasSidecar && !deleted));
  if (!pod) return;
  note(world, `user: pod ${pod.name} loses its labels`);
  watcher.harms(pod.name);
  pod.owner = '';
  delete pod.revision;
}
