import { BLUE_GREEN, LABEL } from '../../lib/names.js';
import type { BlueGreenStatus } from '../../lib/types.js';

/** What is left of a status where no StatefulSet follows its BlueGreen. */
export type IdleStatus = Pick<BlueGreenStatus, 'phase' | 'message' | 'observedGeneration' | 'history'> & {
  active?: string;
};

/**
 * The status of a BlueGreen that steers nothing: nothing about nodes or conditions, which whoever waits for the next StatefulSet of that
 * name would take for its own. What its upgrades were is kept, and what was active last: the next one starts on the claims of that.
 * @param before as stored
 * @param told `history` of the one that has gone, its last upgrade closed; `generation` of the BlueGreen
 */
export function idleStatus(
  { namespace, name }: { namespace: string; name: string },
  { active = '' }: Partial<BlueGreenStatus>,
  told: { history: BlueGreenStatus['history']; generation: number },
): IdleStatus {
  const { history, generation } = told;
  return {
    phase: 'Idle',
    message: `there is no StatefulSet ${name} with the label ${LABEL.upgrade}: ${BLUE_GREEN} in namespace ${namespace}, so this BlueGreen steers nothing`,
    observedGeneration: generation,
    history,
    ...(active !== '' && { active }),
  };
}
