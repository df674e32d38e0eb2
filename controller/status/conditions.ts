import type { Condition, Phase } from '../../lib/types.js';

/** What the conditions are made from. */
export interface Verdict {
  phase: Phase;
  message: string;
  /** Why a person has to act; absent when nobody has to. */
  stalled?: string;
  /** Something does not work as it should. */
  degraded: boolean;
  /** As many nodes of the active set are Ready as are wanted. */
  available: boolean;
  nowMs: number;
  generation: number;
}

const IN_PROGRESS: ReadonlySet<Phase> = new Set(['Progressing', 'AwaitingPromotion', 'Delaying', 'Draining']);

/** The state of each condition in which there is nothing to explain. */
const QUIET_WHEN: Partial<Record<Condition['type'], boolean>> = {
  Reconciling: false,
  Stalled: false,
  Degraded: false,
  Available: true,
};

/**
 * The six conditions. `Ready`, `Reconciling` and `Stalled` are what kstatus (Flux, `kubectl wait`, Argo CD) reads;
 * `Available`, `Progressing` and `Degraded` are what people know from Deployments and operators.
 * @param previous those before; one whose status has not changed keeps its time
 */
export function conditionsOf(verdict: Verdict, previous: readonly Condition[]): Condition[] {
  const { phase, degraded, available } = verdict;
  const stalled = verdict.stalled !== undefined;
  const isReconciling = IN_PROGRESS.has(phase) && !stalled;
  const states: [Condition['type'], boolean][] = [
    ['Ready', phase === 'Stable' && available && !stalled && !degraded],
    ['Reconciling', isReconciling],
    ['Stalled', stalled],
    ['Available', available],
    ['Progressing', !stalled],
    ['Degraded', degraded],
  ];
  return states.map(([type, holds]) => condition(type, holds, verdict, previous));
}

function condition(
  type: Condition['type'],
  holds: boolean,
  { phase, message, stalled, nowMs, generation }: Verdict,
  previous: readonly Condition[],
): Condition {
  const status = holds ? 'True' : 'False';
  const before = previous.find((one) => one.type === type);
  const since = before?.status === status ? before.lastTransitionTime : undefined;
  return {
    type,
    status,
    reason: stalled ?? phase,
    // the words go where there is something to say; Stalled=False has nothing
    message: holds === QUIET_WHEN[type] ? '' : message,
    lastTransitionTime: since ?? new Date(nowMs).toISOString(),
    observedGeneration: generation,
  };
}
