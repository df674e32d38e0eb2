import { createHash, timingSafeEqual } from 'node:crypto';

/** Name of the webhook that API servers ask about `statefulsets/scale`, as in the chart. */
export const SCALE_WEBHOOK = 'scale.sluice.dev';
/** Key of the webhook's TLS Secret that holds the token. */
export const SCALE_TOKEN_KEY = 'scale.token';
/** Key beside it of the token before, for as long as some API server may still ask by that. */
export const PREVIOUS_SCALE_TOKEN_KEY = 'scale.token.previous';
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

/** Whether `path` is the one of any of `tokens`, in a time that says nothing about them. */
export function isScalePath(path: string, tokens: readonly string[]): boolean {
  const asked = digest(path);
  const matches = tokens.map(
    (token) => isScaleToken(token) && timingSafeEqual(asked, digest(scalePathOf(token))),
  );
  return matches.includes(true);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
