/** What the controller tells the page, by server-sent events named by `kind`, as JSON. Times in milliseconds since the epoch. */
import type { Remaining } from '../remaining.js';
import type { EvacuationState, Phase, UpgradeResult, UpgradeStep } from '../types.js';
import type { Sample } from './samples.js';

/** Which replica speaks, and how fresh its word is. */
export interface Origin {
  /** The controller's clock, so that times fit whatever the browser's says. */
  atMs: number;
  replica: string;
  /** Who leads, by the Lease; empty: nobody. Absent: the Lease could not be read. */
  leader?: string;
  /** Since when the API server has not been heard; absent: it is. */
  deafSinceMs?: number;
}

/** One line of the list. */
export interface Summary {
  namespace: string;
  name: string;
  /** Absent: the controller has not looked at it yet. */
  phase?: Phase;
  message: string;
  active: string;
  wanted: string;
  /** Such as `3/3`. */
  nodes: string;
  clientsLeft: number;
  createdAtMs: number;
  isUpgrading: boolean;
}

/** A colour keeps its meaning for the whole upgrade; at rest all nodes are green. */
export type Colour = 'blue' | 'green';

export type NodeState =
  'starting' | 'joined' | 'serving' | 'waiting' | 'draining' | EvacuationState | 'drained' | 'stopped';

export interface NodePicture {
  /** EMQX's name of it; empty while no node has told of it. */
  node: string;
  /** Name of its pod, where it can be told; else the node's. */
  pod: string;
  colour: Colour;
  state: NodeState;
  /** Clients connected now. */
  clients: number;
  /** Sessions on it, those of its clients included. */
  sessions: number;
  version: string;
  /** Its drain ended badly: sessions were left, or it took too long. */
  isBad: boolean;
}

export interface UpgradePicture {
  id: string;
  startedAtMs: number;
  /** Absent while it goes on. */
  finishedAtMs?: number;
  requestedBy: string;
  from: string;
  to: string;
  steps: UpgradeStep[];
  /** Absent while it goes on. */
  result?: UpgradeResult;
  reason?: string;
}

export interface EventPicture {
  atMs: number;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

/** One BlueGreen whole. */
export interface Picture extends Summary {
  /** Since when it waits for what the message says. */
  waitsSinceMs?: number;
  /** What it waits for, without figures: it changes only when there is news. */
  gist: string;
  pace: {
    connEvictRate: number;
    sessEvictRate: number;
    waitTakeoverSeconds: number;
    initialDelaySeconds: number;
    maxConcurrentDrains: number;
  };
  pods: NodePicture[];
  remaining?: Remaining;
  upgrade?: UpgradePicture;
  /** The latest first. */
  history: UpgradePicture[];
}

export type PageMessage =
  | ({
      kind: 'all';
      blueGreens: Summary[];
      /** Those that are left out of a long list. */ more: number;
    } & Origin)
  | ({
      kind: 'one';
      /** Absent: there is none of that name. */
      picture?: Omit<Picture, 'history'>;
      /** Absent: as it was told last. It is by far the largest part, and seldom changes. */
      history?: UpgradePicture[];
      /** Those since the last message; `isWhole`: in place of all before. */
      samples: { isWhole: boolean; list: Sample[] };
      /** The latest first; absent: they could not be read. */
      events?: EventPicture[];
    } & Origin)
  /** Nothing is new. */
  | ({ kind: 'beat' } & Origin);

/** The page is told at least so often. */
export const BEAT_MS = 10_000;
