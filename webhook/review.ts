import { objectAt, textAt } from '../lib/fields.js';
import { isObject, type JsonObject } from '../lib/json.js';

/** One admission request, its names those of `admission.k8s.io/v1`, reduced to what a decision may depend on. */
export interface AdmissionRequest {
  uid: string;
  operation: string;
  /** Group and plural of the resource, such as `apps/statefulsets`; a core one is just `services`. */
  resource: string;
  /** Empty for the object itself. */
  subResource: string;
  namespace: string;
  name: string;
  /** `userInfo.username`. */
  user: string;
  dryRun: boolean;
  /** Empty for DELETE. */
  object: JsonObject;
  /** Empty for CREATE. */
  oldObject: JsonObject;
}

/** The body was no AdmissionReview: there is no uid to answer to. */
export class MalformedReviewError extends Error {
  override readonly name = 'MalformedReviewError';
}

/**
 * Reads the body of `POST /mutate`.
 * @throws MalformedReviewError when it is not JSON, or has no request with a uid
 */
export function parseReview(body: string): AdmissionRequest {
  const request = objectAt(parseJson(body), 'request');
  const uid = textAt(request, 'uid');
  if (uid === '') throw new MalformedReviewError('AdmissionReview has no request.uid');
  const resource = objectAt(request, 'resource');
  const [group, plural] = [textAt(resource, 'group'), textAt(resource, 'resource')];
  return {
    uid,
    operation: textAt(request, 'operation'),
    resource: group === '' ? plural : `${group}/${plural}`,
    subResource: textAt(request, 'subResource'),
    namespace: textAt(request, 'namespace'),
    name: textAt(request, 'name'),
    user: textAt(request, 'userInfo', 'username'),
    dryRun: request['dryRun'] === true,
    object: objectAt(request, 'object'),
    oldObject: objectAt(request, 'oldObject'),
  };
}

export function labelsOf(object: JsonObject): JsonObject {
  return objectAt(object, 'metadata', 'labels');
}

export function annotationsOf(object: JsonObject): JsonObject {
  return objectAt(object, 'metadata', 'annotations');
}

/** Whether the object is on its way out; nobody may stand in the way of that. */
export function isBeingDeleted(object: JsonObject): boolean {
  return textAt(object, 'metadata', 'deletionTimestamp') !== '';
}

function parseJson(body: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new MalformedReviewError('body is not JSON', { cause });
  }
  return isObject(value) ? value : {};
}
