import { isObject } from '../../lib/json.js';

/** The API server's refusal of one request, or the failure to reach it (`status` 0). */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  /**
   * @param what what was tried, on what: `patch statefulset/emqx`
   * @param status HTTP status; 0 when no answer came
   * @param reason Kubernetes' machine-readable reason (`NotFound`, `Conflict`, `AlreadyExists`, …), or ours for no answer
   */
  constructor(
    what: string,
    readonly status: number,
    readonly reason: string,
    detail: string,
    options?: { cause?: unknown },
  ) {
    super(`${what}: ${detail}`, options);
  }
}

/** Reads the `Status` object that the API server answers with; a proxy's own answer is taken as text. */
export function apiErrorOf(what: string, status: number, text: string): ApiError {
  try {
    const body: unknown = JSON.parse(text);
    if (isObject(body) && body['kind'] === 'Status') {
      return new ApiError(what, status, asText(body['reason']) || 'Unknown', asText(body['message']) || text);
    }
  } catch {
    // not from the API server itself: the text below says as much as there is
  }
  return new ApiError(what, status, 'Unknown', `HTTP ${status} ${text.slice(0, 200)}`);
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The object is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** The object changed since it was read: observe again. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409 && error.reason === 'Conflict';
}

/** An object of that name exists. */
export function isAlreadyExists(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409 && error.reason === 'AlreadyExists';
}

/** The resource version asked for is no longer kept: list again. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 410 || error.reason === 'Expired');
}
