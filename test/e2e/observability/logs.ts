import type { LocalCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';
import { SLUICE } from '../support/sluice.js';

const PROGRAMS = ['controller', 'webhook', 'sidecar'];

/** What Sluice's programs have written so far. */
export interface Logs {
  /** How many lines each program wrote that are what a line must be. */
  counts: Record<string, number>;
  /** Every other line. */
  strays: string[];
}

/** Reads the logs of controller and webhook, and of the sidecars of the EMQX in a namespace. */
export async function readLogs(cluster: LocalCluster, namespace: string): Promise<Logs> {
  const all = ['logs', '--tail=-1', '--max-log-requests=20', '--prefix=false'];
  const texts = await Promise.all([
    cluster.kubectl([...all, '--namespace', SLUICE.namespace, '--selector', 'app.kubernetes.io/name=sluice']),
    cluster.kubectl([...all, '--namespace', namespace, '--selector', EMQX.selector, '--container=sluice']),
  ]);
  const counts = Object.fromEntries(PROGRAMS.map((program) => [program, 0]));
  const strays: string[] = [];
  for (const line of texts.flatMap((text) => text.split('\n')).filter((line) => line !== '')) {
    const program = programOf(line);
    if (program === undefined) strays.push(line);
    else counts[program] = (counts[program] ?? 0) + 1;
  }
  return { counts, strays };
}

/** The program that wrote the line; undefined when it is not one object of JSON with the keys that every line has. */
function programOf(line: string): string | undefined {
  try {
    const { level, time, program, msg } = JSON.parse(line) as Record<string, unknown>;
    const isWhole =
      [level, msg].every((text) => typeof text === 'string' && text !== '') &&
      Number.isFinite(Date.parse(String(time)));
    return isWhole && typeof program === 'string' && program !== '' ? program : undefined;
  } catch {
    return undefined;
  }
}
