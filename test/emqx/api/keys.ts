import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

export type Role = 'administrator' | 'viewer' | 'publisher';

export interface ApiKey {
  readonly secret: string;
  readonly role: Role;
}

/**
 * Reads EMQX's bootstrap file: `key:secret[:role]` a line; the first bad line ends the load. Before there were roles,
 * what follows the first colon is the secret.
 */
export function parseBootstrap(text: string, hasRoles: boolean): ReadonlyMap<string, ApiKey> {
  const keys = new Map<string, ApiKey>();
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue;
    const [key, ...rest] = line.trim().split(':');
    const [secret, role = 'administrator', ...more] = hasRoles ? rest : [rest.join(':')];
    if (!key || !secret || more.length > 0 || !isRole(role)) break;
    keys.set(key, { secret, role });
  }
  return keys;
}

function isRole(text: string): text is Role {
  return text === 'administrator' || text === 'viewer' || text === 'publisher';
}

/** Why credentials were not good, as EMQX spells it (emqx_dashboard.erl). */
export type Denial = {
  readonly status: 401 | 403;
  readonly code: string;
  readonly message: string;
  readonly isBasic: boolean;
};

const tokenMs = 60 * 60 * 1_000;

/** API keys, which the whole cluster shares, and the dashboard's tokens. */
export class Keys {
  readonly #keys = new Map<string, ApiKey>();
  readonly #tokens = new Map<string, number>();

  constructor(readonly now: () => number) {}

  /** The keys of the bootstrap file that could be read; a file that cannot be read gives none. */
  static fromFile(path: string, hasRoles: boolean): ReadonlyMap<string, ApiKey> {
    try {
      return parseBootstrap(readFileSync(path, 'utf8'), hasRoles);
    } catch {
      return new Map();
    }
  }

  put(key: string, value: ApiKey): void {
    this.#keys.set(key, value);
  }

  all(): readonly (readonly [string, ApiKey])[] {
    return [...this.#keys];
  }

  clear(): void {
    this.#keys.clear();
    this.#tokens.clear();
  }

  newToken(): string {
    const token = randomBytes(24).toString('base64url');
    this.#tokens.set(token, this.now() + tokenMs);
    return token;
  }

  /** Whether a request of EMQX 4 carries the id and secret of an application. */
  isApplication(authorization: string | undefined): boolean {
    const [scheme, value] = (authorization ?? '').split(' ');
    const pair = scheme?.toLowerCase() === 'basic' && value ? pairOf(value) : undefined;
    return pair !== undefined && this.#keys.get(pair.key)?.secret === pair.secret;
  }

  /** What stands against a request, or undefined. */
  check(authorization: string | undefined, method: string, path: string): Denial | undefined {
    const [scheme, value] = (authorization ?? '').split(' ');
    if (scheme?.toLowerCase() === 'bearer' && value) return this.#checkToken(value);
    if (scheme?.toLowerCase() !== 'basic' || !value) {
      return basic('AUTHORIZATION_HEADER_ERROR', 'Support authorization: basic/bearer ');
    }
    const pair = pairOf(value);
    if (!pair) return basic('AUTHORIZATION_HEADER_ERROR', 'Support authorization: basic/bearer ');
    const key = this.#keys.get(pair.key);
    if (!key || key.secret !== pair.secret) return basic('BAD_API_KEY_OR_SECRET', 'Check api_key/api_secret');
    if (/^\/(users|api_key|logout)(\/|$)/.test(path)) {
      return basic('API_KEY_NOT_ALLOW', "This API Key don't have permission to access this resource");
    }
    const isAllowed =
      key.role === 'administrator' ||
      (key.role === 'viewer' && method === 'GET') ||
      path.startsWith('/publish');
    if (isAllowed) return undefined;
    return {
      status: 403,
      code: 'UNAUTHORIZED_ROLE',
      message: "You don't have permission to access this resource",
      isBasic: false,
    };
  }

  #checkToken(token: string): Denial | undefined {
    const until = this.#tokens.get(token);
    if (until === undefined)
      return { status: 401, code: 'BAD_TOKEN', message: 'Get a token by POST /login', isBasic: false };
    if (until > this.now()) return undefined;
    return {
      status: 401,
      code: 'TOKEN_TIME_OUT',
      message: 'Token expired, get new token by POST /login',
      isBasic: false,
    };
  }
}

function pairOf(base64: string): { readonly key: string; readonly secret: string } | undefined {
  const text = Buffer.from(base64, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { key: text.slice(0, colon), secret: text.slice(colon + 1) };
}

function basic(code: string, message: string): Denial {
  return { status: 401, code, message, isBasic: true };
}
