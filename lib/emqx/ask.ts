import { isObject, type Json } from '../json.js';
import { EmqxApiError } from './errors.js';
import { exchange, type HttpAnswer, type HttpRequest } from './http.js';
import { MalformedAnswer } from './parse.js';

/** Where and as whom one EMQX node's management API is asked. */
export interface EmqxAccess {
  host: string;
  port: number;
  /** The API key at this moment; read anew for each request, because it may be rotated. */
  credentials: () => { key: string; secret: string };
  /** Milliseconds for one request; EMQX's own calls between nodes take up to 15 s. */
  timeoutMs?: number;
}

export type Method = HttpRequest['method'];

const DEFAULT_TIMEOUT_MS = 20_000;
/** 1,000 nodes of less than 1 KiB each, and some. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * One request with the API key.
 * @throws EmqxApiError with status 0 when no whole answer comes
 */
export async function request(
  access: EmqxAccess,
  method: Method,
  path: string,
  signal: AbortSignal,
  body?: Json,
): Promise<HttpAnswer> {
  const { key, secret } = access.credentials();
  try {
    return await exchange({
      host: access.host,
      port: access.port,
      method,
      path,
      headers: {
        Accept: 'application/json',
        Authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      timeoutMs: access.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
      signal,
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EmqxApiError(`${method} ${path} got no answer: ${why}`, 0, '', '', { cause });
  }
}

/**
 * One request whose answer is JSON; an empty one (204) counts as null.
 * @throws EmqxApiError when the HTTP status is not 2xx, with EMQX's own code and words where it sent some
 */
export async function ask(
  access: EmqxAccess,
  method: Method,
  path: string,
  signal: AbortSignal,
  body?: Json,
): Promise<Json> {
  const { status, text } = await request(access, method, path, signal, body);
  const what = `${method} ${path}`;
  const json = jsonOf(text);
  if (status >= 200 && status < 300) {
    if (json === undefined) throw new EmqxApiError(`${what} answered no JSON`, 0);
    return json;
  }
  const code = isObject(json) && typeof json['code'] === 'string' ? json['code'] : '';
  const refusal = isObject(json) && typeof json['message'] === 'string' ? json['message'] : '';
  throw new EmqxApiError(`${what} refused: ${status} ${code} ${refusal}`.trimEnd(), status, code, refusal);
}

/** Whether a call was accepted; false when EMQX's 400 says `refusal`, which means there was nothing to do. */
export async function isAccepted(refusal: RegExp, call: Promise<Json>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof EmqxApiError && error.status === 400 && refusal.test(error.refusal)) return false;
    throw error;
  }
}

/** Reads an answer. @throws EmqxApiError when it is not what EMQX documents */
export function parsed<T>(parse: (raw: Json) => T, raw: Json): T {
  try {
    return parse(raw);
  } catch (cause) {
    if (cause instanceof MalformedAnswer)
      throw new EmqxApiError(`malformed answer: ${cause.message}`, 0, '', '', { cause });
    throw cause;
  }
}

/** EMQX's own tests send `@` as it is; whether it decodes `%40` is not known. */
export function inPath(node: string): string {
  return encodeURIComponent(node).replaceAll('%40', '@');
}

/** The JSON of a body; undefined when it is none. */
export function jsonOf(text: string): Json | undefined {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
