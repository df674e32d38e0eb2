import type { ForeignProcess, SidecarReport } from '../../lib/control.js';
import type { JsonObject } from '../../lib/json.js';
import {
  DEFAULT_SPEC,
  type BlueGreenSpec,
  type BlueGreenStatus,
  type EvacuationState,
} from '../../lib/types.js';
import type {
  Claim,
  ClientService,
  Declaration,
  NodeSet,
  Observed,
  Pod,
  Preview,
} from '../../controller/model.js';
import { inTurn } from '../../controller/pairing.js';
import { situationOf } from '../../controller/situation.js';

/** Builders of what the loop observes: each call names only what differs from a healthy cluster of three nodes. */

export const OLD: JsonObject = { spec: { containers: [{ name: 'emqx', image: 'emqx:1' }] } };
export const NEW: JsonObject = { spec: { containers: [{ name: 'emqx', image: 'emqx:2' }] } };
export const NEWER: JsonObject = { spec: { containers: [{ name: 'emqx', image: 'emqx:3' }] } };

/** A template of this image. */
export function imaged(image: string, env: JsonObject[] = []): JsonObject {
  return { spec: { containers: [{ name: 'emqx', image, ...(env.length > 0 && { env }) }] } };
}

export function nodeName(pod: string): string {
  return `emqx@${pod}.emqx-headless.mq.svc.cluster.local`;
}

export interface SetOptions {
  template?: JsonObject;
  size?: number;
  kind?: NodeSet['kind'];
  createdAtMs?: number;
  outdated?: string[];
  /** Changes one pod, by ordinal; `null` takes it away. */
  pods?: Record<number, Partial<Pod> | null>;
  /** Pods that exist, if not as many as the size. */
  podCount?: number;
}

export function set(name: string, options: SetOptions = {}): NodeSet {
  const size = options.size ?? 3;
  const ordinals = Array.from({ length: options.podCount ?? size }, (_, ordinal) => ordinal);
  const revision = name.slice(name.lastIndexOf('-') + 1);
  return {
    name,
    kind: options.kind ?? 'revisionSet',
    revision,
    size,
    resourceVersion: '1',
    createdAtMs: options.createdAtMs ?? 0,
    template: options.template ?? OLD,
    ...(options.outdated && { outdated: options.outdated }),
    pods: ordinals.flatMap((ordinal) => {
      const change = options.pods?.[ordinal];
      return change === null ? [] : [{ ...pod(`${name}-${ordinal}`, ordinal, revision), ...change }];
    }),
  };
}

function pod(name: string, ordinal: number, revision: string): Pod {
  return {
    name,
    ordinal,
    uid: name,
    revision,
    ready: true,
    terminating: false,
    problem: '',
    failing: false,
    restarts: 0,
  };
}

export interface World {
  declaration?: Partial<Declaration>;
  spec?: Partial<BlueGreenSpec>;
  status?: Partial<BlueGreenStatus>;
  sets?: NodeSet[];
  /** Revision that the one client Service selects. */
  selects?: string;
  services?: ClientService[];
  preview?: Preview;
  /** Services that carry a key of Sluice's; all of `services` when not named. */
  marked?: string[];
  former?: string[];
  lagging?: string[];
  leftAlone?: string[];
  autoscalers?: string[];
  /** Sessions and clients on a node, by pod; 100 when not named. */
  clients?: Record<string, number>;
  /** State of a running evacuation, by pod. */
  evacuations?: Record<string, 'evicting_conns' | 'evicting_sessions' | 'prohibiting'>;
  /** Pods whose node has not joined: nobody lists it. */
  apart?: string[];
  /** Pods whose node has joined although they are not Ready. */
  joined?: string[];
  /** What nodes say of their version, by the beginning of their pod's name. */
  versions?: Record<string, string>;
  /** What somebody else runs. */
  foreign?: ForeignProcess[];
  /** EMQX nodes listed as stopped. */
  stopped?: string[];
  /** Pods whose sidecar is not heard. */
  silent?: string[];
  /** Which API EMQX has; v5 unless named. */
  emqxApi?: 'v4';
  nowMs?: number;
  claims?: Claim[];
  ownClaims?: string[];
}

/** A world in which every pod that has no report of its own is heard of, joined, and told the right settings. */
export function observed(world: World = {}): Observed {
  const sets = world.sets ?? [set('emqx-oldoldold')];
  const selects = world.selects ?? sets[0]?.revision;
  const members = sets
    .flatMap(({ pods }) => pods)
    .filter(
      ({ name, ready, terminating }) =>
        (ready || terminating || world.joined?.includes(name)) && !world.apart?.includes(name),
    );
  const versionOf = (pod: string): { version?: string } => {
    const known = Object.entries(world.versions ?? {}).find(([prefix]) => pod.startsWith(prefix));
    return known ? { version: known[1] } : {};
  };
  const nodes = [
    ...members.map(({ name }) => ({
      node: nodeName(name),
      node_status: 'running',
      connections: world.clients?.[name] ?? 100,
      live_connections: world.clients?.[name] ?? 100,
      ...versionOf(name),
    })),
    ...(world.stopped ?? []).map((name) => ({ node: nodeName(name), node_status: 'stopped' })),
  ];
  // Somebody else's is listed with the others.
  const foreign = (world.foreign ?? []).flatMap(({ process, node, state }) =>
    process === 'evacuation' ? [[node, state as EvacuationState] as const] : [],
  );
  const own = Object.entries(world.evacuations ?? {}).map(
    ([name, state]) => [nodeName(name), state] as const,
  );
  const evacuations = [...own, ...foreign].map(([node, state]) => ({
    node,
    state,
    connection_eviction_rate: 1000,
    session_eviction_rate: 1000,
    connection_goal: 0,
    session_goal: 0,
    session_recipients: [],
    stats: { initial_connected: 100, current_connected: 50, initial_sessions: 100, current_sessions: 100 },
  }));
  const spec = { ...DEFAULT_SPEC, replicas: 3, ...world.spec };
  const active = sets.find(({ revision }) => revision === selects);
  const untold: SidecarReport[] = [];
  for (const { kind, pods } of sets) {
    for (const each of pods) {
      if (world.silent?.includes(each.name)) continue;
      if (each.report !== undefined || kind === 'declaration' || (!each.ready && !each.terminating)) continue;
      const isMember = !world.apart?.includes(each.name);
      each.report = report(each.name, {
        clusterNodes: isMember ? members.map(({ name }) => nodeName(name)) : [nodeName(each.name)],
        nodes: isMember ? nodes : [],
        evacuations: isMember ? evacuations : [],
        ...(world.foreign && { foreign: world.foreign }),
        ...(world.emqxApi && { emqxApi: world.emqxApi }),
      });
      untold.push(each.report);
    }
  }
  const seen: Observed = {
    nowMs: world.nowMs ?? 1_000_000,
    declaration: {
      name: 'emqx',
      namespace: 'mq',
      uid: 'u',
      resourceVersion: '1',
      template: OLD,
      replicas: 0,
      heldReplicas: 0,
      hasClaims: false,
      wish: 3,
      frozen: true,
      managed: true,
      handingBack: false,
      startsAsWritten: true,
      deleting: false,
      requestedBy: 'alice',
      traceparent: '',
      promote: '',
      abort: '',
      retry: '',
      ...world.declaration,
    },
    blueGreen: {
      exists: true,
      isOurs: true,
      isNoted: true,
      resourceVersion: '1',
      generation: 1,
      spec,
      carried: 3,
      ...(world.status && { status: world.status }),
    },
    sets,
    ...(world.preview && { preview: world.preview }),
    services: world.services ?? [
      {
        name: 'emqx',
        resourceVersion: '1',
        managed: true,
        ...(selects !== undefined && { revision: selects }),
        readyPods: (active?.pods ?? [])
          .filter(({ ready, terminating }) => ready && !terminating)
          .map(({ name }) => name),
      },
    ],
    claims: world.claims ?? [],
    ownClaims: world.ownClaims ?? [],
    marked: world.marked ?? (world.services ?? [{ name: 'emqx' }]).map(({ name }) => name),
    former: world.former ?? [],
    lagging: world.lagging ?? [],
    leftAlone: world.leftAlone ?? [],
    autoscalers: world.autoscalers ?? [],
  };
  tell(seen, untold);
  return seen;
}

/** Has each of these sidecars told what it ought to be, by the colour of its set. */
function tell(seen: Observed, reports: SidecarReport[]): void {
  const { active, wanted } = inTurn(situationOf(seen)).situation;
  for (const each of seen.sets) {
    const isLeft = each !== active && each !== wanted;
    for (const { report: told } of each.pods) {
      if (!told || !reports.includes(told) || !isLeft) continue;
      told.settings.waitHealthCheck = 0;
      told.settings.recipients = (active?.pods ?? [])
        .filter(({ ready }) => ready)
        .map(({ name }) => nodeName(name));
    }
  }
}

export function report(podName: string, change: Partial<SidecarReport> = {}): SidecarReport {
  return {
    pod: podName,
    api: { kind: 'ok' },
    self: nodeName(podName),
    clusterNodes: [nodeName(podName)],
    nodes: [],
    evacuations: [],
    hasEvacuation: true,
    joined: true,
    gate: { kind: 'idle' },
    settings: {
      connEvictRate: 1000,
      sessEvictRate: 1000,
      waitTakeover: 10,
      waitHealthCheck: 10,
      noRecipientSeconds: 40,
      withoutEvacuation: 'Refuse',
      recipients: [],
    },
    ...change,
  };
}
