import {
  allSets,
  note,
  ownerOf,
  setPartOf,
  uid,
  type Cause,
  type PodObject,
  type ServiceObject,
  type SetObject,
  type World,
} from './world.js';

/** The StatefulSet controller, the garbage collector and the endpoints controller, each of which acts when it gets round to it. */
export function runControllers(world: World): void {
  const { random } = world;
  followRevision(world);
  for (const set of allSets(world)) if (!set.going && random.chance(0.6)) sync(world, set);
  for (const pod of world.pods) {
    const owner = ownerOf(world, pod);
    if (!pod.deleted && pod.owner !== '' && (!owner || owner.going) && random.chance(0.6))
      deletePod(world, pod, orphanCause(world, pod));
  }
  world.sets = world.sets.filter((set) => !set.going || world.pods.some(({ owner }) => owner === set.uid));
  for (const service of world.services) {
    service.before = [...service.before, service.endpoints].slice(-PROXY_SECONDS);
    if (!random.chance(world.endpointsPace)) continue;
    service.endpoints = world.pods
      .filter(
        (pod) =>
          pod.ready && !pod.deleted && (service.revision === undefined || pod.revision === service.revision),
      )
      .map(({ name }) => name);
  }
}

/** How far proxies are behind a Service's endpoints. */
const PROXY_SECONDS = 1;

/** The endpoints that clients reach. */
export function proxied({ before, endpoints }: ServiceObject): string[] {
  return before[0] ?? endpoints;
}

/** Why the pods of sets that are gone go: noted when the set was deleted. */
export const deletedSets = new WeakMap<World, Map<string, Cause>>();

function orphanCause(world: World, pod: PodObject): Cause {
  return deletedSets.get(world)?.get(pod.owner) ?? 'sequence';
}

export function deleteSet(world: World, set: SetObject, cause: Cause, how?: 'foreground'): void {
  if (how) {
    set.going = true;
    set.version += 1;
  } else {
    world.sets = world.sets.filter((other) => other !== set);
  }
  noteCause(world, set, cause);
}

function noteCause(world: World, { uid }: SetObject, cause: Cause): void {
  const causes = deletedSets.get(world) ?? new Map<string, Cause>();
  causes.set(uid, cause);
  deletedSets.set(world, causes);
}

/** The declaration is deleted, with all that it owns, and is another object under the same name then. */
export function replaceDeclaration(world: World): void {
  const { declaration } = world;
  for (const set of world.sets) deleteSet(world, set, 'sequence');
  noteCause(world, declaration, 'sequence');
  for (const pod of world.ownedClaims) world.claims.delete(pod);
  world.ownedClaims.clear();
  declaration.uid = uid(world, 'declaration');
  declaration.createdAt = world.now;
}

/** At 0 replicas, and where the partition does not freeze it, the current revision follows the template as edited. */
function followRevision(world: World): void {
  const { declaration } = world;
  if (declaration.template === declaration.asked) return;
  const pods = world.pods.filter(({ owner }) => owner === declaration.uid);
  if (declaration.size === 0 && pods.length === 0) {
    declaration.template = declaration.asked;
    return;
  }
  if (declaration.frozen) return;
  // A rolling update, because an edit has lowered the partition: highest ordinal first.
  if (pods.some(({ ready, deleted }) => !ready || deleted)) return;
  const next = pods.findLast(({ template }) => template !== declaration.asked);
  if (next) deletePod(world, next, 'sequence', { comesBackAs: declaration.asked });
  else declaration.template = declaration.asked;
}

/** Templates that single pods come back with in a rolling update. */
const rolled = new WeakMap<World, Map<string, PodObject['template']>>();

function sync(world: World, set: SetObject): void {
  adopt(world, set);
  const pods = world.pods.filter(({ owner }) => owner === set.uid);
  const surplus = pods.filter(({ ordinal, deleted }) => ordinal >= set.size && !deleted);
  const missing: number[] = [];
  for (let ordinal = 0; ordinal < set.size; ordinal += 1) {
    if (!world.pods.some(({ name }) => name === `${set.name}-${ordinal}`)) missing.push(ordinal);
  }
  if (set.policy === 'Parallel') {
    for (const pod of surplus) deletePod(world, pod, set.cause, { since: set.decidedIn });
    for (const ordinal of missing) createPod(world, set, ordinal);
    return;
  }
  const unsettled = pods.find(({ ready, deleted, ordinal }) => ordinal < set.size && (!ready || deleted));
  if (missing[0] !== undefined) {
    if (!pods.some(({ ordinal, ready }) => ordinal < missing[0]! && !ready))
      createPod(world, set, missing[0]);
  } else if (!unsettled && pods.every(({ deleted }) => !deleted)) {
    const last = surplus.at(-1);
    if (last) deletePod(world, last, set.cause, { since: set.decidedIn });
  }
}

/** A pod of its name with all the labels that it selects by, and which nobody controls, is its own. */
function adopt(world: World, set: SetObject): void {
  for (const pod of world.pods) {
    const isOwn = pod.owner === '' && setPartOf(pod) === set.name && pod.revision === set.revision;
    if (!isOwn) continue;
    pod.owner = set.uid;
    note(world, `pod ${pod.name} is ${set.name}'s again`);
  }
}

function createPod(world: World, set: SetObject, ordinal: number): void {
  const { random, now } = world;
  const { spec } = world.blueGreen;
  const name = `${set.name}-${ordinal}`;
  const isOwn = set === world.declaration;
  const disk = (world.hasClaims && world.claims.get(name)) || { isMember: false };
  if (world.hasClaims) world.claims.set(name, disk);
  const rolledTemplate = rolled.get(world)?.get(name);
  rolled.get(world)?.delete(name);
  world.pods.push({
    uid: uid(world, 'pod'),
    name,
    ordinal,
    owner: set.uid,
    ...(set.revision !== undefined && { revision: set.revision }),
    hasSidecar: !isOwn,
    template: rolledTemplate ?? set.template,
    createdAt: now,
    startsAt: now + random.int(0, random.chance(0.1) ? 10 : 2),
    started: false,
    ready: false,
    unreadyAt: now,
    restarts: 0,
    gate: { kind: 'idle' },
    grace: isOwn ? 30 : spec.drainTimeoutSeconds + spec.noRecipientSeconds + 60,
    // What the sidecar is started with; the controller tells it more later.
    settings: {
      connEvictRate: 1,
      sessEvictRate: 1,
      waitTakeover: 3,
      waitHealthCheck: 0,
      noRecipientSeconds: 6,
      withoutEvacuation: 'Refuse',
      recipients: [],
      staySeconds: 0,
      ...(world.sendsSpans && ordinal < 2 && { traceparent: '' }),
    },
    disk,
  });
  world.pods.sort((a, b) => (a.name < b.name ? -1 : 1));
  note(world, `pod ${name} is made`);
}

/** Deletes a pod: its preStop gate begins. The first cause counts. */
export function deletePod(
  world: World,
  pod: PodObject,
  cause: Cause,
  { since = world.activations, comesBackAs }: { since?: number; comesBackAs?: PodObject['template'] } = {},
): void {
  if (pod.deleted) return;
  pod.deleted = { at: world.now, cause, since };
  pod.ready = false;
  if (comesBackAs) {
    const templates = rolled.get(world) ?? new Map<string, PodObject['template']>();
    templates.set(pod.name, comesBackAs);
    rolled.set(world, templates);
  }
  note(world, `pod ${pod.name} is deleted (${cause})`);
}
