import { refused } from './failure.js';
import type { Kube } from './kube.js';
import { PATH } from './read.js';
import type { View } from './view.js';

/** Sets `spec.paused`. @throws Failure when it is so already */
export async function setPaused(kube: Kube, view: View, paused: boolean): Promise<string> {
  const { name, namespace, spec, status } = view;
  if (spec.paused === paused)
    throw refused(`bluegreen/${name} is ${paused ? 'paused already' : 'not paused'}`);
  await kube.patch(PATH.blueGreens(namespace, name), { spec: { paused } });
  const isUnderWay = paused && status.phase === 'Draining';
  const note = isUnderWay ? '; a pod that drains already goes on' : '';
  return `bluegreen/${name} ${paused ? 'paused' : 'resumed'}${note}`;
}
