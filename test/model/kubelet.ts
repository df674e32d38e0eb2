import {
  beginEvacuation,
  clientsAt,
  evacuationRecipients,
  recipients,
  sessionsAt,
  startNode,
  stopEvacuation,
  stopNode,
} from './emqx.js';
import {
  FAILING_SECONDS,
  isBroken,
  isOverdue,
  note,
  podNamed,
  setPartOf,
  violate,
  wantedSize,
  type PodObject,
  type World,
} from './world.js';

/** One second of every pod: its containers start, become ready, drain, end. */
export function runPods(world: World): void {
  for (const pod of [...world.pods]) {
    if (!pod.started) begin(world, pod);
    else if (pod.deleted) end(world, pod);
    else tend(world, pod);
  }
}

function begin(world: World, pod: PodObject): void {
  if (pod.deleted) remove(world, pod);
  else if (world.now >= pod.startsAt && pod.ordinal < world.room) {
    pod.started = true;
    if (!isBroken(pod.template, pod.ordinal)) startNode(world, pod);
  }
}

function tend(world: World, pod: PodObject): void {
  const node = world.nodes.get(pod.name);
  // A sidecar stops the evacuation that an earlier life left over; a pod of the declaration has none to do so.
  if (pod.hasSidecar && node?.evacuation?.isForeign === false && node.state !== 'starting')
    stopEvacuation(world, pod.name);
  // EMQX is Ready by /status before it joins; only a sidecar knows better.
  const isUp = node !== undefined && node.state !== 'starting' && node.state !== 'stuck';
  const isReady = isUp && (pod.hasSidecar ? node.latched : node.state !== 'joining' || pod.ready);
  if (!isReady && pod.ready) {
    pod.ready = false;
    pod.unreadyAt = world.now;
  } else if (isReady && !pod.ready && world.random.chance(0.6)) {
    pod.ready = true;
    note(world, `pod ${pod.name} is ready`);
  }
}

function end(world: World, pod: PodObject): void {
  if (pod.deleted && pod.hasSidecar && world.now - pod.deleted.at >= pod.grace) {
    stopNode(world, pod.name, 'its grace period is over');
    remove(world, pod);
  } else if (pod.endsAt === undefined) {
    const letsGo = pod.hasSidecar ? gate(world, pod) && !stays(world, pod) : true;
    if (!letsGo) return;
    if (pod.hasSidecar) checkPartner(world, pod);
    pod.endsAt = world.now + world.random.int(1, 2);
    // What never joined hears SIGTERM at once, and takes nobody any more.
    const isMember = world.nodes.get(pod.name)?.state === 'joined';
    if (pod.hasSidecar ? pod.gate.kind === 'idle' : !isMember)
      stopNode(world, pod.name, excuseOf(world, pod));
  } else if (world.now >= pod.endsAt) {
    stopNode(world, pod.name, excuseOf(world, pod));
    remove(world, pod);
  }
}

/** Why sessions may be lost with this pod; undefined when there is no excuse. */
function excuseOf(world: World, pod: PodObject): string | undefined {
  if (pod.gate.kind === 'gaveUp') return 'it had nowhere to go';
  if (pod.hasSidecar) return undefined;
  if (isOverdue(world, pod)) return 'its drain took too long';
  const isEvacuated = world.nodes.get(pod.name)?.evacuation?.state === 'prohibiting';
  if (pod.deleted?.cause === 'sequence' || isEvacuated) return 'it has no gate';
  if (wantedSize(world) === 0) return 'there is nowhere to go';
  if (world.nodes.get(pod.name)?.state !== 'joined') return 'it is no member of the cluster';
  // Before its first upgrade nobody can evacuate an adopted set's nodes when it is scaled in.
  return world.pods.some(({ hasSidecar, ready }) => hasSidecar && ready)
    ? undefined
    : 'nobody could evacuate it';
}

/** The preStop gate of a pod with a sidecar; true lets the pod end. Its node is drained when its evacuation prohibits. */
function gate(world: World, pod: PodObject): boolean {
  const node = world.nodes.get(pod.name);
  // Crashed meanwhile, and in a terminating pod nothing starts again; or it never took part.
  if (!node) return true;
  const holds = clientsAt(world, pod.name) + sessionsAt(world, pod.name);
  if (!node.latched && holds === 0) return true;
  const { evacuation } = node;
  if (evacuation?.state === 'prohibiting') {
    pod.gate = { kind: 'drained' };
    return true;
  }
  if (world.isDurable && evacuation?.state === 'evicting_sessions' && holds === 0) {
    pod.seenEmptySince ??= world.now;
    if (world.now - pod.seenEmptySince >= 2) {
      pod.gate = { kind: 'drained' };
      return true;
    }
  } else delete pod.seenEmptySince;
  pod.gate = { kind: 'draining', detail: evacuation?.state ?? 'asking EMQX' };
  if (!evacuation) start(world, pod, holds === 0);
  else if (evacuationRecipients(world, node).length > 0) delete pod.nowhereSince;
  else {
    pod.nowhereSince ??= world.now;
    const nowhereFor = world.now - pod.nowhereSince;
    if (nowhereFor >= pod.settings.noRecipientSeconds) {
      pod.gate = { kind: 'gaveUp', detail: 'no other node', sessionsLost: sessionsAt(world, pod.name) };
      return true;
    }
    if (nowhereFor === 3 && !evacuation.isForeign && recipients(world, pod.name).length > 0) {
      stopEvacuation(world, pod.name);
      start(world, pod, holds === 0);
    }
  }
  return false;
}

/** Whether a member that has handed over stays for a while, because it was told that others join. */
function stays(world: World, pod: PodObject): boolean {
  const { staySeconds = 0 } = pod.settings;
  if (staySeconds === 0 || world.nodes.get(pod.name)?.latched !== true) return false;
  pod.staysSince ??= world.now;
  return world.now - pod.staysSince < staySeconds;
}

/** Within this many seconds the loop has told a pod that others join: it looks, and writes, when it gets round to it. */
const TOLD_WITHIN = 5;

/** The promise: no node stops in the middle of the join that goes through it, if there was time to keep it. */
function checkPartner(world: World, { name, deleted }: PodObject): void {
  const { active, wanted } = world.blueGreen.status ?? {};
  for (const node of world.nodes.values()) {
    if (node.state !== 'joining' || node.partner !== name) continue;
    const joiner = podNamed(world, node.name);
    const isKept = joiner && !joiner.deleted && joiner.ordinal < wantedSize(world);
    if (!isKept || ![active, wanted].includes(setPartOf(joiner))) continue;
    // Pods of the declaration at another template than is asked for by now are not to stay themselves.
    if (!joiner.hasSidecar && joiner.template !== world.declaration.asked) continue;
    const knownFor = world.now - Math.max(joiner.unreadyAt, deleted?.at ?? world.now);
    if (knownFor > TOLD_WITHIN && world.now - joiner.unreadyAt < FAILING_SECONDS)
      violate(world, 'joins', `${name} is let go while ${node.name} joins through it`);
  }
}

function start(world: World, pod: PodObject, isEmpty: boolean): void {
  const { settings, deleted } = pod;
  const running = recipients(world, pod.name).map(({ name }) => name);
  const named = settings.recipients.map(podOf);
  beginEvacuation(
    world,
    pod.name,
    {
      connRate: settings.connEvictRate,
      sessRate: settings.sessEvictRate,
      takeover: isEmpty ? 0 : settings.waitTakeover,
      health: isEmpty ? 0 : settings.waitHealthCheck,
      migrateTo: named.filter((name) => running.includes(name)),
    },
    deleted?.cause ?? 'sequence',
    deleted?.since,
  );
}

function remove(world: World, pod: PodObject): void {
  world.pods = world.pods.filter((other) => other !== pod);
  note(world, `pod ${pod.name} is gone`);
}

/** EMQX's container ends and is started again in place, unless its pod is being deleted. */
export function crash(world: World, pod: PodObject): void {
  if (!world.nodes.has(pod.name)) return;
  note(world, `${pod.name} crashes`);
  stopNode(world, pod.name, 'crashed');
  if (pod.ready) pod.unreadyAt = world.now;
  pod.ready = false;
  pod.restarts += 1;
  if (!pod.deleted) startNode(world, pod);
}

/** `--force --grace-period=0`: the pod object is gone at once, and its node with it. */
export function kill(world: World, pod: PodObject): void {
  stopNode(world, pod.name, 'killed');
  remove(world, pod);
}

const SUFFIX = '.emqx-headless.mq.svc.cluster.local';

/** EMQX's name of a pod's node, and back. */
export function nodeNameOf(pod: string): string {
  return `emqx@${pod}${SUFFIX}`;
}

export function podOf(node: string): string {
  return node.slice('emqx@'.length, -SUFFIX.length);
}
