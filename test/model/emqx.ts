import {
  note,
  ownerOf,
  podNamed,
  violate,
  wantedSize,
  type Cause,
  type EmqxNode,
  type Evacuation,
  type PodObject,
  type World,
} from './world.js';

const STUCK_SECONDS = 15;

/** One second of every EMQX node: starts, joins, evacuations. */
export function runNodes(world: World): void {
  for (const node of [...world.nodes.values()]) {
    live(world, node);
    if (node.evacuation) evacuate(world, node, node.evacuation);
  }
}

/** The node of a pod starts, or starts again. */
export function startNode(world: World, pod: PodObject): void {
  world.nodes.set(pod.name, {
    name: pod.name,
    state: 'starting',
    left: world.random.int(1, 3),
    latched: false,
  });
}

/** A node stops: who is connected is dropped, and the sessions that it still holds are lost. */
export function stopNode(world: World, name: string, excuse?: string): void {
  const node = world.nodes.get(name);
  if (!node) return;
  world.nodes.delete(name);
  for (const client of world.clients) {
    if (client.at !== name && client.session !== name) continue;
    if (excuse === undefined) {
      violate(
        world,
        'sessions kept',
        `client ${client.id} ${client.at === name ? 'is dropped' : 'loses its session'}: ${name} stopped undrained`,
      );
    }
    if (client.at === name) {
      delete client.at;
      client.retryAt = world.now + world.random.int(1, 2);
    }
    if (client.session === name) delete client.session;
  }
  for (const other of world.nodes.values()) {
    if (other.state !== 'joining' || other.partner !== name) continue;
    other.state = 'stuck';
    other.left = STUCK_SECONDS;
    note(world, `${other.name} is stuck: ${name} stopped while it joined`);
  }
  const runs = [...world.nodes.values()].some(({ state }) => state === 'joined');
  if (!runs && !world.hasClaims) world.members.clear();
}

/** Nodes that others may hand sessions to, and where clients find a cluster. */
export function joinedNodes(world: World): EmqxNode[] {
  return [...world.nodes.values()].filter(({ state }) => state === 'joined');
}

export function accepts({ state, evacuation }: EmqxNode): boolean {
  return (
    (state === 'joined' || state === 'alone') && (!evacuation || evacuation.state === 'waiting_health_check')
  );
}

export function clientsAt(world: World, name: string): number {
  let count = 0;
  for (const { at } of world.clients) if (at === name) count += 1;
  return count;
}

export function sessionsAt(world: World, name: string): number {
  let count = 0;
  for (const { session } of world.clients) if (session === name) count += 1;
  return count;
}

function live(world: World, node: EmqxNode): void {
  const pod = podNamed(world, node.name);
  if (!pod) return;
  switch (node.state) {
    case 'starting':
      node.left -= 1;
      if (node.left > 0) return;
      node.state = 'alone';
      // A boot with the file goes straight to evicting_conns, with no list of recipients.
      if (pod.disk.evacuating) {
        beginEvacuation(
          world,
          node.name,
          { ...pod.disk.evacuating, takeover: 3, health: 0, migrateTo: [] },
          'sequence',
        );
      }
      return;
    case 'alone':
      join(world, node, pod);
      return;
    case 'joining':
      node.left -= 1;
      if (node.left <= 0) joined(world, node, pod);
      return;
    case 'stuck':
      node.left -= 1;
      if (node.left > 0) return;
      // Its liveness probe has failed often enough.
      if (pod.deleted) return;
      pod.restarts += 1;
      startNode(world, pod);
      return;
    case 'joined':
      return;
  }
}

function join(world: World, node: EmqxNode, pod: PodObject): void {
  const { random, members } = world;
  const others = joinedNodes(world);
  const partner = random.pick(others);
  if ((pod.disk.isMember && members.has(node.name)) || !partner) joined(world, node, pod);
  else if (members.has(node.name) && random.chance(world.refusal)) return;
  else {
    node.state = 'joining';
    // Its listeners start anew: who connected before it joined is dropped.
    for (const client of world.clients) {
      if (client.at !== node.name) continue;
      delete client.at;
      delete client.session;
      client.retryAt = world.now + 1;
    }
    node.partner = partner.name;
    node.left = random.int(1, random.chance(0.2) ? 8 : 3);
  }
}

function joined(world: World, node: EmqxNode, pod: PodObject): void {
  node.state = 'joined';
  node.latched = true;
  delete node.partner;
  pod.disk.isMember = true;
  world.members.add(node.name);
  note(world, `${node.name} has joined`);
}

export interface EvacuationOptions {
  connRate: number;
  sessRate: number;
  takeover: number;
  health: number;
  /** Pod names. */
  migrateTo: string[];
  isForeign?: boolean;
}

/** `POST …/evacuation/start`: a running one keeps its first parameters. False: refused, no recipient named is available. */
export function beginEvacuation(
  world: World,
  name: string,
  options: EvacuationOptions,
  cause: Cause,
  since = world.activations,
): boolean {
  const node = world.nodes.get(name);
  const isForeign = options.isForeign === true;
  if (!node) return false;
  if (node.evacuation) return true;
  const available = recipients(world, name).map((other) => other.name);
  if (options.migrateTo.some((other) => !available.includes(other))) return false;
  node.evacuation = {
    state: 'waiting_health_check',
    left: options.health,
    connRate: options.connRate,
    sessRate: options.sessRate,
    takeover: options.takeover,
    migrateTo: options.migrateTo,
    cause,
    since,
    initialClients: clientsAt(world, name),
    initialSessions: sessionsAt(world, name),
    isForeign,
  };
  const pod = podNamed(world, name);
  // It goes on over a restart, and began when it was asked for.
  const beganAt = pod?.disk.evacuating?.beganAt ?? world.now;
  if (pod) {
    pod.disk.evacuating = { connRate: options.connRate, sessRate: options.sessRate, beganAt, isForeign };
    delete pod.ranOut;
  }
  note(world, `${name} begins to evacuate (${cause}) to ${options.migrateTo.join(', ') || 'any'}`);
  return true;
}

export function stopEvacuation(world: World, name: string): void {
  const node = world.nodes.get(name);
  if (node?.evacuation) note(world, `${name} stops evacuating`);
  delete node?.evacuation;
  const pod = podNamed(world, name);
  if (pod) delete pod.disk.evacuating;
}

/** The nodes that `name` could hand sessions to. */
export function recipients(world: World, name: string): EmqxNode[] {
  return joinedNodes(world).filter((other) => other.name !== name && !other.evacuation);
}

export function evacuationRecipients(world: World, { name, evacuation }: EmqxNode): EmqxNode[] {
  const migrateTo = evacuation?.migrateTo ?? [];
  return recipients(world, name).filter((other) => migrateTo.length === 0 || migrateTo.includes(other.name));
}

function evacuate(world: World, node: EmqxNode, evacuation: Evacuation): void {
  switch (evacuation.state) {
    case 'waiting_health_check':
      if (evacuation.left > 0) evacuation.left -= 1;
      else evacuation.state = 'evicting_conns';
      return;
    case 'evicting_conns': {
      const connected = world.clients.filter(({ at }) => at === node.name);
      if (connected.length === 0) {
        evacuation.state = 'waiting_takeover';
        evacuation.left = evacuation.takeover;
        return;
      }
      for (const client of connected.slice(0, evacuation.connRate)) {
        delete client.at;
        // Some stay away for longer than EMQX waits for them, and their sessions are moved.
        client.retryAt =
          world.now + (world.random.chance(0.2) ? world.random.int(4, 10) : world.random.int(1, 2));
        askedToMove(world, node, evacuation, client.id);
      }
      return;
    }
    case 'waiting_takeover':
      if (evacuation.left > 0) evacuation.left -= 1;
      else evacuation.state = 'evicting_sessions';
      return;
    case 'evicting_sessions': {
      const left = world.clients.filter(({ session }) => session === node.name);
      if (left.length === 0) {
        if (!world.isDurable) evacuation.state = 'prohibiting';
        return;
      }
      for (const client of left.slice(0, evacuation.sessRate)) {
        const to = world.random.pick(evacuationRecipients(world, node));
        if (!to) return;
        client.session = to.name;
        sessionMoved(world, evacuation, node.name, to.name);
      }
      return;
    }
    case 'prohibiting':
      return;
  }
}

/** The promise: at most once in one activation. */
function askedToMove(world: World, node: EmqxNode, { cause, since }: Evacuation, id: number): void {
  note(world, `client ${id} is asked to leave ${node.name} (${cause})`);
  if (cause !== 'upgrade') return;
  const client = world.clients[id];
  if (!client) return;
  if (client.movedIn === since) {
    violate(world, 'moved once', `client ${id} is asked to move twice in one upgrade, now by ${node.name}`);
  }
  client.movedIn = since;
}

/** The promise: the sessions of a set that is left go to what is or becomes active. */
function sessionMoved(world: World, { cause, since, migrateTo }: Evacuation, from: string, to: string): void {
  // Where all that it was told of are gone, the gate itself turns to any other node.
  const told = podNamed(world, from)?.settings.recipients ?? [];
  if (told.length > 0 && migrateTo.length === 0) return;
  const pod = podNamed(world, to);
  const set = pod && ownerOf(world, pod);
  const lawful = world.activeHistory.slice(Math.max(since - 1, 0));
  const isThere = joinedNodes(world).some(({ name }) =>
    lawful.some((active) => name.startsWith(`${active}-`)),
  );
  if (cause === 'upgrade' && wantedSize(world) > 0 && set && isThere && !lawful.includes(set.name)) {
    violate(world, 'recipients', `a session of ${from} is moved to ${to}, which is not active`);
  }
}

/** `force_leave`: of a stopped node only; whoever asks of a running one is refused by the sidecar. */
export function forceLeave(world: World, name: string): void {
  if (world.nodes.has(name) && world.nodes.get(name)?.state !== 'alone') return;
  world.members.delete(name);
  note(world, `${name} leaves the EMQX cluster`);
  const pod = podNamed(world, name);
  if (pod && world.nodes.get(name)?.state !== 'alone') pod.disk.isMember = false;
}
