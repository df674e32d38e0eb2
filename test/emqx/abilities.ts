/** What a release of EMQX has and has not, by its change log (`changes/` in emqx/emqx) and the documentation of 4.4. */
export interface Abilities {
  /** Of the management API: 4.4 Enterprise, or 5 and later. */
  readonly api: 4 | 5;
  /** `load_rebalance` is in the release. */
  readonly hasEvacuation: boolean;
  /** `evacuation/start` knows `wait_health_check`, and the state exists. */
  readonly hasHealthCheckWait: boolean;
  /** Waits may be durations (`"10s"`) and 0; else plain integers of at least 1. */
  readonly takesDurations: boolean;
  /** `availability_check` wants no credentials. */
  readonly isAvailabilityPublic: boolean;
  /** EMQX 4: its metrics for Prometheus want no credentials. */
  readonly isScrapePublic: boolean;
  /** The eviction agent is armed by the start call, so that a clash with a rebalance is refused there. */
  readonly isArmedAtOnce: boolean;
  /** Sessions opened with clean start, and kept by an expiry, are moved too. */
  readonly movesCleanSessions: boolean;
  /** `redirect_to` reaches clients when it comes over HTTP. */
  readonly redirects: boolean;
  /** A node with a leftover `.evacuation` starts. */
  readonly startsEvacuating: boolean;
  /** `global_status` has `purges`. */
  readonly hasPurges: boolean;
  /** A rebalance takes time-outs for its calls, and tells them. */
  readonly hasRpcTimeouts: boolean;
  /** `GET /nodes` has `live_connections`. */
  readonly hasLiveConnections: boolean;
  /** The bootstrap file has a third column. */
  readonly hasRoles: boolean;
  /** One edition, whose built-in licence is for one node. */
  readonly isUnified: boolean;
}

export type Edition = 'Enterprise' | 'Opensource';

/** @param version as EMQX writes it: `5.8.8` */
export function abilitiesOf(version: string, edition: Edition): Abilities {
  const isUnified = isAtLeast(version, '5.9.0');
  const isEnterprise = isUnified || edition === 'Enterprise';
  if (!isAtLeast(version, '5.0.0')) {
    const isLate = isAtLeast(version, '4.4.24');
    return {
      api: 4,
      hasEvacuation: isEnterprise && isAtLeast(version, '4.4.12'),
      hasHealthCheckWait: false,
      takesDurations: false,
      isAvailabilityPublic: isLate,
      isScrapePublic: isAtLeast(version, '4.4.11'),
      isArmedAtOnce: true,
      movesCleanSessions: isLate,
      redirects: true,
      startsEvacuating: true,
      hasPurges: false,
      hasRpcTimeouts: false,
      hasLiveConnections: false,
      hasRoles: false,
      isUnified,
    };
  }
  const hasHealthCheckWait = isAtLeast(version, '5.1.0');
  return {
    api: 5,
    hasEvacuation: isEnterprise && isAtLeast(version, '5.0.4'),
    hasHealthCheckWait,
    takesDurations: isAtLeast(version, '5.1.1'),
    isAvailabilityPublic: isAtLeast(version, '5.4.0'),
    isScrapePublic: true,
    isArmedAtOnce: !hasHealthCheckWait || isAtLeast(version, '5.4.0'),
    movesCleanSessions: isAtLeast(version, '5.2.1'),
    redirects: false,
    startsEvacuating: isAtLeast(version, '5.7.0'),
    hasPurges: isAtLeast(version, '5.2.1'),
    hasRpcTimeouts: isUnified,
    hasLiveConnections: hasHealthCheckWait,
    hasRoles: isAtLeast(version, '5.4.0'),
    isUnified,
  };
}

/** A pre-release counts as its release. */
export function isAtLeast(version: string, least: string): boolean {
  const has = partsOf(version);
  for (const [at, wanted] of partsOf(least).entries()) {
    const part = has[at] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

function partsOf(version: string): readonly number[] {
  return version
    .replace(/[-+].*$/, '')
    .split('.')
    .map(Number);
}
