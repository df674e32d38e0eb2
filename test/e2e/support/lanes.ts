import { takeDown } from '../../cluster/down.js';
import { settingsFrom } from '../../cluster/settings.js';

/**
 * End-to-end files wait more than they work, so some of them run side by side: jest's workers are lanes, and each lane has a
 * cluster of its own, for a test may take Sluice away or count everything there is.
 */
export const LANES = 2;

/**
 * The environment of a lane's cluster. The first lane's is the one that is there anyway, which stays up.
 * @param lane from 1; jest's `JEST_WORKER_ID`
 */
export function laneEnv(
  env: NodeJS.ProcessEnv,
  lane = Number(env['JEST_WORKER_ID'] ?? 1),
): NodeJS.ProcessEnv {
  if (lane <= 1) return env;
  // A cluster's name has nine characters at most.
  const name = `${settingsFrom(env).name.slice(0, 8)}${lane}`;
  return { ...env, SLUICE_CLUSTER: name };
}

/** What jest calls after the last file: takes down the clusters that were brought up for more lanes than one. */
export default async function takeLanesDown(): Promise<void> {
  for (let lane = 2; lane <= LANES; lane += 1) await takeDown(settingsFrom(laneEnv(process.env, lane)));
}
