import { whyUnlisted } from '../lib/emqx/pairs.js';
import { parseVersion, versionOfImage, versionText } from '../lib/emqx/version.js';

/** Why nodes of two images, or versions, may not share a cluster, in words; undefined when they may, or when that is not known. */
export function whyNotTogether(from: string, to: string): string | undefined {
  const [before, after] = [from, to].map((text) => versionOfImage(text) ?? parseVersion(text));
  const why = before && after && whyUnlisted(before, after);
  if (!before || !after || why === undefined) return undefined;
  return `EMQX ${versionText(after)} is not known to share a cluster with ${versionText(before)}: ${why}`;
}
