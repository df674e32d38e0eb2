import type { Part } from './settings.js';

/**
 * Memory is in MB of 1000 kB as `/proc` and `ps` count them (a bare Node has 43), images in MB of 10^6 bytes, times in
 * ms or µs, CPU in per cent of one core.
 */
export interface BenchReport {
  /** RFC 3339. */
  startedAt: string;
  seconds: number;
  machine: Machine;
  parts: readonly Part[];
  webhook?: WebhookFigures;
  sidecar?: SidecarFigures;
  controller?: ControllerFigures;
  reaction?: ReactionFigures;
  goals: Goal[];
  /** Goals that were missed, and those of a part that failed; empty when all is well. */
  missed: string[];
  /** What failed, in words. */
  failures: string[];
}

export interface Machine {
  cpu: string;
  cores: number;
  node: string;
  go: string;
  kernel: string;
  /** Runnable processes over the last minute when the benchmark began, its own not yet among them. */
  loadAverageBefore: number;
}

export interface WebhookFigures {
  /** Reviews to which both gave the same answer before anything was measured. */
  comparedReviews: number;
  bodyBytes: number;
  rounds: number;
  roundSeconds: number;
  /** What else the machine did: per cent of one core, the median of all samples. */
  foreignCpuPercent: number;
  sluice: ContenderFigures;
  go: ContenderFigures;
}

export interface ContenderFigures {
  /** After the last round. */
  rssMb: number;
  peakRssMb: number;
  tls: string;
  /** Medians of the rounds. */
  byConnections: {
    connections: number;
    reviewsPerSecond: number;
    p50Ms: number;
    p99Ms: number;
    cpuMicrosPerReview: number;
    reviewsPerSecondByRound: number[];
  }[];
}

/** All processes of the sidecar's container of one EMQX pod, with nothing to do. */
export interface SidecarFigures extends ProcessFigures {
  seconds: number;
  /** At most moments; the container runtime adds one of its own for the time of a probe. */
  processes: number;
  /** Of the image that all of Sluice's programs share, unpacked. */
  imageMb: number;
}

/** All processes of a controller's container. */
export interface ControllerFigures {
  declarations: number;
  revisionSets: number;
  pods: number;
  seconds: number;
  leader: ProcessFigures;
  follower: ProcessFigures;
}

export interface ProcessFigures {
  /** At most moments: the median of one look a second. */
  rssMb: number;
  pssMb: number;
  /** Most that was ever seen; a probe adds a process of the container runtime for a moment. */
  peakRssMb: number;
  cpuPercent: number;
}

/** From the API server's answer to a template edit until a watch sees the green StatefulSet. */
export interface ReactionFigures {
  edits: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** The edit itself, admission included. */
  patchP50Ms: number;
  patchP99Ms: number;
}

export interface Goal {
  name: string;
  part: Part;
  bound: 'at least' | 'at most';
  limit: number;
  unit: string;
  /** Absent when the part failed. */
  value?: number;
  isReached: boolean;
}

export type Figures = Pick<BenchReport, 'webhook' | 'sidecar' | 'controller' | 'reaction'>;

/** Judges every goal of the parts that were to run; one without a figure is missed. */
export function goalsOf(figures: Figures, parts: readonly Part[]): Goal[] {
  const { webhook, sidecar, controller, reaction } = figures;
  const all: Omit<Goal, 'isReached'>[] = [
    ...(
      webhook ?? { sluice: { byConnections: [{ connections: 1 }, { connections: 16 }] } }
    ).sluice.byConnections.map(({ connections }) =>
      goal('webhook', `webhook throughput, ${connections} connection${connections === 1 ? '' : 's'}`, {
        bound: 'at least',
        limit: 0.8,
        unit: '× Go',
        value: webhook && throughputRatio(webhook, connections),
      }),
    ),
    goal('sidecar', 'sidecar RSS', { bound: 'at most', limit: 60, unit: 'MB', value: sidecar?.rssMb }),
    goal('controller', 'controller RSS, peak', {
      bound: 'at most',
      limit: 150,
      unit: 'MB',
      value: controller?.leader.peakRssMb,
    }),
    goal('reaction', 'edit to green set, p99', {
      bound: 'at most',
      limit: 1000,
      unit: 'ms',
      value: reaction?.p99Ms,
    }),
  ];
  return all
    .filter(({ part }) => parts.includes(part))
    .map((judged) => ({ ...judged, isReached: isReached(judged) }));
}

/** Reviews per second of Sluice's webhook for each one of Go's. NaN when one was not measured. */
export function throughputRatio({ sluice, go }: WebhookFigures, connections: number): number {
  const at = ({ byConnections }: ContenderFigures): number =>
    byConnections.find((row) => row.connections === connections)?.reviewsPerSecond ?? NaN;
  return Number((at(sluice) / at(go)).toFixed(2));
}

/** Goals missed, in words. */
export function missedOf(goals: readonly Goal[]): string[] {
  return goals
    .filter(({ isReached }) => !isReached)
    .map(({ name, bound, limit, unit, value }) =>
      value === undefined
        ? `${name}: not measured`
        : `${name}: ${value} ${unit}, not ${bound} ${limit} ${unit}`,
    );
}

function goal(
  part: Part,
  name: string,
  { value, ...bound }: Pick<Goal, 'bound' | 'limit' | 'unit'> & { value: number | undefined },
): Omit<Goal, 'isReached'> {
  return { name, part, ...bound, ...(value === undefined ? {} : { value }) };
}

function isReached({ bound, limit, value = NaN }: Omit<Goal, 'isReached'>): boolean {
  return bound === 'at least' ? value >= limit : value <= limit; // NaN is neither
}
