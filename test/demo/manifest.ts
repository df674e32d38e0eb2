import { parseAllDocuments } from 'yaml';
import { BLUE_GREEN, LABEL } from '../../lib/names.js';
import type { UpgradeSettings } from '../fleet/evidence.js';

/** Any object of a manifest. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec?: Record<string, unknown>;
}

/** What a user's own cluster needs instead of the example's image and (missing) licence. */
export interface Replacement {
  image: string;
  license: string;
}

/** Reads all objects of a YAML file. @throws YAMLParseError on the first that is none */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS() as Manifest;
  });
}

/**
 * The example as it is; for the rolling baseline without the label, which is all that makes Sluice care.
 * @param replacement for clusters that run the real image
 */
export function emqxManifests(
  text: string,
  { strategy, nodes }: Pick<UpgradeSettings, 'strategy' | 'nodes'>,
  replacement?: Replacement,
): Manifest[] {
  return parseManifests(text).map((manifest) => {
    if (manifest.kind !== 'StatefulSet') return manifest;
    const others = Object.fromEntries(
      Object.entries(manifest.metadata.labels ?? {}).filter(([key]) => key !== LABEL.upgrade),
    );
    const labels = strategy === 'rolling' ? others : { ...others, [LABEL.upgrade]: BLUE_GREEN };
    const set = { ...manifest, metadata: { ...manifest.metadata, labels } };
    set.spec = { ...set.spec, replicas: nodes };
    return replacement ? withReplacement(set, replacement) : set;
  });
}

/** The example's BlueGreen with the demo's rates and waits. */
export function blueGreenManifests(text: string, upgrade: UpgradeSettings): Manifest[] {
  return parseManifests(text).map((manifest) => ({
    ...manifest,
    spec: {
      ...manifest.spec,
      updateStrategy: {
        type: 'Recreate',
        initialDelaySeconds: upgrade.initialDelaySeconds,
        evacuationStrategy: {
          waitTakeover: upgrade.waitTakeoverSeconds,
          connEvictRate: upgrade.connEvictRate,
          sessEvictRate: upgrade.sessEvictRate,
        },
      },
    },
  }));
}

function withReplacement(set: Manifest, { image, license }: Replacement): Manifest {
  const copy = structuredClone(set) as Manifest & {
    spec: { template: { spec: { containers: { image: string; env: object[] }[] } } };
  };
  for (const container of copy.spec.template.spec.containers) {
    container.image = image;
    container.env.push({ name: 'EMQX_LICENSE__KEY', value: license });
  }
  return copy;
}
