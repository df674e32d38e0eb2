import { expect } from '@jest/globals';
import { LABEL } from '../../../lib/names.js';
import type { LocalCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';
import { watchVersions, type Versions } from './versions.js';

export interface Selector {
  metadata: { name: string };
  spec: { selector?: Record<string, string> };
}

/** Every version of every Service of a namespace. */
export function watchServices(cluster: LocalCluster, namespace: string): Promise<Versions<Selector>> {
  return watchVersions<Selector>(cluster, `/api/v1/namespaces/${namespace}/services`);
}

/** The revision that each version of the client Service selected; `''` for one that selected every revision. */
function revisionsOf({ seen }: Versions<Selector>): { atMs: number; revision: string }[] {
  return seen
    .filter(({ object }) => object.metadata.name === EMQX.name)
    .map(({ atMs, object }) => ({ atMs, revision: object.spec.selector?.[LABEL.revision] ?? '' }));
}

/** @returns what ends the watch and tells which revisions the Service selected, one after the other; none of them is `''` */
export async function watchPinned(
  cluster: LocalCluster,
  namespace: string,
): Promise<() => Promise<string[]>> {
  const versions = await watchServices(cluster, namespace);
  return async () => {
    await versions.stop();
    const revisions = revisionsOf(versions).map(({ revision }) => revision);
    expect(revisions.length).toBeGreaterThan(0);
    expect(revisions).not.toContain('');
    return revisions.filter((revision, index) => revision !== revisions[index - 1]);
  };
}

/** How long the Service selected every revision, each time, in ms; infinite where it still does. */
export function gapsOf(versions: Versions<Selector>): number[] {
  const gaps: number[] = [];
  let sinceMs: number | undefined;
  for (const { atMs, revision } of revisionsOf(versions)) {
    if (revision === '') {
      sinceMs ??= atMs;
    } else if (sinceMs !== undefined) {
      gaps.push(atMs - sinceMs);
      sinceMs = undefined;
    }
  }
  return sinceMs === undefined ? gaps : [...gaps, Number.POSITIVE_INFINITY];
}
