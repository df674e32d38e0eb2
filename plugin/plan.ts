import { paceOf, secondsToLeave } from '../lib/eta.js';
import { specOf } from '../lib/blue-green-spec.js';
import { delaySecondsOf } from '../lib/delay.js';
import { emqxContainer } from '../lib/emqx-container.js';
import { annotationOf, at, numberAt, objectAt, plainTemplate, sizeOf, textAt } from '../lib/fields.js';
import { whyNotInjectable } from '../lib/injectable.js';
import { sameJson, type JsonObject } from '../lib/json.js';
import { ANNOTATION } from '../lib/names.js';
import type { BlueGreenSpec, UpgradePhase } from '../lib/types.js';
import { counted } from '../lib/words.js';
import { differences, type Change } from './difference.js';
import { leavingNode } from '../lib/remaining.js';
import { whyNotTogether } from './pair.js';
import { phasesOf } from '../lib/phases.js';
import { isDeclaration, type NodeView, type SetView, type View } from './view.js';

/** What applying a file would do to one declaration. */
export interface Plan {
  name: string;
  namespace: string;
  /** `finish`: it wants what an upgrade in progress goes to already. `back`: what serves now, so a green is given up. `handBack`: without the label. */
  effect: 'nothing' | 'upgrade' | 'finish' | 'back' | 'handBack';
  /** Fields of the template that differ from the present one's. */
  changes: Change[];
  /** Fields of the BlueGreen that differ; they hold at once. */
  settings: Change[];
  /** Set that the upgrade goes to; absent: a new one. */
  to?: string;
  nodes: { from: number; to: number };
  /** Pods beyond today's while it lasts. */
  extraPods: number;
  /** Pods at one time, those among them that are left. */
  mostPods: number;
  clients: number;
  parts: Part[];
  seconds: number;
  /** What else one should know. */
  notes: string[];
}

export interface Part {
  what: string;
  seconds: number;
}

/** What the API server says that the objects would be; absent: the file does not speak of it. */
export interface Applied {
  statefulSet?: JsonObject;
  blueGreen?: JsonObject;
}

/**
 * Compares what would be with what is, as the controller does: by value, the declaration's template against each set's template with
 * what Sluice injected taken out. Pure.
 */
export function planOf(view: View, { statefulSet, blueGreen }: Applied): Plan {
  const { declaration, sets, status, name, namespace, nowMs } = view;
  const spec = blueGreen ? specOf(objectAt(blueGreen, 'spec')) : view.spec;
  const present = declaration?.template ?? {};
  const template = statefulSet ? plainTemplate(at(statefulSet, 'spec', 'template')) : present;
  const nodes = sizes(view, statefulSet);
  const same = sets.find((set) => set.template && sameJson(set.template, template));
  const effect = effectOf(view, {
    isChanged: !sameJson(template, present),
    isLabelled: statefulSet ? isDeclaration(statefulSet) : declaration?.isLabelled === true,
    same,
  });
  const blue = sets.find(({ roles }) => roles.includes('active'));
  // A declaration whose own pods serve is handed back without a move.
  const isMove = effect === 'upgrade' || (effect === 'handBack' && status.active !== name);
  const isKept = effect === 'upgrade' && same !== undefined;
  const left = isMove ? setsLeftBy(view, isKept ? same.name : undefined) : [];
  const leaving = left.flatMap((set) => set.nodes.filter(isThere).map((node) => leavingNode(node, nowMs)));
  const parts = isMove && blue ? partsOf(view, { spec, blue, leaving, isKept }) : [];
  return {
    name,
    namespace,
    effect,
    changes: differences(present, template),
    settings: blueGreen ? differences(view.spec as unknown as JsonObject, spec as unknown as JsonObject) : [],
    ...(isKept && { to: same.name }),
    nodes,
    extraPods: isMove ? nodes.to : 0,
    mostPods: isMove ? nodes.to + Math.max(nodes.from, leaving.length) : nodes.to,
    clients: leaving.reduce((sum, { load }) => sum + load.clients, 0),
    parts,
    seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
    notes: notesOf(view, {
      effect,
      spec,
      isLeftWithIt: left.some(({ roles }) => roles.includes('leaving')),
      isKnown: !isMove || blue?.nodes.every(({ node }) => node !== undefined) === true,
      obstacle: effect === 'upgrade' ? obstacleOf(template, { spec, from: blue?.image ?? '' }) : undefined,
    }),
  };
}

/**
 * The sets that hand their clients over: whatever will not be wanted. The set before last waits with its drain for the newest one, and is
 * left with the present one; a green that nobody was switched to yet is taken away at once.
 */
function setsLeftBy({ sets, status }: View, to: string | undefined): SetView[] {
  return sets.filter(
    ({ name, roles }) => name !== to && (name === status.active || roles.includes('leaving')),
  );
}

/** One that EMQX does not list any more is only stopping. */
function isThere({ load, deletedAtMs }: NodeView): boolean {
  return load !== undefined || deletedAtMs === undefined;
}

/** Wanted nodes now, and as the file declares them. */
function sizes({ spec, declaration }: View, statefulSet: JsonObject | undefined): Plan['nodes'] {
  const from = spec.replicas ?? declaration?.wish ?? 0;
  const wish = statefulSet && wishOf(statefulSet, declaration?.replicas ?? 0);
  const isDeclared = wish !== undefined && wish !== declaration?.wish;
  return { from, to: isDeclared ? wish : from };
}

/** Why an upgrade to a template would not start, in words that name what to change. */
function obstacleOf(
  template: JsonObject,
  { spec, from }: { spec: BlueGreenSpec; from: string },
): string | undefined {
  const emqx = emqxContainer(template, spec.emqx);
  if ('refused' in emqx) return emqx.refused;
  const refusal = whyNotInjectable(template, emqx, { isOwnSecret: spec.emqx.apiKeySecret.name === '' });
  if (refusal !== undefined || spec.allowUnlistedVersions) return refusal;
  const unlisted = whyNotTogether(from, textAt(emqx.raw, 'image'));
  return unlisted && `${unlisted}; spec.allowUnlistedVersions goes on all the same`;
}

function wishOf(applied: JsonObject, held: number): number | undefined {
  const noted = sizeOf(annotationOf(applied, ANNOTATION.replicas));
  // Without the webhook the size stands where the user wrote it.
  const written = numberAt(applied, ['spec', 'replicas'], 1);
  return written === held ? noted : written;
}

function effectOf(
  { status, declaration }: View,
  { isChanged, isLabelled, same }: { isChanged: boolean; isLabelled: boolean; same: SetView | undefined },
): Plan['effect'] {
  const isUnderWay = status.upgrade !== undefined;
  if (!isLabelled) return declaration?.isLabelled === true ? 'handBack' : 'finish';
  if (!isChanged) {
    // A refused revision stays refused, and an upgrade to the present template goes on.
    return isUnderWay && declaration?.aborted === undefined ? 'finish' : 'nothing';
  }
  if (same === undefined) return 'upgrade';
  if (same.name === status.active) return isUnderWay ? 'back' : 'nothing';
  return same.name === status.wanted ? 'finish' : 'upgrade';
}

function partsOf(
  view: View,
  {
    spec,
    blue,
    leaving,
    isKept,
  }: { spec: BlueGreenSpec; blue: SetView; leaving: Parameters<typeof secondsToLeave>[0]; isKept: boolean },
): Part[] {
  const start = startSeconds(view, blue);
  const clients = leaving.reduce((sum, { load }) => sum + load.clients, 0);
  const { connEvictRate, waitTakeover } = spec.updateStrategy.evacuationStrategy;
  const drains = `${counted(leaving.length, 'node')} ${leaving.length === 1 ? 'hands' : 'hand'} over ${counted(clients, 'client')} (${connEvictRate}/s, ${waitTakeover} s to come back)`;
  return [
    ...(start === undefined
      ? []
      : [
          {
            what: `${isKept ? 'the kept set' : 'green'} starts and joins, as ${start.like}`,
            seconds: start.seconds,
          },
        ]),
    { what: 'delay after the switch', seconds: delaySecondsOf(spec) },
    { what: drains, seconds: secondsToLeave(leaving, paceOf(spec)) },
  ];
}

/** How long green will take until the switch: as in the latest upgrade that switched, people aside; else as the present pods took. */
function startSeconds({ status, nowMs }: View, blue: SetView): { seconds: number; like: string } | undefined {
  const last = status.history?.find(({ switchedAt }) => switchedAt !== undefined);
  if (last?.switchedAt !== undefined) {
    const own = phasesOf(last, nowMs).filter(({ name }) => BEFORE_SWITCH.includes(name));
    const whole = (Date.parse(last.switchedAt) - Date.parse(last.startedAt)) / 1000;
    const seconds = own.length === 0 ? whole : own.reduce((sum, phase) => sum + phase.seconds, 0);
    return { seconds, like: 'in the latest upgrade' };
  }
  const starts = blue.nodes.flatMap(({ startMs }) => (startMs === undefined ? [] : [startMs / 1000]));
  return starts.length === 0 ? undefined : { seconds: Math.max(...starts), like: 'the present nodes did' };
}

const BEFORE_SWITCH: readonly UpgradePhase[] = ['creation', 'readiness', 'gates', 'switch'];

function notesOf(
  { status, declaration }: View,
  {
    effect,
    spec,
    isLeftWithIt,
    isKnown,
    obstacle,
  }: {
    effect: Plan['effect'];
    spec: BlueGreenSpec;
    isLeftWithIt: boolean;
    isKnown: boolean;
    obstacle: string | undefined;
  },
): string[] {
  const refusal = declaration?.aborted;
  if (effect === 'nothing' && refusal !== undefined) {
    return [
      `revision ${refusal}, which the StatefulSet asks for, is aborted; kubectl sluice retry tries it again`,
    ];
  }
  if (effect === 'nothing' || effect === 'finish') return [];
  const fate =
    effect === 'handBack'
      ? 'ends first'
      : isLeftWithIt
        ? 'waits for it: the nodes that it leaves are left together with the present ones'
        : 'is given up for it';
  return [
    ...(status.upgrade ? [`the upgrade to ${status.upgrade.to}, in progress now, ${fate}`] : []),
    ...(obstacle === undefined ? [] : [`it does not start: ${obstacle}`]),
    ...(spec.paused ? ['it waits: spec.paused of the BlueGreen is true'] : []),
    ...(spec.promotion.auto ? [] : ['it waits before the switch until somebody promotes it']),
    ...(isKnown
      ? []
      : ["the present nodes' clients are not known before the first revision set runs, and not in the time"]),
  ];
}
