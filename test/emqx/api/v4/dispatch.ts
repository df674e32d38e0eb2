import type { IncomingMessage } from 'node:http';
import { readBody, toPattern, type Api, type Reply } from '../http.js';

/** One member of the query or of the body; an array's members have no key. */
export interface Param {
  readonly key: string | undefined;
  readonly value: unknown;
}

export interface V4Asked {
  /** Parts of the path in braces, as they came: nothing is decoded. */
  readonly bindings: Readonly<Record<string, string>>;
  /** Those of the query, then those of the body. */
  readonly params: readonly Param[];
}

export interface V4Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Under `/api/v4`, with parameters as `{node}`. */
  readonly path: string;
  readonly isPublic?: boolean;
  /** Missing where the plugins are not loaded. */
  readonly isEvacuation?: boolean;
  answer(asked: V4Asked): Reply | Promise<Reply>;
}

export interface V4Options {
  readonly routes: readonly V4Route[];
  readonly status: () => Reply;
  readonly isAuthorized: (authorization: string | undefined) => boolean;
  readonly hasNoEvacuation: () => boolean;
}

/** A refusal of a call's parameters, which becomes `{"code":400,…}` inside of a 200. */
export class ValidationError extends Error {}

const base = '/api/v4';
const notFound: Reply = { status: 404, text: 'Not found.' };

export function succeeded(data?: unknown): Reply {
  return { status: 200, body: data === undefined ? { code: 0 } : { data, code: 0 } };
}

/** EMQX 4 refuses inside of a 200. */
export function refused(message: string, code = 400): Reply {
  return { status: 200, body: { message, code } };
}

/**
 * The API of EMQX 4.4. Order of checks: credentials, path with method, parameters.
 * @see emqx/minirest 0.3: src/minirest.erl, src/minirest_handler.erl
 */
export function v4Api(options: V4Options): Api {
  const table = options.routes.map((route) => ({ route, pattern: toPattern(route.path) }));
  return {
    isStatus: (path) => path === '/status',
    broken: () => ({ status: 500, text: 'Internal Error' }),
    answer: async (request, { pathname, searchParams }) => {
      const method = request.method ?? 'GET';
      if (pathname === '/status') {
        return method === 'GET' ? options.status() : { status: 400, text: 'Not found.' };
      }
      if (!pathname.startsWith(`${base}/`)) return { status: 404 };
      const path = pathname.slice(base.length);
      const found = table
        .map(({ route, pattern }) => ({ route, match: pattern.exec(path) }))
        .find(({ route, match }) => match !== null && route.method === method);
      if (!found?.route.isPublic && !options.isAuthorized(request.headers.authorization)) {
        return {
          status: 401,
          text: 'UNAUTHORIZED',
          headers: {
            'content-type': 'application/json',
            'www-authenticate': 'Basic Realm="minirest-server"',
          },
        };
      }
      if (!found || (found.route.isEvacuation && options.hasNoEvacuation())) return notFound;
      const body = await bodyOf(request);
      if (body === undefined) return { status: 400, text: 'Bad Request' };
      try {
        const query = [...searchParams].map(([key, value]) => ({ key, value }));
        return await found.route.answer({
          bindings: found.match?.groups ?? {},
          params: [...query, ...body],
        });
      } catch (error) {
        if (error instanceof ValidationError) return refused(error.message);
        throw error;
      }
    },
  };
}

/** Whatever its content type says. Undefined: no JSON. @throws when it is neither object nor array, as EMQX crashes */
async function bodyOf(request: IncomingMessage): Promise<readonly Param[] | undefined> {
  const bytes = await readBody(request);
  if (bytes === undefined) return undefined;
  if (bytes.length === 0) return [];
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  if (Array.isArray(json)) return json.map((value: unknown) => ({ key: undefined, value }));
  if (typeof json === 'object' && json !== null)
    return Object.entries(json).map(([key, value]: [string, unknown]) => ({ key, value }));
  throw new Error('function_clause');
}
