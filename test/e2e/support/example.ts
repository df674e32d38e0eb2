import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { AnyCluster } from '../../cluster/index.js';
import { blueGreenManifests, emqxManifests } from '../../demo/manifest.js';
import type { Manifest } from '../../demo/manifest.js';

/** The example as a user might have written it, for a test of few clients: small, and with waits of no length. */
export interface Example {
  nodes: number;
  image?: string;
  /** In place of the image's own. */
  command?: string[];
}

/** BlueGreen, Services and StatefulSet of examples/, in the order in which they are applied. */
export function exampleOf({ nodes, image, command }: Example): Manifest[] {
  const upgrade = {
    strategy: 'blue-green',
    clients: 0,
    nodes,
    connEvictRate: 100,
    sessEvictRate: 100,
    // Above the clients' longest back-off.
    waitTakeoverSeconds: 6,
    initialDelaySeconds: 0,
  } as const;
  const manifests = [
    ...blueGreenManifests(readFileSync('examples/bluegreen.yaml', 'utf8'), upgrade),
    ...emqxManifests(readFileSync('examples/emqx.yaml', 'utf8'), upgrade),
  ];
  for (const { kind, spec } of manifests) {
    if (kind !== 'StatefulSet') continue;
    const [container] = (spec as { template: { spec: { containers: object[] } } }).template.spec.containers;
    Object.assign(container ?? {}, image !== undefined && { image }, command && { command });
  }
  return manifests;
}

/** Objects as the text of one file. */
export function fileOf(manifests: Manifest[]): string {
  return manifests.map((manifest) => stringify(manifest)).join('---\n');
}

/** `kubectl apply --filename` of one file with all objects. @returns what kubectl said */
export function applyFile(
  cluster: AnyCluster,
  namespace: string,
  manifests: Manifest[],
  ...words: string[]
): Promise<string> {
  const stdin = fileOf(manifests);
  return cluster.kubectl(['--namespace', namespace, 'apply', ...words, '--filename', '-'], { stdin });
}
