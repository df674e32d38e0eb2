import { delaySecondsOf } from '../../lib/delay.js';
import type { BlueGreenSpec, BlueGreenStatus, EvacuationState } from '../../lib/types.js';
import { podOfNode } from '../situation.js';

/**
 * When the last of the waits ends that an upgrade makes because it is told to (`initialDelaySeconds` after the switch, and of a node that
 * load balancers may still know; `waitTakeover`), in seconds since 1970; undefined while none waits. Pure.
 * @param status its record has when each drain came into the state that it is in, whoever led then
 */
export function configuredWaitEnd(
  { phase, upgrade, nodeEvacuationsStatus }: BlueGreenStatus,
  spec: BlueGreenSpec,
): number | undefined {
  const delayEnd =
    phase === 'Delaying' && upgrade?.switchedAt !== undefined
      ? [Date.parse(upgrade.switchedAt) / 1000 + delaySecondsOf(spec)]
      : [];
  const drainEnds = (upgrade?.steps ?? []).flatMap(({ name, pod, endedAt, states = [] }) => {
    const last = states.at(-1);
    if (name !== 'drain' || endedAt !== undefined || !last) return [];
    const isSo = nodeEvacuationsStatus.some(
      ({ node, state }) => podOfNode(node) === pod && state === last.state,
    );
    const seconds = isSo ? waitSeconds(last.state, spec) : undefined;
    return seconds === undefined ? [] : [Date.parse(last.at) / 1000 + seconds];
  });
  const ends = [...delayEnd, ...drainEnds];
  return ends.length === 0 ? undefined : Math.max(...ends);
}

function waitSeconds(state: EvacuationState, spec: BlueGreenSpec): number | undefined {
  if (state === 'waiting_takeover') return spec.updateStrategy.evacuationStrategy.waitTakeover;
  return state === 'waiting_health_check' ? delaySecondsOf(spec) : undefined;
}
