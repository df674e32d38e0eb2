import { until, type AnyCluster } from '../../cluster/index.js';
import { exampleOf, QUICK } from './example.js';
import { statusOf } from './status.js';

/** The example with one node, and nobody on it: for what tools do to objects. @param edit tells one template from another */
export function soleNode(edit: string) {
  return exampleOf({ nodes: 1, waitTakeoverSeconds: 1, env: { ...QUICK, EDIT: edit } });
}

/** Waits until the BlueGreen says that nothing is left to do, and that an expected set is active. @throws WaitError */
export function untilRest(
  cluster: AnyCluster,
  namespace: string,
  isExpected: (active: string) => boolean,
): Promise<true> {
  return until(
    `nothing is left to do in ${namespace}`,
    async () => {
      const { phase, active, wanted, upgrade } = await statusOf(cluster, namespace);
      const isRest = phase === 'Stable' && active === wanted && upgrade === undefined;
      return isRest && isExpected(active) ? true : undefined;
    },
    { timeoutMs: 120_000, everyMs: 500 },
  );
}

/** `kubectl replace`: what the file does not say is no more. */
export async function replace(cluster: AnyCluster, namespace: string, objects: object[]): Promise<void> {
  const stdin = objects.map((each) => JSON.stringify(each)).join('\n');
  const words = ['--namespace', namespace, 'replace', '--filename', '-'];
  const { code, stderr } = await cluster.tryKubectl(words, { stdin });
  // It reads before it writes; where another write came between, a person or a tool does it again.
  if (code !== 0 && stderr.includes('(Conflict)')) return replace(cluster, namespace, objects);
  if (code !== 0) throw new Error(stderr);
}
