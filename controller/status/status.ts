import { LABEL } from '../../lib/names.js';
import type { BlueGreenStatus, Phase } from '../../lib/types.js';
import { lingeringWords } from '../leave.js';
import type { Decision, Observed } from '../model.js';
import { conditionsOf } from './conditions.js';
import { notesOf } from './notes.js';
import { clientsLeft, emqxNodes, evacuations } from './nodes.js';
import { upgradeRecords, type After } from './upgrade.js';
import { gistOf, waitOf, withSince } from './wait.js';

/** What came of carrying out the decision, where that says more than the decision. */
export type Trouble =
  /** It cannot be done until a person changes something. */
  | { kind: 'refused'; message: string }
  /** It has failed again and again; it goes on being tried. */
  | { kind: 'failing'; message: string };

/**
 * The status of a BlueGreen, from what was observed and decided. Pure.
 * @param selector of the declaration's pods, in string form
 */
export function statusOf(
  observed: Observed,
  decision: Decision,
  { trouble, selector, ...after }: { trouble?: Trouble | undefined; selector: string } & After,
): BlueGreenStatus {
  const { blueGreen, sets, nowMs } = observed;
  const active = sets.find(({ name }) => name === decision.active);
  const pods = active?.pods.filter(({ terminating }) => !terminating) ?? [];
  const readyReplicas = pods.filter(({ ready }) => ready).length;
  const nodes = emqxNodes(sets, blueGreen.status?.emqxNodes ?? []);
  const notes = notesOf(observed, decision).map((note) => note.message);
  const phase: Phase = trouble ? 'Degraded' : decision.phase;
  const said = trouble?.message ?? decision.message;
  const about = trouble ? gistOf(said) : (decision.about ?? gistOf(said));
  const waitingFor = waitOf(about, blueGreen.status?.waitingFor, nowMs);
  const message = [withSince(said, waitingFor), ...notes, lingeringWords(observed)]
    .filter(Boolean)
    .join('; ');
  const stalled = trouble ? (trouble.kind === 'refused' ? 'Refused' : undefined) : decision.stalled;
  return {
    phase,
    message,
    waitingFor,
    observedGeneration: blueGreen.generation,
    conditions: conditionsOf(
      {
        phase,
        message,
        ...(stalled !== undefined && { stalled }),
        degraded: phase === 'Degraded' || stalled !== undefined,
        available: active !== undefined && readyReplicas >= decision.wantedSize,
        nowMs,
        generation: blueGreen.generation,
      },
      blueGreen.status?.conditions ?? [],
    ),
    active: active?.name ?? '',
    wanted: decision.wanted,
    replicas: pods.length,
    readyReplicas,
    nodes: `${readyReplicas}/${decision.wantedSize}`,
    selector: [selector, `${LABEL.revision}=${decision.activeRevision}`].join(','),
    services: observed.services.map(({ name }) => name).sort(),
    clientsLeft: clientsLeft(nodes, sets, decision.wanted),
    ...upgradeRecords(observed, decision, { isDone: trouble === undefined, ...after }),
    claims: [...observed.ownClaims, ...observed.claims.map(({ name }) => name)].sort(),
    emqxNodes: nodes,
    nodeEvacuationsStatus: evacuations(sets),
  };
}
