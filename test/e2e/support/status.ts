import type { BlueGreenStatus } from '../../../lib/types.js';
import type { AnyCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';

/** What the BlueGreen of the example says, once the controller has looked at it. @throws CommandError when there is none */
export async function statusOf(cluster: AnyCluster, namespace: string): Promise<BlueGreenStatus> {
  const blueGreen = await cluster.get(['--namespace', namespace, 'bluegreen', EMQX.name]);
  return (blueGreen as { status: BlueGreenStatus }).status;
}
