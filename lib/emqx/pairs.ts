import type { Version } from './version.js';

/**
 * Why nodes of version `to` may not join a cluster of version `from`, in words; undefined when EMQX lists the pair and nothing is lost by
 * it. Patch releases of one minor version go together both ways, so that an undo is possible.
 * @see EMQX's "Rolling Upgrade Paths Since 5.0" (README and documentation)
 */
export function whyUnlisted(from: Version, to: Version): string | undefined {
  if (from.major === to.major && from.minor === to.minor) return undefined;
  if (from.major < 5 && to.major >= 5) return 'EMQX 4 and later ones cannot share a cluster';
  const isDown = to.major < from.major || (to.major === from.major && to.minor < from.minor);
  if (isDown) return 'EMQX lists no way down to an earlier minor version';
  if (from.major === 5 && to.major === 5) return withinFive(from, to);
  if (from.major === 5 && to.major === 6) {
    if (from.minor < 8) return 'EMQX lists upgrades to 6 from 5.8 on';
    return 'durable sessions are not carried over to 6 (where none are in use, nothing is lost)';
  }
  return from.major === 6 && to.major === 6 ? undefined : 'EMQX does not list this pair';
}

function withinFive(from: Version, to: Version): string | undefined {
  if (to.minor > 10) return 'EMQX does not list this pair';
  if (from.minor <= 3 && to.minor === 10) {
    return 'the routing tables of 5.3 and earlier are not kept by 5.10: go to 5.9 first';
  }
  // Its OpenTelemetry headers came after 5.9.0 and 5.10.0 were released.
  const needsPatch = from.minor === 8 && (from.patch ?? 0) >= 7 && to.minor >= 9;
  if (needsPatch && to.patch === 0) return `5.8.7 and later need 5.${to.minor}.1`;
  return undefined;
}
