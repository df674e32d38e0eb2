import type { Situation } from './situation.js';
import { progress, type Verdict } from './verdict.js';

/** What somebody took from a set is given back: its StatefulSet, left out from over its pods, or a pod's labels. */
export function restore({ observed: { sets } }: Situation): Verdict | undefined {
  const orphaned = sets.find(({ kind }) => kind === 'orphaned');
  if (orphaned) {
    const size = 1 + Math.max(...orphaned.pods.map(({ ordinal }) => ordinal));
    return progress(
      { kind: 'restoreSet', set: orphaned.name, size },
      `StatefulSet ${orphaned.name} was deleted and left ${orphaned.pods.length} pods behind: it is made again to own them`,
    );
  }
  const stray = sets.flatMap(({ pods }) => pods).find(({ lostLabels }) => lostLabels !== undefined);
  if (!stray?.lostLabels) return undefined;
  const labels = stray.lostLabels;
  return progress(
    { kind: 'relabelPod', pod: stray.name, labels },
    `pod ${stray.name} lost label ${Object.keys(labels).join(', ')}, so that its StatefulSet let it go: it gets that back; to be rid of the pod, delete it`,
  );
}
