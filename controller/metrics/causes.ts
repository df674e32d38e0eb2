import { ApiError, isConflict } from '../kube/errors.js';
import { SidecarError } from '../sidecars.js';

/** The parts of the controller in which something may fail: label `part`. */
export const PARTS = ['pass', 'sidecars', 'watch', 'lease', 'certificates', 'page'] as const;
export type Part = (typeof PARTS)[number];

/** Why something failed: label `cause`. */
export type Cause =
  | 'api_unreachable'
  | 'api_conflict'
  | 'api_forbidden'
  | 'api_unavailable'
  | 'api_refused'
  | 'sidecar_unreachable'
  | 'sidecar_turned_away'
  | 'sidecar_refused'
  | 'internal';

/** The cause of an error, one of a few words. */
export function causeOf(error: unknown): Cause {
  if (error instanceof SidecarError) {
    if (error.isTurnedAway) return 'sidecar_turned_away';
    return error.status === 0 ? 'sidecar_unreachable' : 'sidecar_refused';
  }
  if (!(error instanceof ApiError)) return 'internal';
  if (isConflict(error)) return 'api_conflict';
  if (error.status === 0) return 'api_unreachable';
  if (error.status === 401 || error.status === 403) return 'api_forbidden';
  return error.status === 429 || error.status >= 500 ? 'api_unavailable' : 'api_refused';
}
