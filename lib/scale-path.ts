import { createHash, timingSafeEqual } from 'node:crypto';

/** Name of the webhook that API servers ask about `statefulsets/scale`, as in the chart. */
export const SCALE_WEBHOOK = 'scale.sluice.dev';
/** Key of the webhook's TLS Secret that holds the token. */
export const SCALE_TOKEN_KEY = 'scale.token';
export const SCALE_PREFIX = '/scale/';

/** 32 bytes in hex: the API server allows lower-case letters and digits in a webhook's path. */
const TOKEN = /^[0-9a-f]{64}$/;

export function isScaleToken(value: string | undefined): value is string {
  return value !== undefined && TOKEN.test(value);
}

/** Path that the Scale webhook is called at. Knowing it is what tells an API server from anybody else. */
export function scalePathOf(token: string): string {
  return `${SCALE_PREFIX}${token}`;
}

/** Whether `path` is the one of `token`, in a time that says nothing about the token. */
export function isScalePath(path: string, token: string | undefined): boolean {
  return isScaleToken(token) && timingSafeEqual(digest(path), digest(scalePathOf(token)));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
