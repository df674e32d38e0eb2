import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isObject, type JsonObject } from '../../lib/json.js';
import { SERVER_NAME } from './names.js';

/** What a webhook answered, its patch decoded. */
export interface ReviewAnswer {
  uid: unknown;
  isAllowed: unknown;
  /** RFC 6902; empty when there is none. */
  ops: unknown[];
  warnings: unknown[];
}

const ANSWER_MS = 5_000;

/**
 * Asks one review over a connection of its own.
 * @throws Error when there is no answer, or it is no AdmissionReview
 */
export async function askReview(
  { url }: { url: string },
  tlsDir: string,
  review: JsonObject,
): Promise<ReviewAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = https.request(
    url,
    {
      method: 'POST',
      agent: false,
      ca: readFileSync(join(tlsDir, 'ca.crt')),
      servername: SERVER_NAME,
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(ANSWER_MS),
    },
    (response) => {
      text(response).then((body) => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`${url} answered ${response.statusCode}: ${body.slice(0, 300)}`));
      }, reject);
    },
  );
  request.on('error', reject);
  request.end(JSON.stringify(review));
  return readAnswer(await promise);
}

/** Reads the body of an answer. @throws Error when it is no AdmissionReview */
export function readAnswer(body: string): ReviewAnswer {
  const review: unknown = JSON.parse(body);
  const response = isObject(review) ? review['response'] : undefined;
  if (!isObject(response)) throw new Error(`no AdmissionReview: ${body.slice(0, 300)}`);
  const { uid, allowed, patch, warnings } = response;
  const ops: unknown =
    typeof patch === 'string' ? JSON.parse(Buffer.from(patch, 'base64').toString('utf8')) : [];
  return {
    uid,
    isAllowed: allowed,
    ops: Array.isArray(ops) ? ops : [],
    warnings: Array.isArray(warnings) ? warnings : [],
  };
}
