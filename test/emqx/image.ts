import { dirname } from 'node:path';
import { isAtLeast } from './abilities.js';
import { bundleStandIn } from './bundle.js';

/** What a builder of images needs; the cluster's `loadImage` takes it as it is. */
export interface StandInImage {
  readonly name: string;
  readonly dockerfile: string;
  readonly context: string;
  readonly buildArgs: Readonly<Record<string, string>>;
}

/** Bundles the stand-in, to be built under the name that the real EMQX Enterprise of `version` has. */
export async function standInImage(version: string): Promise<StandInImage> {
  const bundle = await bundleStandIn();
  return {
    name: `docker.io/emqx/${isAtLeast(version, '5.0.0') ? 'emqx-enterprise' : 'emqx-ee'}:${version}`,
    // Run from dist as well as from its source: the Dockerfile is with the source.
    dockerfile: 'test/emqx/Dockerfile',
    context: dirname(bundle),
    buildArgs: { STANDIN_VERSION: version },
  };
}
