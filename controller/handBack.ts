import { sameJson } from '../lib/json.js';
import type { Hindrance } from './hindrance.js';
import type { NodeSet } from './model.js';
import { isEmpty, type Situation } from './situation.js';
import { progress, waitFor, type Verdict } from './verdict.js';

/**
 * The end of a hand-back: the declaration's own pods serve, every other set has come down, and now all that Sluice has written goes,
 * in an order in which a Service selects the same pods all the time and a death in between is made up for by the next pass.
 */
export function handBack(situation: Situation): Verdict | undefined {
  const { observed, active, others, wantedSize } = situation;
  const { declaration, blueGreen, sets, marked } = observed;
  const own = ownOf(situation);
  if (!own || blueGreen.spec.paused || others.some((set) => !isEmpty(set))) return undefined;
  const isLast = isBare(situation);
  if (!isLast && (own.size !== wantedSize || (own.size === 0 && own.pods.length > 0))) return undefined;
  if (active !== own) {
    // With nodes the Services switch first; at size 0 there are none.
    if (wantedSize > 0 || (active && !isEmpty(active))) return undefined;
    if (whyNotWithoutNodes(situation)) return undefined;
  }

  const back = `handing ${own.name} back: `;
  if (marked.length > 0) {
    return progress(
      { kind: 'unpinServices', services: marked },
      `${back}${marked.join(', ')} ${marked.length > 1 ? 'select' : 'selects'} without revision`,
    );
  }
  // Pods without their label would be nobody's for as long as the old selector is what is known.
  const [lagging] = observed.lagging;
  const pods = labelledPods(own);
  if (pods.length > 0 && lagging !== undefined)
    return waitFor('Progressing', `${back}the EndpointSlices of Service ${lagging} do not follow it yet`);
  // Should a Service be pinned again meanwhile, this is taken away before, and what is planned from it is late.
  const unnoted = own.pods.filter(({ name, handedBack }) => pods.includes(name) && !handedBack);
  if (unnoted.length > 0) {
    const step = { kind: 'notePods', pods: unnoted.map(({ name }) => name) } as const;
    return progress(step, `${back}labels of its pods are about to go`);
  }
  if (pods.length > 0) return progress({ kind: 'unlabelPods', pods }, `${back}labels of its pods go`);
  const left = sets.find((set) => set !== own);
  if (left) {
    const claims = observed.claims.filter(({ revision }) => revision === left.revision);
    if (claims.length > 0) {
      const names = claims.map(({ name }) => name);
      return progress(
        { kind: 'deleteClaims', claims: names },
        `${back}${names.join(', ')} of ${left.name} go`,
      );
    }
    const because = `${declaration.name} is handed back`;
    return progress({ kind: 'deleteSet', set: left.name, because }, `${back}${left.name} goes`);
  }
  if (!isLast && declaration.wish !== wantedSize) {
    // The BlueGreen is the only one to know of an autoscaler's size, and goes next.
    return progress({ kind: 'holdDeclaration', wish: wantedSize }, `${back}its size is noted`);
  }
  if (!isLast) return progress({ kind: 'dropBlueGreen' }, `${back}its BlueGreen goes`);
  if (!declaration.startsAsWritten) {
    return waitFor(
      'Progressing',
      `${back}its pods would restart now: the StatefulSet controller has not seen its template yet`,
    );
  }
  if (declaration.frozen) {
    return progress({ kind: 'restoreStrategy' }, `${back}its update strategy is its own again`);
  }
  return {
    step: { kind: 'letGo' },
    phase: 'Stable',
    message: `${own.name} was handed back: its own pods serve, and its update strategy rolls changes of its template`,
  };
}

/**
 * Whether nothing of Sluice is left but what is on the declaration itself: it is not held any more. Its size is then what it runs,
 * whoever gave it; but one that was declared meanwhile, which the webhook only notes, is carried out first.
 */
export function isBare(situation: Situation): boolean {
  const { sets, marked, blueGreen, declaration } = situation.observed;
  const { replicas, heldReplicas, wish } = declaration;
  const own = ownOf(situation);
  return (
    own !== undefined &&
    (replicas !== heldReplicas || wish === undefined || wish === replicas) &&
    sets.length === 1 &&
    marked.length === 0 &&
    labelledPods(own).length === 0 &&
    !(blueGreen.exists && (blueGreen.isOurs || blueGreen.isNoted)) &&
    (own.size > 0 || (wish ?? 0) === 0)
  );
}

/** The declaration's own pods, when it is handed back and they are what is wanted. */
function ownOf({ observed, wanted, isAborted }: Situation): NodeSet | undefined {
  const { handingBack, template } = observed.declaration;
  if (!handingBack || isAborted || wanted?.kind !== 'declaration') return undefined;
  return sameJson(wanted.template, template) ? wanted : undefined;
}

function labelledPods({ pods }: NodeSet): string[] {
  return pods
    .filter(
      ({ revision, evacuationNote, emptySinceMs, handedBack, terminating }) =>
        !terminating &&
        [revision, evacuationNote, emptySinceMs, handedBack].some((noted) => noted !== undefined),
    )
    .map(({ name }) => name);
}

/** Why a hand-back at size 0 waits for nodes: what is active keeps its data on claims. */
export function whyNotWithoutNodes(situation: Situation): Hindrance | undefined {
  const { observed, active, wantedSize } = situation;
  const own = ownOf(situation);
  if (!own || !active || active === own || wantedSize > 0) return undefined;
  if (!observed.claims.some(({ revision }) => revision === active.revision)) return undefined;
  const { name } = observed.declaration;
  return {
    message: `handing back waits for a node: the data is on the claims of ${active.name}, and goes over only while both run; scale it to 1 or more with kubectl scale statefulset ${name} --replicas=1`,
    stalled: 'SizeZero',
  };
}
