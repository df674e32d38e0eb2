import type { Operation } from 'rfc6902';
import { MOST_NODES } from '../lib/bounds.js';

/** What an admission request is answered with. */
export type Answer =
  | {
      kind: 'admit';
      /** RFC 6902, on the request's object; empty when nothing changes. */
      ops: Operation[];
      /** Shown to the user by kubectl; one sentence each, below the API server's 256 characters. */
      warnings: string[];
    }
  | {
      kind: 'refuse';
      message: string;
    };

/** Admits the request as it is. */
export function untouched(...warnings: string[]): Answer {
  return { kind: 'admit', ops: [], warnings };
}

/** Refuses a size that no revision set may have; `object` in kubectl's spelling. */
export function tooMany(object: string, replicas: number): Answer {
  return {
    kind: 'refuse',
    message: `spec.replicas of ${object} must be at most ${MOST_NODES} (EMQX nodes), and ${replicas} are asked for; nothing is changed`,
  };
}

/** Writes the AdmissionReview (`admission.k8s.io/v1`, JSON) that answers the request `uid`. */
export function writeReview(uid: string, answer: Answer): string {
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, ...responseOf(answer) },
  });
}

function responseOf(answer: Answer): object {
  if (answer.kind === 'refuse') {
    return { allowed: false, status: { code: 403, reason: 'Forbidden', message: answer.message } };
  }
  const warnings = answer.warnings.length > 0 ? { warnings: answer.warnings } : {};
  if (answer.ops.length === 0) return { allowed: true, ...warnings };
  const patch = Buffer.from(JSON.stringify(answer.ops)).toString('base64');
  return { allowed: true, patchType: 'JSONPatch', patch, ...warnings };
}
