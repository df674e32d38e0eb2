import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { SchemaError } from '../evacuation/request.js';
import { reasonOf, type Log } from '../log.js';
import type { Address, Switches } from '../settings.js';
import type { Denial } from './keys.js';

export interface Asked {
  /** Parts of the path in braces, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed JSON; `{}` when there was none. */
  readonly body: unknown;
}

/** A body is sent as JSON, a text as text/plain. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
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

export interface ApiServerOptions {
  readonly address: Address;
  readonly routes: readonly Route[];
  /** `GET /status`, outside of `/api/v5` too. */
  readonly status: (query: URLSearchParams) => Reply;
  readonly check: (authorization: string | undefined, method: string, path: string) => Denial | undefined;
  readonly switches: () => Switches;
  readonly log: Log;
}

export interface ApiServer {
  close(): void;
}

const maxBody = 1024 * 1024;
const base = '/api/v5';

/** An error as EMQX writes it. */
export function failed(status: number, code: string, message: string): Reply {
  return { status, body: { code, message } };
}

/** Opens the dashboard's port. Order of checks: path, method, credentials, body. */
export async function serveApi(options: ApiServerOptions): Promise<ApiServer> {
  const table = options.routes.map((route) => ({ route, pattern: toPattern(route.path) }));
  const sockets = new Set<Socket>();
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    void answer(request, table, options).then(
      (reply) => reply && send(response, reply),
      (error: unknown) => {
        options.log('error', 'api_failed', { path: request.url, reason: reasonOf(error) });
        send(response, failed(500, 'INTERNAL_ERROR', reasonOf(error)));
      },
    );
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (options.switches().api === 'down') socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.address.port, options.address.host, resolve);
  });
  return {
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

type Table = readonly { readonly route: Route; readonly pattern: RegExp }[];

async function answer(
  request: IncomingMessage,
  table: Table,
  options: ApiServerOptions,
): Promise<Reply | undefined> {
  const { api, hasNoEvacuation } = options.switches();
  const url = new URL(request.url ?? '/', 'http://emqx');
  const method = request.method ?? 'GET';
  if (api === 'down') {
    request.socket.destroy();
    return undefined;
  }
  if (url.pathname === '/status' || url.pathname === `${base}/status`)
    return options.status(url.searchParams);
  if (api === 'hang') return undefined;
  if (api === 'error') return failed(500, 'INTERNAL_ERROR', 'switched on by STANDIN_API');
  const path = url.pathname.startsWith(`${base}/`) ? url.pathname.slice(base.length) : undefined;
  const found = table
    .map(({ route, pattern }) => ({ route, match: path === undefined ? null : pattern.exec(path) }))
    .filter(({ route, match }) => match !== null && !(hasNoEvacuation && route.isEvacuation));
  if (path === undefined || found.length === 0) return pathNotFound(request);
  const hit = found.find(({ route }) => route.method === method);
  if (!hit) {
    return {
      status: 405,
      headers: { allow: [...new Set(found.map(({ route }) => route.method))].join(', ') },
    };
  }
  const denial = hit.route.isPublic ? undefined : options.check(request.headers.authorization, method, path);
  if (denial) {
    const { status, code, message, isBasic } = denial;
    const headers = isBasic ? { 'www-authenticate': 'Basic Realm="emqx-dashboard"' } : {};
    return { ...failed(status, code, message), headers };
  }
  const body = await bodyOf(request);
  if (body.kind === 'bad') return body.reply;
  try {
    const params: Record<string, string> = {};
    for (const [key, value] of Object.entries(hit.match?.groups ?? {}))
      params[key] = decodeURIComponent(value);
    return await hit.route.answer({ params, query: url.searchParams, body: body.value });
  } catch (error) {
    if (error instanceof SchemaError) return failed(400, 'BAD_REQUEST', error.message);
    throw error;
  }
}

async function bodyOf(
  request: IncomingMessage,
): Promise<{ kind: 'good'; value: unknown } | { kind: 'bad'; reply: Reply }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > maxBody) return { kind: 'bad', reply: failed(413, 'BAD_REQUEST', 'body too large') };
    chunks.push(bytes);
  }
  if (size === 0) return { kind: 'good', value: {} };
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    return {
      kind: 'bad',
      reply: failed(415, 'UNSUPPORTED_MEDIA_TYPE', 'content-type:application/json Required'),
    };
  }
  try {
    return { kind: 'good', value: JSON.parse(Buffer.concat(chunks).toString()) };
  } catch {
    return { kind: 'bad', reply: failed(400, 'BAD_REQUEST', 'Invalid json message received') };
  }
}

/** The generic handler, which comes before any check of credentials. */
function pathNotFound({ headers: { accept } }: IncomingMessage): Reply {
  if (accept?.includes('application/json')) return failed(404, 'NOT_FOUND', 'Request Path Not Found');
  return {
    status: 404,
    text: '<html><head><title>404 - NOT FOUND</title></head><body><h1>404 - NOT FOUND</h1></body></html>',
    headers: { 'content-type': 'text/html' },
  };
}

function send(response: ServerResponse, { status, body, text, headers = {} }: Reply): void {
  if (response.writableEnded || response.destroyed) return;
  if (body !== undefined) {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
    return;
  }
  response.writeHead(status, { ...(text === undefined ? {} : { 'content-type': 'text/plain' }), ...headers });
  response.end(text);
}

function toPattern(path: string): RegExp {
  const escaped = path.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
}
