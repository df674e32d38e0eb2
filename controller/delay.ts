import { delaySecondsOf } from '../lib/delay.js';
import type { Situation } from './situation.js';

/**
 * Milliseconds until the first node may drain, never more than the whole delay, whatever another replica's clock said; it is counted from
 * when the endpoints were first seen to hold the active set's pods alone. Without a record of a switch to what is active nothing was
 * switched: these are strays, or a former upgrade's last pods. A whole set beside the active one, and no upgrade ever recorded: the record
 * was lost with the status, so the delay begins anew.
 */
export function delayLeftMs(situation: Situation): number {
  const { observed, others, wantedSize, active, wanted, activeName } = situation;
  const { blueGreen, nowMs } = observed;
  const { upgrade, history = [] } = blueGreen.status ?? {};
  const delayMs = delaySecondsOf(blueGreen.spec) * 1000;
  const switchedTo = [...(upgrade ? [upgrade] : []), ...history].find(({ to }) => to === activeName);
  if (switchedTo?.switchedAt !== undefined)
    return Math.min(Math.max(0, Date.parse(switchedTo.switchedAt) + delayMs - nowMs), delayMs);
  // At size 0 others go while another one is wanted: the open record is not of the switch that they are left by.
  if (active !== wanted) return 0;
  const isSwitching = upgrade !== undefined && switchedTo === upgrade;
  const isLost =
    !upgrade &&
    history.length === 0 &&
    others.some(({ revision, size }) => revision !== '' && size > 0 && size >= wantedSize);
  return isSwitching || isLost ? delayMs : 0;
}
