import type { IncomingMessage } from 'node:http';
import { SchemaError } from '../../evacuation/request.js';
import { readBody, toPattern, type Api, type Reply } from '../http.js';
import type { Denial } from '../keys.js';

export interface Asked {
  /** Parts of the path in braces, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed JSON; `{}` when there was none. */
  readonly body: unknown;
  readonly accept: string | undefined;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Under `/api/v5`, with parameters as `{node}`. */
  readonly path: string;
  readonly isPublic?: boolean;
  /** Missing where the build has no evacuation: as if the path did not exist. */
  readonly isEvacuation?: boolean;
  answer(asked: Asked): Reply | Promise<Reply>;
}

export interface V5Options {
  readonly routes: readonly Route[];
  /** `GET /status`, outside of `/api/v5` too. */
  readonly status: (query: URLSearchParams) => Reply;
  readonly check: (authorization: string | undefined, method: string, path: string) => Denial | undefined;
  readonly hasNoEvacuation: () => boolean;
  /** `NOT_FOUND`, and `API_NOT_EXIST` in 5.0. */
  readonly unknownPathCode: string;
}

const base = '/api/v5';

/** An error as EMQX 5 writes it. */
export function failed(status: number, code: string, message: string): Reply {
  return { status, body: { code, message } };
}

/** The API of EMQX 5. Order of checks: path, method, credentials, body. @see emqx/minirest: src/minirest_handler.erl */
export function v5Api(options: V5Options): Api {
  const table = options.routes.map((route) => ({ route, pattern: toPattern(route.path) }));
  const isStatus = (path: string) => path === '/status' || path === `${base}/status`;
  return {
    isStatus,
    broken: (reason) => failed(500, 'INTERNAL_ERROR', reason),
    answer: async (request, { pathname, searchParams }) => {
      if (isStatus(pathname)) return options.status(searchParams);
      const method = request.method ?? 'GET';
      const path = pathname.startsWith(`${base}/`) ? pathname.slice(base.length) : undefined;
      const hasNoEvacuation = options.hasNoEvacuation();
      const found = table
        .map(({ route, pattern }) => ({ route, match: path === undefined ? null : pattern.exec(path) }))
        .filter(({ route, match }) => match !== null && !(hasNoEvacuation && route.isEvacuation));
      if (path === undefined || found.length === 0) return pathNotFound(request, options.unknownPathCode);
      const hit = found.find(({ route }) => route.method === method);
      if (!hit) {
        return {
          status: 405,
          headers: { allow: [...new Set(found.map(({ route }) => route.method))].join(', ') },
        };
      }
      const denial = hit.route.isPublic
        ? undefined
        : options.check(request.headers.authorization, method, path);
      if (denial) return denied(denial);
      const body = await bodyOf(request);
      if (body.kind === 'bad') return body.reply;
      try {
        const params: Record<string, string> = {};
        for (const [key, value] of Object.entries(hit.match?.groups ?? {}))
          params[key] = decodeURIComponent(value);
        const { accept } = request.headers;
        return await hit.route.answer({ params, query: searchParams, body: body.value, accept });
      } catch (error) {
        if (error instanceof SchemaError) return failed(400, 'BAD_REQUEST', error.message);
        throw error;
      }
    },
  };
}

function denied({ status, code, message, isBasic }: Denial): Reply {
  const headers: Record<string, string> = isBasic
    ? { 'www-authenticate': 'Basic Realm="emqx-dashboard"' }
    : {};
  return { ...failed(status, code, message), headers };
}

async function bodyOf(
  request: IncomingMessage,
): Promise<{ kind: 'good'; value: unknown } | { kind: 'bad'; reply: Reply }> {
  const bytes = await readBody(request);
  if (bytes === undefined) return { kind: 'bad', reply: failed(413, 'BAD_REQUEST', 'body too large') };
  if (bytes.length === 0) return { kind: 'good', value: {} };
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    return {
      kind: 'bad',
      reply: failed(415, 'UNSUPPORTED_MEDIA_TYPE', 'content-type:application/json Required'),
    };
  }
  try {
    return { kind: 'good', value: JSON.parse(bytes.toString()) };
  } catch {
    return { kind: 'bad', reply: failed(400, 'BAD_REQUEST', 'Invalid json message received') };
  }
}

/** The generic handler, which comes before any check of credentials. */
function pathNotFound({ headers: { accept } }: IncomingMessage, code: string): Reply {
  if (accept?.includes('application/json')) return failed(404, code, 'Request Path Not Found');
  return {
    status: 404,
    text: '<html><head><title>404 - NOT FOUND</title></head><body><h1>404 - NOT FOUND</h1></body></html>',
    headers: { 'content-type': 'text/html' },
  };
}
