import type { IncomingMessage } from 'node:http';
import { isObject, type Json, type JsonObject } from '../../lib/json.js';
import { FIELD_MANAGER } from '../../lib/names.js';
import { ApiError, apiErrorOf } from './errors.js';
import { asError, type Transport } from './transport.js';

/** One operation of an RFC 6902 patch. */
export type PatchOperation =
  { op: 'add' | 'replace' | 'test'; path: string; value: Json } | { op: 'remove'; path: string };

/**
 * The Kubernetes API as raw JSON. Not the library's typed client: that drops the fields that are newer than itself,
 * and pod templates are compared by value here.
 * Every method throws {@link ApiError}, or the signal's reason when it is aborted.
 */
export interface Kube {
  get(path: string, signal: AbortSignal): Promise<JsonObject>;
  /** Every item, read in pages of {@link PAGE} from one consistent snapshot. */
  list(
    path: string,
    options: { labelSelector?: string; fieldSelector?: string },
    signal: AbortSignal,
  ): Promise<JsonObject[]>;
  create(path: string, body: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  jsonPatch(path: string, operations: PatchOperation[], signal: AbortSignal): Promise<JsonObject>;
  /** RFC 7386; a `metadata.resourceVersion` in the body makes the write conditional. */
  mergePatch(path: string, body: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  update(path: string, body: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  /** @param body DeleteOptions: preconditions, propagationPolicy */
  delete(path: string, body: JsonObject, signal: AbortSignal): Promise<JsonObject>;
}

/** client-go's page size. */
const PAGE = 500;
/** For the answer's head, and again for its body: the API server's own limit for a write with webhooks is 30 s. */
const ANSWER_MS = 15_000;
/** A page of 500 objects of 64 KiB; more is not an answer that we asked for. */
const MAX_BODY_BYTES = 32 << 20;

/** @param transport how requests reach the API server */
export function makeKube(transport: Transport): Kube {
  async function call(
    method: string,
    path: string,
    signal: AbortSignal,
    payload?: { body: Json; contentType?: string },
  ): Promise<JsonObject> {
    const answer = await transport({
      method,
      path,
      accept: 'application/json',
      answerMs: ANSWER_MS,
      signal,
      ...(payload && {
        body: JSON.stringify(payload.body),
        contentType: payload.contentType ?? 'application/json',
      }),
    });
    const what = `${method} ${path.split('?')[0] ?? path}`;
    const text = await readText(what, answer, signal);
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 299) throw apiErrorOf(what, status, text);
    return parseObject(what, text);
  }

  return {
    get: (path, signal) => call('GET', path, signal),
    list: async (path, { labelSelector, fieldSelector }, signal) => {
      const items: JsonObject[] = [];
      let next = '';
      do {
        const query = listQuery({ labelSelector, fieldSelector, limit: String(PAGE), continue: next });
        const page = await call('GET', `${path}?${query}`, signal);
        items.push(...itemsOf(page));
        next = continueOf(page);
      } while (next);
      return items;
    },
    create: (path, body, signal) => call('POST', managed(path), signal, { body }),
    jsonPatch: (path, operations, signal) =>
      call('PATCH', managed(path), signal, {
        body: operations.map((operation) => ({ ...operation })),
        contentType: 'application/json-patch+json',
      }),
    mergePatch: (path, body, signal) =>
      call('PATCH', managed(path), signal, { body, contentType: 'application/merge-patch+json' }),
    update: (path, body, signal) => call('PUT', managed(path), signal, { body }),
    delete: (path, body, signal) => call('DELETE', path, signal, { body }),
  };
}

/** A query string of the values that are not empty. */
export function listQuery(values: Record<string, string | undefined>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value) query.set(key, value);
  return query.toString();
}

/** The objects of a list answer. Lists leave out each item's kind; nobody here asks for it. */
export function itemsOf(list: JsonObject): JsonObject[] {
  const { items } = list;
  return Array.isArray(items) ? items.filter(isObject) : [];
}

/** A list's token for its next page; empty on the last. */
export function continueOf(list: JsonObject): string {
  const { metadata } = list;
  return isObject(metadata) && typeof metadata['continue'] === 'string' ? metadata['continue'] : '';
}

function managed(path: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}fieldManager=${FIELD_MANAGER.controller}`;
}

/** Reads a whole answer, bounded in time and size. */
export async function readText(what: string, answer: IncomingMessage, signal: AbortSignal): Promise<string> {
  const late = setTimeout(() => {
    answer.destroy(new ApiError(what, 0, 'Timeout', `the answer was not complete within ${ANSWER_MS} ms`));
  }, ANSWER_MS);
  try {
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of answer as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > MAX_BODY_BYTES)
        throw new ApiError(what, 0, 'TooLarge', `more than ${MAX_BODY_BYTES} bytes`);
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  } catch (cause) {
    if (signal.aborted) throw asError(signal.reason);
    if (cause instanceof ApiError) throw cause;
    throw new ApiError(what, 0, 'Unreachable', 'the connection broke in the answer', { cause });
  } finally {
    clearTimeout(late);
  }
}

function parseObject(what: string, text: string): JsonObject {
  const body: unknown = JSON.parse(text);
  if (!isObject(body)) throw new ApiError(what, 0, 'Malformed', 'the answer is not a JSON object');
  return body;
}
