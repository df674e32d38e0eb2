import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { killContainer, processesOfContainer } from './containers.js';
import { takeDown } from './down.js';
import { enterNetwork } from './enclosure.js';
import { givenFrom, type Given } from './given.js';
import { loadImage, type ImageBuild } from './images/load.js';
import type { Process } from './processes.js';
import { resolvePrograms } from './programs.js';
import { run, tryRun, type Finished, type RunOptions } from './run.js';
import { settingsFrom, type Settings } from './settings.js';
import { up, type Shell } from './up.js';

export type { ChildProcess, Finished, Given, ImageBuild, Process, RunOptions, Settings, Shell };
export { CommandError } from './run.js';
export { until, WaitError } from './wait.js';
export { busyboxImage } from './components.js';
export { nodeImage } from './images/base.js';
export { contentHash } from './images/content.js';
export { GivenError } from './given.js';

/** What any cluster can do. Options of a command may carry its input, a time limit in ms and a signal. */
export interface AnyCluster {
  /** Arguments that make kubectl or a client reach this cluster. */
  readonly kubectlArgs: readonly string[];
  /** @returns its output @throws CommandError unless it ends with 0 */
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  /** As `kubectl`, however it ends. */
  tryKubectl(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** `kubectl get … -o json`, parsed. */
  get(args: readonly string[]): Promise<unknown>;
  /** Applies objects as they are, on the server's side. */
  apply(objects: readonly object[]): Promise<void>;
  helm(args: readonly string[], options?: RunOptions): Promise<string>;
}

/** The project's own cluster on this machine. */
export interface LocalCluster extends AnyCluster {
  readonly kind: 'local';
  readonly settings: Settings;
  readonly kubeconfig: string;
  /** The one node's address, where the API server and node ports are; reachable from the host too. */
  readonly nodeAddress: string;
  /** Absolute paths of kubectl and helm, for scripts. */
  readonly programs: { readonly kubectl: string; readonly helm: string };
  loadImage(image: ImageBuild): Promise<void>;
  /** Starts a program of this machine in the cluster's network: pods and Services are reachable, nothing else. */
  spawnInNetwork(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  runInNetwork(command: string, args: readonly string[], options?: RunOptions): Promise<string>;
  /** @param containerId as in a pod's status: `containerd://…` */
  processesOfContainer(containerId: string): Process[];
  /** Kills every process of a container with SIGKILL. @returns how many */
  killContainer(containerId: string): Promise<number>;
  down(): Promise<void>;
}

/** A cluster of the user's own. */
export interface GivenCluster extends AnyCluster {
  readonly kind: 'given';
  readonly given: Given;
}

export type Cluster = LocalCluster | GivenCluster;

/**
 * The cluster to test on: the one that `CONTEXT` names, else the local one, which is brought up if it is not.
 * @param shell env: see `settingsFrom` and `givenFrom`; say: told a line for each slow step
 * @throws GivenError, SettingsError, PackageError, ProgramError, CommandError, WaitError
 */
export async function useCluster(shell: Shell): Promise<Cluster> {
  const given = givenFrom(shell.env);
  return given ? useGiven(given, shell) : useLocal(shell);
}

/** As `useCluster`, for what only the local cluster can do. */
export async function useLocal(shell: Shell): Promise<LocalCluster> {
  const settings = settingsFrom(shell.env);
  const { kubectl, helm } = await up(settings, shell);
  const args = ['--kubeconfig', settings.kubeconfig];
  return {
    ...commands({ kubectl, helm }, args, args, shell.env),
    kind: 'local',
    settings,
    kubeconfig: settings.kubeconfig,
    nodeAddress: settings.nodeAddress,
    programs: { kubectl, helm },
    loadImage: (image) => loadImage(image, { ...shell, settings }),
    spawnInNetwork: (command, words, options = {}) => {
      const [enter = '', ...rest] = [...enterNetwork(settings), command, ...words];
      return spawn(enter, rest, options);
    },
    runInNetwork: (command, words, options) => {
      const [enter = '', ...rest] = [...enterNetwork(settings), command, ...words];
      return run(enter, rest, options);
    },
    processesOfContainer: (id) => processesOfContainer(settings, id),
    killContainer: (id) => killContainer(settings, id),
    down: () => takeDown(settings),
  };
}

async function useGiven(given: Given, { env, say }: Shell): Promise<GivenCluster> {
  const { cacheDir } = settingsFrom(env);
  const programs = await resolvePrograms(['kubectl', 'helm'], { env, say, cacheDir });
  return {
    ...commands(programs, ['--context', given.context], ['--kube-context', given.context], env),
    kind: 'given',
    given,
  };
}

function commands(
  programs: { readonly kubectl: string; readonly helm: string },
  kubectlArgs: readonly string[],
  helmArgs: readonly string[],
  env: NodeJS.ProcessEnv,
): AnyCluster {
  const kubectl: AnyCluster['kubectl'] = (args, options) =>
    run(programs.kubectl, [...kubectlArgs, ...args], { env, ...options });
  return {
    kubectlArgs,
    kubectl,
    tryKubectl: (args, options) => tryRun(programs.kubectl, [...kubectlArgs, ...args], { env, ...options }),
    get: async (args) => JSON.parse(await kubectl(['get', ...args, '--output', 'json'])) as unknown,
    apply: async (items) => {
      const stdin = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
      await kubectl(['apply', '--server-side', '--filename', '-'], { stdin });
    },
    helm: (args, options) => run(programs.helm, [...helmArgs, ...args], { env, ...options }),
  };
}
