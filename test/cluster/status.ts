import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isNodeReady } from './api.js';
import { dependents, foundations } from './components.js';
import { findHolder, inhabitants } from './enclosure.js';
import type { Settings } from './settings.js';

/** What can be seen of a cluster from outside. */
export interface Status {
  readonly holder: number | undefined;
  /** Each program's process on the machine; `undefined` where none runs. */
  readonly components: Readonly<Record<string, number | undefined>>;
  readonly nodeReady: boolean;
}

export async function statusOf(settings: Settings): Promise<Status> {
  const holder = findHolder(settings);
  const inside = holder ? inhabitants(holder) : [];
  const components = [...foundations(settings, ''), ...dependents(settings)].map(({ name, args }) => {
    const process = inside.find(
      ({ argv: [program = '', ...rest] }) =>
        basename(program) === name && args.every((arg, at) => rest[at] === arg),
    );
    return [name, process?.pid] as const;
  });
  return {
    holder: holder?.pid,
    components: Object.fromEntries(components),
    nodeReady:
      holder !== undefined &&
      existsSync(settings.kubeconfig) &&
      (await isNodeReady(settings).catch(() => false)),
  };
}

/**
 * Is there when an `up` has come to its end: one that was killed may leave a Ready node without all of the first objects.
 */
export function wholeFile({ stateDir }: Settings): string {
  return join(stateDir, 'whole');
}

/** True when an `up` has come to its end, every program runs and the node is Ready. */
export async function isUp(settings: Settings): Promise<boolean> {
  const { components, nodeReady } = await statusOf(settings);
  const isWhole = existsSync(wholeFile(settings));
  return isWhole && nodeReady && Object.values(components).every((pid) => pid !== undefined);
}
