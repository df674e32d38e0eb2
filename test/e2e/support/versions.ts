import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { LocalCluster } from '../../cluster/index.js';

/** One version that an object had, as the API server told its watchers. */
export interface Version<T> {
  atMs: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: T;
}

export interface Versions<T> {
  /** In the order in which they were; first those that objects had at the beginning. */
  readonly seen: readonly Version<T>[];
  /** @throws Error when the watch had ended before: something may have been missed */
  stop(): Promise<void>;
}

/** The longest that a watch is asked for. */
const LIFE_SECONDS = 1800;

/**
 * Every version of every object of a list, with none left out.
 * @param path of the list in the API: `/api/v1/namespaces/x/services`
 */
export async function watchVersions<T>(cluster: LocalCluster, path: string): Promise<Versions<T>> {
  const list = JSON.parse(await cluster.kubectl(['get', '--raw', path])) as {
    metadata: { resourceVersion: string };
    items: T[];
  };
  const query = `watch=1&resourceVersion=${list.metadata.resourceVersion}&timeoutSeconds=${LIFE_SECONDS}`;
  const child = spawn(
    cluster.programs.kubectl,
    [...cluster.kubectlArgs, 'get', '--raw', `${path}?${query}`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  // A test that fails before it stops the watch must end all the same, and leave nothing behind.
  child.unref();
  if (child.stdout instanceof Socket) child.stdout.unref();
  const kill = () => child.kill('SIGTERM');
  process.once('exit', kill);
  const seen: Version<T>[] = list.items.map((object) => ({ atMs: Date.now(), type: 'ADDED', object }));
  let isStopped = false;
  let failure: Error | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { type, object } = JSON.parse(line) as Version<T>;
    if (['ADDED', 'MODIFIED', 'DELETED'].includes(type)) seen.push({ atMs: Date.now(), type, object });
    else failure = new Error(`the watch of ${path} said ${line}`);
  });
  const ended = new Promise<void>((resolve) =>
    child.once('close', () => {
      if (!isStopped) failure ??= new Error(`the watch of ${path} ended early`);
      resolve();
    }),
  );
  return {
    seen,
    async stop() {
      isStopped = true;
      process.removeListener('exit', kill);
      child.ref();
      kill();
      await ended;
      if (failure) throw failure;
    },
  };
}
