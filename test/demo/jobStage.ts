import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { GivenCluster } from '../cluster/index.js';
import type { Running, Stage } from './crew.js';

const JOB = 'fleet';
const START_TIMEOUT = '180s';

/**
 * Runs the fleet as a Job in a namespace of its own, and the observer beside it in the same pod, on a cluster of the
 * user's: nothing on this machine reaches its pods. Their lines come through `kubectl logs` and `kubectl exec`.
 */
export function jobStage(
  cluster: GivenCluster,
  { namespace: emqxNamespace, image, env }: { namespace: string; image: string; env: NodeJS.ProcessEnv },
): Stage {
  const namespace = `${emqxNamespace}-fleet`;
  const children: ChildProcess[] = [];
  const kubectl = (...words: string[]): ChildProcess => {
    const child = spawn(
      env['SLUICE_KUBECTL'] ?? 'kubectl',
      [...cluster.kubectlArgs, '--namespace', namespace, ...words],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    children.push(child);
    return child;
  };
  const wait = async (...words: string[]) =>
    void (await cluster.kubectl(['--namespace', namespace, ...words], { timeoutMs: 200_000 }));
  return {
    async startFleet(args): Promise<Running> {
      await cluster.apply([jobOf(namespace, image, args)]);
      await wait(
        'wait',
        '--for=condition=Ready',
        'pod',
        '-l',
        `job-name=${JOB}`,
        `--timeout=${START_TIMEOUT}`,
      );
      const child = kubectl('logs', '--follow', `job/${JOB}`, '--container', 'fleet');
      return {
        child,
        stop: () => wait('exec', `job/${JOB}`, '--container', 'fleet', '--', ...END_FIRST_PROCESS),
      };
    },
    async startWatch(): Promise<Running> {
      await cluster.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }]);
      await cluster.apply([watchPodOf(namespace, image)]);
      await wait('wait', '--for=condition=Ready', 'pod/watch', `--timeout=${START_TIMEOUT}`);
      const child = kubectl('exec', '--stdin', 'pod/watch', '--', 'node', '/app/watch.mjs');
      return {
        child,
        stop: () => {
          child.stdin?.end();
          return new Promise((resolve) => child.once('exit', () => resolve()));
        },
      };
    },
    async clear() {
      for (const child of children) child.kill();
      await cluster.kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
    },
  };
}

/** The image has a shell or not; it has node. */
const END_FIRST_PROCESS = ['node', '-e', "process.kill(1, 'SIGTERM')"];

const SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: 65_532,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

function jobOf(namespace: string, image: string, args: readonly string[]): object {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: JOB, namespace },
    spec: {
      // A second fleet would be another fleet: its clients start anew and know nothing of what went before.
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              name: 'fleet',
              image,
              args: ['/app/fleet.mjs', ...args],
              command: ['node'],
              resources: { requests: { cpu: '500m', memory: '512Mi' } },
              securityContext: SECURITY,
            },
          ],
        },
      },
    },
  };
}

function watchPodOf(namespace: string, image: string): object {
  const idle = 'setInterval(() => {}, 1 << 30); process.on("SIGTERM", () => process.exit())';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'watch', namespace },
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'watch', image, command: ['node', '-e', idle], securityContext: SECURITY }],
    },
  };
}
