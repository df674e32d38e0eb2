/**
 * The one place where the simulated cluster and the controller's model meet: objects → Observed, Step → writes. What the world is, and what
 * a write makes of it, is told here from the contracts, never by the controller's own functions: a fault in them would be mirrored.
 */
import type {
  ClientService,
  Declaration,
  Decision,
  NodeSet,
  Observed,
  Pod,
  Step,
} from '../../controller/model.js';
// Its own record of an upgrade is the controller's to write after each pass, as its step is: a part of calling the plan.
import { upgradeRecords } from '../../controller/status/upgrade.js';
import { otherRevisionOf, ownRevisionOf, revisionOf, setNameOf } from '../../lib/revision.js';
import type { DrainSettings } from '../../lib/control.js';
import { beginEvacuation, forceLeave, stopEvacuation } from './emqx.js';
import { podOf } from './kubelet.js';
import { whyRecordsBreak } from './record.js';
import { deleteSet } from './stateful-sets.js';
import {
  allSets,
  FAILING_SECONDS,
  isOverdue,
  note,
  ownerOf,
  podNamed,
  setPartOf,
  uid,
  violate,
  type PodObject,
  type ServiceObject,
  type SetObject,
  type World,
} from './world.js';

/** The simulation knows the controller's types through here alone. */
export type { ClientService, Decision, NodeSet, Observed, Pod, Step };

export function observe(world: World): Observed {
  const { declaration, blueGreen, now } = world;
  const ownPods = world.pods.some(({ owner }) => owner === declaration.uid);
  const sets = [
    ...(declaration.size > 0 || ownPods || wasActive(world) || !declaration.labelled
      ? [ownSetOf(world)]
      : []),
    ...world.sets.map((set) => nodeSetOf(world, set, set.revision ?? '')),
    ...deletedSets(world),
  ];
  sets.sort((a, b) => a.createdAtMs - b.createdAtMs);
  return {
    nowMs: now * 1000,
    declaration: {
      name: declaration.name,
      namespace: 'mq',
      uid: declaration.uid,
      resourceVersion: String(declaration.version),
      template: declaration.asked,
      replicas: declaration.size,
      heldReplicas: declaration.heldReplicas,
      hasClaims: world.hasClaims,
      ...(declaration.wish !== undefined && { wish: declaration.wish }),
      frozen: declaration.frozen,
      managed: declaration.managed,
      handingBack: !declaration.labelled,
      startsAsWritten: declaration.template === declaration.asked,
      deleting: false,
      requestedBy: 'alice',
      traceparent: '',
      ...(declaration.aborted && { aborted: declaration.aborted }),
      promote: declaration.promote,
      abort: declaration.abort,
      retry: declaration.retry,
      ...(declaration.drainHold && { drainHold: declaration.drainHold }),
    } satisfies Declaration,
    blueGreen: {
      exists: blueGreen.exists,
      isOurs: !blueGreen.isUsers,
      isNoted: blueGreen.carried !== undefined,
      resourceVersion: String(blueGreen.version),
      generation: 1,
      spec: { ...blueGreen.spec },
      ...(blueGreen.carried !== undefined && { carried: blueGreen.carried }),
      ...(blueGreen.status && { status: { ...blueGreen.status } }),
    },
    sets,
    ...(world.preview !== undefined && {
      preview: {
        kind: 'found',
        name: 'emqx-preview',
        resourceVersion: '1',
        ...(world.preview !== '' && { revision: world.preview }),
        managed: true,
      },
    }),
    services: world.services
      .filter((service) => isClients(world, service, isMixed(world)))
      .map((service) => ({
        name: service.name,
        resourceVersion: String(service.version),
        ...(service.revision !== undefined && { revision: service.revision }),
        managed: service.managed,
        ...(isEstranged(world, service) && { estranged: true as const }),
        readyPods: service.endpoints,
      })),
    claims: [...world.claims.keys()].flatMap((pod, index) => {
      const set = pod.slice(0, pod.lastIndexOf('-'));
      const revision = set.slice(set.lastIndexOf('-') + 1);
      return set === declaration.name
        ? []
        : [
            {
              name: `data-${pod}`,
              uid: pod,
              revision,
              owned: world.ownedClaims.has(pod),
              createdAtMs: index,
            },
          ];
    }),
    ownClaims: [...world.claims.keys()].flatMap((pod) =>
      pod.slice(0, pod.lastIndexOf('-')) === declaration.name ? [`data-${pod}`] : [],
    ),
    marked: world.services
      .filter(({ managed, revision }) => managed || revision !== undefined)
      .map(({ name }) => name),
    former: world.services
      .filter(({ unlisted, estranged }) => unlisted !== undefined || estranged !== undefined)
      .filter((service) => !isMixed(world) && service.managed && !isEstranged(world, service))
      .map(({ name }) => name),
    lagging: [],
    leftAlone: [],
    autoscalers: [],
  };
}

/** Pods of more than one set are there, or asked for. */
function isMixed(world: World): boolean {
  const asked = allSets(world).filter(({ size, going }) => size > 0 && !going);
  return new Set([...asked.map(({ name }) => name), ...world.pods.map(setPartOf)]).size > 1;
}

/** By its labels and the list, or because another selector would come too early. */
function isClients(world: World, service: ServiceObject, isAmidst: boolean): boolean {
  if (service.estranged !== undefined) return isEstranged(world, service);
  return service.unlisted === undefined || (isAmidst && service.managed);
}

/** It selects pods that are there, and none of what is asked for. */
function isEstranged(world: World, { estranged, unlisted, managed }: ServiceObject): boolean {
  const isClients = estranged !== undefined && unlisted === undefined && managed;
  return isClients && world.pods.some(({ template }) => template !== world.declaration.asked);
}

/** The declaration's own pods: an adopted set, or strays beside revision sets, which have no revision. */
function ownSetOf(world: World): NodeSet {
  const { declaration } = world;
  const label = world.pods.find(({ owner, revision }) => owner === declaration.uid && revision !== undefined);
  const own = nodeSetOf(world, declaration, label?.revision ?? ownRevision(world));
  const isPinned =
    own.pods.some(({ revision }) => revision !== undefined) ||
    world.services.some(({ revision }) => revision === own.revision);
  if (!declaration.labelled && own.size === 0 && own.pods.length === 0) {
    const template = declaration.asked;
    return { ...own, template, revision: ownRevisionOf(declaration.name, template) };
  }
  return world.sets.length === 0 || isPinned || wasActive(world) || !declaration.labelled
    ? own
    : { ...own, revision: '', template: {} };
}

/** From the moment of a switch the nodes serve: were the declaration deleted then, what is owned would go with it. */
function checkClaims(world: World, revision: string): void {
  const owned = [...world.ownedClaims].find((pod) =>
    pod.slice(0, pod.lastIndexOf('-')).endsWith(`-${revision}`),
  );
  if (owned !== undefined)
    violate(world, 'claims', `${owned} is to serve, and its claim would go with the declaration`);
}

/** An adopted set at 0 starts again itself: its data is on its claims. */
function wasActive({ blueGreen, declaration }: World): boolean {
  return blueGreen.status?.active === declaration.name;
}

function ownRevision({ declaration }: World): string {
  return ownRevisionOf(declaration.name, declaration.template);
}

function nodeSetOf(world: World, set: SetObject, revision: string): NodeSet {
  const { declaration } = world;
  return {
    name: set.name,
    kind: set === declaration ? 'declaration' : set.going ? 'lost' : 'revisionSet',
    ...(set.going && { holdsName: true }),
    revision,
    size: set.going ? 0 : set.size,
    resourceVersion: String(set.version),
    createdAtMs: set.createdAt * 1000,
    template: set.going && !world.hasClaims ? {} : set.template,
    ...(set.apiPort !== undefined &&
      set.apiPort !== world.blueGreen.spec.emqx.apiPort && { outdated: ['spec.emqx.apiPort'] }),
    pods: world.pods
      .filter((pod) => pod.owner === set.uid || (set !== declaration && isLoose(world, pod, set)))
      .map((pod) => podOfSet(world, pod, set))
      .sort((a, b) => a.ordinal - b.ordinal),
  };
}

/** Of the set by its name, though it was let go, or belonged to a set of that name that is gone. */
function isLoose(world: World, pod: PodObject, { name }: SetObject): boolean {
  return setPartOf(pod) === name && !ownerOf(world, pod);
}

/** Revision sets that are gone while pods of them are left. */
function deletedSets(world: World): NodeSet[] {
  const names = new Set(world.pods.filter((pod) => !ownerOf(world, pod)).map(setPartOf));
  const template = (name: string): NodeSet['template'] | undefined =>
    world.hasClaims
      ? world.declaration.history.find(
          (each) => setNameOf(world.declaration.name, revisionOf(world.declaration.name, each)) === name,
        )
      : undefined;
  for (const { revision } of world.services) {
    const name = setNameOf(world.declaration.name, revision ?? '');
    const isAnother = ![undefined, world.declaration.asked].includes(template(name));
    if (isAnother && [...world.claims.keys()].some((pod) => pod.startsWith(`${name}-`))) names.add(name);
  }
  for (const { name } of allSets(world)) names.delete(name);
  return [...names].map((name) => {
    const pods = world.pods.filter((pod) => setPartOf(pod) === name);
    return {
      name,
      kind: pods.some(({ owner, deleted }) => owner === '' && !deleted) ? 'orphaned' : 'lost',
      revision: name.slice(name.lastIndexOf('-') + 1),
      size: 0,
      resourceVersion: '',
      createdAtMs: pods.length === 0 ? 0 : Math.min(...pods.map(({ createdAt }) => createdAt)) * 1000,
      template: template(name) ?? {},
      pods: pods.map((pod) => podOfSet(world, pod)).sort((a, b) => a.ordinal - b.ordinal),
    };
  });
}

/** @param set the one that there is under that name; none where it was deleted */
function podOfSet(world: World, pod: PodObject, set?: SetObject): Pod {
  const revision = set?.revision;
  const isReleased = pod.owner === '' && !pod.deleted && revision !== undefined && pod.revision !== revision;
  // Of an earlier set of that name: the garbage collector gets round to it.
  const isLeftOver = set !== undefined && pod.owner !== '' && pod.owner !== set.uid;
  const isEnding = pod.deleted !== undefined || isLeftOver;
  const isReady = pod.ready && !isEnding;
  const heard = pod.report && !world.random.chance(0.03) ? pod.report : undefined;
  return {
    name: pod.name,
    ordinal: pod.ordinal,
    uid: pod.uid,
    ...(pod.revision !== undefined && { revision: pod.revision }),
    ready: isReady,
    terminating: isEnding,
    ...(pod.deleted && { deletedAtMs: pod.deleted.at * 1000 }),
    ...(pod.evacuationNote && { evacuationNote: noteOf(pod.evacuationNote) }),
    ...(pod.handedBack && { handedBack: true }),
    ...(pod.emptySince !== undefined && { emptySinceMs: pod.emptySince * 1000 }),
    problem: isReady ? '' : 'is not ready',
    ...(!isReady && { unreadySinceMs: pod.unreadyAt * 1000 }),
    failing: !isReady && !isEnding && world.now - pod.unreadyAt > FAILING_SECONDS,
    restarts: pod.restarts,
    ...(heard && { report: heard }),
    ...(isReleased && { lostLabels: { 'sluice.dev/revision': revision } }),
  };
}

function noteOf({ acceptedAt }: PodObject['evacuationNote'] & object): Pod['evacuationNote'] & object {
  return acceptedAt === undefined ? {} : { acceptedAtMs: acceptedAt * 1000 };
}

/** Does what a step says, as it was planned from `seen`; a write whose object has changed since is refused. */
export function apply(world: World, { step }: Decision, seen: Observed): void {
  switch (step.kind) {
    case 'createBlueGreen':
      world.blueGreen.exists = true;
      if (step.paused) world.blueGreen.spec = { ...world.blueGreen.spec, paused: true };
      world.blueGreen.version += 1;
      return;
    case 'holdDeclaration':
      writeDeclaration(world, seen, (declaration) => {
        declaration.frozen = true;
        declaration.managed = true;
        if (step.wish === undefined) return;
        declaration.wish = step.wish;
        declaration.heldReplicas = declaration.size;
      });
      return;
    case 'carrySize':
      if (seen.blueGreen.resourceVersion !== String(world.blueGreen.version)) return;
      world.blueGreen.version += 1;
      world.blueGreen.spec.replicas = step.replicas;
      world.blueGreen.carried = step.replicas;
      return;
    case 'restoreSet':
      restoreSet(world, step);
      return;
    case 'relabelPod': {
      const pod = podNamed(world, step.pod);
      if (pod) pod.revision = step.labels['sluice.dev/revision'] ?? '';
      return;
    }
    case 'labelPods':
      for (const pod of unchanged(world, step.pods, seen)) {
        pod.revision = step.revision;
        delete pod.handedBack;
      }
      return;
    case 'pointServices':
      if (!open(world, step.open)) return;
      checkClaims(world, step.revision);
      for (const name of step.services) {
        pointService(world, name, step.revision, seen);
        // The process may end between two patches.
        if (world.random.chance(0.02)) return;
      }
      return;
    case 'pointPreview':
      world.preview = step.revision;
      return;
    case 'makeSet':
      makeSet(world, step, seen);
      return;
    case 'resize':
      checkTrace(world, step, seen);
      if (open(world, step.open)) resize(world, step, seen);
      return;
    case 'tell':
      for (const name of step.pods) {
        const pod = podNamed(world, name);
        if (pod?.started && pod.hasSidecar && !world.random.chance(0.03))
          pod.settings = toldTo(pod, step.settings);
      }
      return;
    case 'evacuate':
      evacuate(world, step, seen);
      return;
    case 'noteEmpty': {
      const pod = podNamed(world, step.pod);
      if (step.sinceMs === undefined) delete pod?.emptySince;
      else if (pod) pod.emptySince = step.sinceMs / 1000;
      return;
    }
    case 'stopEvacuation':
      if (world.nodes.get(step.via)?.state !== 'joined') return;
      if (world.nodes.get(podOf(step.node))?.evacuation?.isForeign && isActive(world, world.declaration))
        violate(world, 'foreign evacuations', `${step.pod} is reopened, which somebody has closed`);
      stopEvacuation(world, podOf(step.node));
      // The process may end before it takes the note away.
      if (world.random.chance(0.1)) return;
      delete podNamed(world, step.pod)?.evacuationNote;
      delete podNamed(world, step.pod)?.emptySince;
      return;
    case 'holdDrains':
      writeDeclaration(world, seen, (declaration) => {
        if (!step.hold) delete declaration.drainHold;
        else declaration.drainHold = step.hold;
        if (step.hold?.retriedAtMs !== undefined) declaration.retry = '';
      });
      return;
    case 'leave':
      if (world.nodes.get(step.via)?.state === 'joined') forceLeave(world, podOf(step.node));
      return;
    case 'deleteSet': {
      const set = world.sets.find(({ name }) => name === step.set);
      if (set && isFresh(set, seen)) deleteSet(world, set, 'upgrade');
      return;
    }
    case 'deleteClaims':
      for (const claim of step.claims) deleteClaim(world, claim.slice('data-'.length), seen);
      return;
    case 'ownClaims':
      for (const claim of step.claims) {
        const pod = claim.slice('data-'.length);
        if (step.owned && world.claims.has(pod)) world.ownedClaims.add(pod);
        else world.ownedClaims.delete(pod);
        // The process may end between two patches.
        if (world.random.chance(0.02)) return;
      }
      return;
    case 'abort':
      writeDeclaration(world, seen, (declaration) => {
        declaration.aborted = { revision: step.revision, replacing: step.replacing, because: step.because };
        declaration.abort = '';
      });
      return;
    case 'clearAborted':
      writeDeclaration(world, seen, (declaration) => {
        delete declaration.aborted;
        declaration.retry = '';
      });
      return;
    case 'clearTriggers':
      writeDeclaration(world, seen, (declaration) => {
        for (const trigger of ['promote', 'abort', 'retry'] as const)
          if (step.triggers[trigger] === declaration[trigger]) declaration[trigger] = '';
      });
      return;
    case 'unpinServices':
      for (const name of step.services) {
        const service = world.services.find((each) => each.name === name);
        if (!service) continue;
        service.version += 1;
        service.managed = false;
        delete service.revision;
        delete service.strippedAt;
        // It is its user's, who may put it back into the list.
        if (service.unlisted !== undefined || service.estranged !== undefined)
          service.strippedAt = Number.POSITIVE_INFINITY;
        if (world.random.chance(0.02)) return;
      }
      return;
    case 'unlabelPods':
      for (const pod of unchanged(world, step.pods, seen)) {
        delete pod.revision;
        delete pod.evacuationNote;
        delete pod.emptySince;
        delete pod.handedBack;
      }
      return;
    case 'notePods':
      for (const pod of unchanged(world, step.pods, seen)) pod.handedBack = true;
      return;
    case 'dropBlueGreen': {
      const { blueGreen } = world;
      if (seen.blueGreen.resourceVersion !== String(blueGreen.version)) return;
      blueGreen.version += 1;
      delete blueGreen.carried;
      if (blueGreen.isUsers) return;
      blueGreen.exists = false;
      delete blueGreen.status;
      delete blueGreen.spec.replicas;
      return;
    }
    case 'restoreStrategy':
      writeDeclaration(world, seen, (declaration) => {
        declaration.frozen = false;
      });
      return;
    case 'letGo':
      writeDeclaration(world, seen, (declaration) => {
        const { size, heldReplicas, wish = size } = declaration;
        if (heldReplicas === size && wish !== size)
          violate(world, 'hand-back', `handed back with ${size} nodes, and ${wish} were asked for`);
        declaration.managed = false;
        declaration.heldReplicas = 0;
        declaration.promote = '';
        declaration.abort = '';
        declaration.retry = '';
        delete declaration.wish;
        delete declaration.aborted;
        // One that had lost its key by then selects what its user wrote.
        for (const service of world.services) delete service.strippedAt;
      });
      return;
    case 'wait':
    case 'rest':
      return;
  }
}

/** Of these pods, those that nobody has written to since they were looked at. */
function unchanged(world: World, names: string[], seen: Observed): PodObject[] {
  const before = seen.sets.flatMap(({ pods }) => pods);
  return names
    .flatMap((name) => podNamed(world, name) ?? [])
    .filter(({ uid, revision, handedBack }) =>
      before.some((pod) => pod.uid === uid && pod.revision === revision && pod.handedBack === handedBack),
    );
}

/** The process may end between any two of the writes; another pod of that name is never written to. */
function evacuate(world: World, step: Extract<Step, { kind: 'evacuate' }>, seen: Observed): void {
  const before = seen.sets.flatMap(({ pods }) => pods).find(({ name }) => name === step.pod);
  const pod = podNamed(world, step.pod);
  if (!pod || pod.uid !== before?.uid) return;
  pod.evacuationNote = {};
  const node = world.nodes.get(podOf(step.node));
  const ranBefore = node?.evacuation !== undefined;
  // Of two rare things at once, the leader's death here and an evacuation by hand that no view lists, nobody could know afterwards.
  const isAlike = node?.evacuation?.isForeign === true && !before.evacuationNote;
  if (!isAlike && world.random.chance(0.1)) return;
  if (world.nodes.get(step.via)?.state !== 'joined') {
    if (isAlike) delete pod.evacuationNote;
    return;
  }
  const { settings } = step;
  const isAccepted = beginEvacuation(
    world,
    podOf(step.node),
    {
      connRate: settings.connEvictRate,
      sessRate: settings.sessEvictRate,
      takeover: settings.waitTakeover,
      health: settings.waitHealthCheck,
      migrateTo: settings.recipients.map(podOf),
    },
    isActive(world, world.declaration) ? 'scaleIn' : 'upgrade',
  );
  if (!isAccepted || world.random.chance(0.1)) return;
  if (ranBefore && !before.evacuationNote) {
    delete pod.evacuationNote;
    return;
  }
  const noted = ranBefore ? before.evacuationNote?.acceptedAtMs : undefined;
  pod.evacuationNote = { acceptedAt: noted === undefined ? world.now : noted / 1000 };
}

/** False: an error has ended the pass. */
function open(world: World, opening: { nodes: string[]; via: string } | undefined): boolean {
  for (const name of (opening?.nodes ?? []).map(podOf)) {
    if (world.nodes.get(opening?.via ?? '')?.state !== 'joined') return false;
    if (world.nodes.get(name)?.state !== 'joined') return false;
    const pod = podNamed(world, name);
    const ranOut = pod !== undefined && isOverdue(world, pod);
    stopEvacuation(world, name);
    if (pod && ranOut) pod.ranOut = true;
  }
  return true;
}

function writeDeclaration(
  world: World,
  seen: Observed,
  write: (declaration: World['declaration']) => void,
): void {
  if (seen.declaration.resourceVersion !== String(world.declaration.version)) return;
  world.declaration.version += 1;
  write(world.declaration);
}

function isFresh({ name, version }: SetObject, seen: Observed): boolean {
  return seen.sets.some((set) => set.name === name && set.resourceVersion === String(version));
}

function pointService(world: World, name: string, revision: string, seen: Observed): void {
  const service = world.services.find((each) => each.name === name);
  const asSeen = seen.services.find((each) => each.name === name);
  if (!service || asSeen?.resourceVersion !== String(service.version)) return;
  const isTowardsAsked = seen.sets.some(
    (set) => set.revision === revision && set.template === seen.declaration.template,
  );
  const isFromASet = seen.sets.some((set) => set.revision === asSeen.revision);
  if (asSeen.estranged && asSeen.revision !== revision && isFromASet && isTowardsAsked)
    violate(world, 'switch', `Service ${name} is pointed at ${revision}, whose pods it does not select`);
  service.version += 1;
  service.revision = revision;
  service.managed = true;
  delete service.strippedAt;
}

/** From the ControllerRevision that was left behind: pods say what they were made from. */
function restoreSet(world: World, step: Extract<Step, { kind: 'restoreSet' }>): void {
  const pod = world.pods.find((each) => setPartOf(each) === step.set);
  if (!pod || world.sets.some(({ name }) => name === step.set)) return;
  world.sets.push({
    uid: uid(world, 'set'),
    name: step.set,
    revision: step.set.slice(step.set.lastIndexOf('-') + 1),
    version: 1,
    createdAt: world.now,
    policy: 'Parallel',
    size: step.size,
    template: pod.template,
    cause: 'sequence',
    decidedIn: world.activations,
  });
}

/** What a set is made from: one that a Service selects, was deleted and has its data on claims comes back as it was, where that is known. */
function templateFor(world: World, revision: string, seen: Observed): NodeSet['template'] {
  const former = seen.sets.find((set) => set.revision === revision && set.kind === 'lost');
  const isSelected = seen.services.some((service) => service.revision === revision);
  const isKnown = former !== undefined && Object.keys(former.template).length > 0;
  return world.hasClaims && isSelected && isKnown ? former.template : seen.declaration.template;
}

function makeSet(world: World, step: Extract<Step, { kind: 'makeSet' }>, seen: Observed): void {
  // Owned by a declaration that has gone, it goes at once.
  if (seen.declaration.uid !== world.declaration.uid) return;
  const template = templateFor(world, step.revision, seen);
  if (world.sets.some(({ name }) => name === step.name)) return;
  const isOnClaims = [...world.claims.keys()].some((pod) => pod.startsWith(`${step.name}-`));
  if (!isOnClaims && !namesOf(seen.declaration.name, template).includes(step.revision)) {
    violate(world, 'template', `${step.name} is made from a template that is not of its revision`);
  }
  const served = [...world.claims.keys()]
    .map((pod) => pod.slice(0, pod.lastIndexOf('-')))
    .find((name) => name !== world.declaration.name && world.activeHistory.includes(name));
  // One that somebody has deleted since it was looked at could not be known to be gone.
  const hadNone = seen.sets.every(({ kind }) => kind === 'lost' || kind === 'declaration');
  const isFirst = hadNone && world.sets.length === 0 && !world.pods.some((pod) => ownerOf(world, pod));
  if (served !== undefined && isFirst && !world.activeHistory.includes(step.name))
    violate(world, 'claims', `${step.name} is the first set, and does not start on the data of ${served}`);
  world.sets.push({
    uid: uid(world, 'set'),
    name: step.name,
    revision: step.revision,
    version: 1,
    createdAt: world.now,
    policy: 'Parallel',
    size: step.size,
    template,
    apiPort: world.blueGreen.spec.emqx.apiPort,
    cause: 'upgrade',
    decidedIn: world.activations,
  });
}

/** A claim in use stays until its pod has ended; nobody may ask for that of a set that serves or is to serve. */
function deleteClaim(world: World, pod: string, seen: Observed): void {
  note(world, `the claim of ${pod} is deleted`);
  const name = pod.slice(0, pod.lastIndexOf('-'));
  const set = world.sets.find((each) => each.name === name);
  // Whoever scales or deletes it in this moment is too late.
  const left = seen.sets.find((each) => each.name === name);
  if (!left || left.size > 0 || left.pods.length > 0 || (set && isActive(world, set))) {
    violate(world, 'claims', `the claim of ${pod} is deleted though its set has not been left`);
  }
  world.claims.delete(pod);
  world.ownedClaims.delete(pod);
}

/** What a template may be named by: its own hash, and the next ones where pods that are ending hold the names before. */
function namesOf(name: string, template: NodeSet['template']): string[] {
  const names = [revisionOf(name, template)];
  while (names.length < 6) names.push(otherRevisionOf(name, template, names.at(-1) ?? ''));
  return names;
}

function resize(world: World, step: Extract<Step, { kind: 'resize' }>, seen: Observed): void {
  const { declaration } = world;
  const set = step.set === declaration.name ? declaration : world.sets.find(({ name }) => name === step.set);
  if (!set) return;
  const isOwn = set === declaration;
  if (isOwn ? seen.declaration.resourceVersion !== String(set.version) : !isFresh(set, seen)) return;
  set.version += 1;
  set.cause = isActive(world, set) ? 'scaleIn' : 'upgrade';
  set.decidedIn = world.activations;
  set.size = step.to;
  if (isOwn) declaration.heldReplicas = step.to;
}

/** A sidecar that sends no spans keeps nothing of the trace. */
function toldTo({ settings }: PodObject, { traceparent = '', ...others }: DrainSettings): DrainSettings {
  return {
    staySeconds: 0,
    ...others,
    ...(settings.traceparent !== undefined && { traceparent }),
  };
}

/** A node that an upgrade leaves begins to drain: its sidecar must know in which trace, or nobody may be there to tell it. */
function checkTrace(world: World, step: Extract<Step, { kind: 'resize' }>, seen: Observed): void {
  const { status } = seen.blueGreen;
  const set = world.sets.find(({ name }) => name === step.set);
  const pod = podNamed(world, `${step.set}-${step.to}`);
  const isLeft = set && set.size > step.to && status?.upgrade?.from === set.name && !isActive(world, set);
  if (!isLeft || !pod?.ready || pod.deleted || pod.settings.traceparent === undefined) return;
  const { id, spanId } = status.upgrade ?? {};
  if (pod.settings.traceparent !== `00-${id}-${spanId}-01`)
    violate(
      world,
      'trace',
      `${pod.name} is to drain in ${id}, its sidecar knows of "${pod.settings.traceparent}"`,
    );
}

/** Whether a Service selects pods of the set now. */
export function isActive(world: World, set: SetObject): boolean {
  const revision = set === world.declaration ? ownSetOf(world).revision : set.revision;
  // While a Service is without its key, the set that it selected before is active still.
  return world.services.some(({ strippedAt, ...service }) =>
    strippedAt === undefined ? service.revision === revision : world.blueGreen.status?.active === set.name,
  );
}

/** The BlueGreen's status after a pass, with the controller's own record of upgrades: plans read it. */
export function writeStatus(world: World, decision: Decision, seen: Observed): void {
  const { blueGreen } = world;
  if (!blueGreen.exists) return;
  const { active, wanted, phase } = decision;
  const records = upgradeRecords(seen, decision, world.sendsSpans ? { hasTrace: () => false } : {});
  const broken = whyRecordsBreak(blueGreen.status, records);
  if (broken !== undefined) violate(world, 'records', broken);
  blueGreen.status = { active, wanted, phase, ...records };
}

/** What a pass did, for the trace of a replay. */
export function trace(world: World, decision: Decision): void {
  if (
    decision.step.kind === 'wait' &&
    decision.step.forMs > 0 &&
    world.trace?.at(-1)?.includes(decision.message)
  )
    return;
  note(world, `plan: ${describe(decision.step)} – ${decision.phase}: ${decision.message}`);
}

function describe(step: Step): string {
  return JSON.stringify(step).slice(0, 160);
}
