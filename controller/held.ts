import { MOST_NODES } from '../lib/bounds.js';
import { isBare } from './handBack.js';
import { isMixed, type Situation } from './situation.js';
import { progress, type Verdict } from './verdict.js';
import { counted } from '../lib/words.js';

/** Step 0: what the webhook holds is put back, and the declared size is carried into the BlueGreen. */
export function hold(situation: Situation): Verdict | undefined {
  const { declaration, blueGreen } = situation.observed;
  if (declaration.deleting)
    return {
      step: { kind: 'rest' },
      phase: 'Stable',
      message: `StatefulSet ${declaration.name} is being deleted`,
    };
  if (isBare(situation)) return undefined;
  if (!blueGreen.exists) return makeBlueGreen(situation);
  const { replicas, heldReplicas, wish } = declaration;
  const gotPast = replicas !== heldReplicas;
  // The size that Sluice leaves in the end is 0: beside a wish for nodes that is a stale note, and no wish for none.
  const isStaleNote = replicas === 0 && (wish ?? 0) > 0;
  const isTooMany = replicas > MOST_NODES;
  if (!declaration.frozen || !declaration.managed || gotPast) {
    const taken = isStaleNote || isTooMany ? (wish ?? MOST_NODES) : replicas;
    const because = gotPast && isTooMany ? `: ${replicas} nodes are more than ${MOST_NODES}` : '';
    return progress(
      { kind: 'holdDeclaration', ...(gotPast && { wish: taken }) },
      `putting back what an edit past the webhook changed${because}`,
    );
  }
  if (declaration.wish !== undefined && declaration.wish !== blueGreen.carried) {
    return progress(
      { kind: 'carrySize', replicas: declaration.wish },
      `${counted(declaration.wish, 'node')} wanted`,
    );
  }
  return undefined;
}

/** Promotion, rates and size were people's to decide: an upgrade in progress goes no further by defaults. */
function makeBlueGreen({ observed: { declaration, sets } }: Situation): Verdict {
  if (!isMixed(sets.filter(({ kind }) => kind !== 'lost')))
    return progress({ kind: 'createBlueGreen' }, 'making the BlueGreen with its defaults');
  return progress(
    { kind: 'createBlueGreen', paused: true },
    `BlueGreen ${declaration.name} was deleted in the middle of an upgrade: it is made again with the chart's defaults, and paused`,
  );
}
