import type { LocalCluster } from '../cluster/index.js';
import type { Running, Stage } from './crew.js';
import type { Programs } from './programs.js';

/** Below the control plane, which shares the machine. */
const FLEET_NICENESS = '10';

/** Runs both programs in the network of the local cluster, from where Services and pods can be reached. */
export function localStage(cluster: LocalCluster, programs: Programs): Stage {
  const started: Running[] = [];
  const start = (command: string, args: readonly string[]): Promise<Running> => {
    const child = cluster.spawnInNetwork(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => resolve());
    });
    const running: Running = {
      child,
      stop: () => {
        child.kill('SIGTERM');
        return ended;
      },
    };
    started.push(running);
    return Promise.resolve(running);
  };
  return {
    startFleet: (args) => start('nice', ['-n', FLEET_NICENESS, process.execPath, programs.fleet, ...args]),
    startWatch: () => start(process.execPath, [programs.watch]),
    async clear() {
      await Promise.allSettled(
        started.filter(({ child }) => child.exitCode === null).map((running) => running.stop()),
      );
    },
  };
}
