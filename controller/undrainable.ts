import type { Hindrance } from './hindrance.js';
import { mayRun } from './drained.js';
import type { Pod } from './model.js';
import { nodeOf, spokesmanOf, type Situation } from './situation.js';

/** Why a pod cannot be drained, by the word of its own sidecar; undefined where its gate knows what to do. */
export function undrainable({ name, report }: Pod, { observed }: Situation): Hindrance | undefined {
  if (observed.blueGreen.spec.withoutEvacuation !== 'Refuse' || report?.hasEvacuation !== false)
    return undefined;
  return {
    message: `EMQX in pod ${name} has no node evacuation (its API answers 404), so its clients cannot be moved; set spec.withoutEvacuation to Paced or None to go on without`,
    stalled: 'NoEvacuation',
  };
}

/**
 * Why sessions could not be handed over to a pod: EMQX refuses to move them to a node that has no evacuation. Undefined where those that
 * are to be left have none either: then that is what has to be told.
 */
export function whyNotTake({ name, report }: Pod, situation: Situation): Hindrance | undefined {
  const { observed, active, activeName } = situation;
  if (observed.blueGreen.spec.withoutEvacuation !== 'Refuse' || report?.hasEvacuation !== false)
    return undefined;
  if (!active?.pods.some((pod) => pod.report?.hasEvacuation)) return undefined;
  return {
    message: `EMQX in pod ${name} has no node evacuation (its API answers 404), so no session of ${activeName} could be moved to it: take a build of EMQX that has it, or set spec.withoutEvacuation to Paced or None to go on and lose the sessions`,
    stalled: 'NoEvacuation',
  };
}

/**
 * Why a pod without a sidecar cannot be drained, by the word of the one that would have to ask for its evacuation. Nobody could tell its
 * clients to go at a pace either: that is a gate's work.
 */
export function undrainableFromOutside({ name }: Pod, situation: Situation): Hindrance | undefined {
  const policy = situation.observed.blueGreen.spec.withoutEvacuation;
  if (policy === 'None' || !isWithoutEvacuation(situation)) return undefined;
  const paced = policy === 'Paced' ? ', nor be told to go at a pace, because the pod has no sidecar' : '';
  return {
    message: `this build of EMQX has no node evacuation (its API answers 404), so the clients of pod ${name} cannot be moved${paced}; set spec.withoutEvacuation to None to go on without: they are dropped as each pod stops`,
    stalled: 'NoEvacuation',
  };
}

/**
 * Why a pod without a sidecar cannot be drained: nobody lists a node that is known to be its. That is no proof that it holds nobody: its
 * node may have a name that tells neither the pod's nor its address, or be in another EMQX cluster; one that has just started joins later.
 */
export function unlistedFromOutside(pod: Pod, { observed }: Situation): Hindrance | undefined {
  const { sets, blueGreen } = observed;
  if (blueGreen.spec.withoutEvacuation === 'None' || nodeOf(pod, sets) !== undefined) return undefined;
  return {
    message: `which EMQX node runs in pod ${pod.name} is not known, so its clients cannot be moved: no node that runs in the EMQX cluster has the pod's name or address as its host; give it such a node name and have it join, or set spec.withoutEvacuation to None to go on without: they are dropped as the pod stops`,
    about: `the EMQX node of pod ${pod.name} to be listed`,
    ...(mayRun(pod, sets) && { stalled: 'NodeUnknown' }),
  };
}

/** Whether the API through which a node without a sidecar would be evacuated has no evacuation. */
export function isWithoutEvacuation(situation: Situation): boolean {
  return spokesmanOf(situation)?.report?.hasEvacuation === false;
}
