import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { reasonOf, type Log } from '../log.js';
import type { Address, Switches } from '../settings.js';

/** A body is sent as JSON, a text as text/plain. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The management API of one major version: its paths, envelopes and manner of refusing. */
export interface Api {
  /** Answered also while the rest hangs or fails. */
  isStatus(path: string): boolean;
  answer(request: IncomingMessage, url: URL): Promise<Reply>;
  /** What it says when it breaks. */
  broken(reason: string): Reply;
}

export interface ApiServerOptions {
  readonly address: Address;
  readonly api: Api;
  readonly switches: () => Switches;
  readonly log: Log;
}

export interface ApiServer {
  close(): void;
}

/** Opens a port for an API. */
export async function serveApi({ address, api, switches, log }: ApiServerOptions): Promise<ApiServer> {
  const sockets = new Set<Socket>();
  const answer = async (request: IncomingMessage): Promise<Reply | undefined> => {
    const url = new URL(request.url ?? '/', 'http://emqx');
    const { api: habit } = switches();
    if (habit === 'down') {
      request.socket.destroy();
      return undefined;
    }
    if (api.isStatus(url.pathname)) return api.answer(request, url);
    if (habit === 'hang') return undefined;
    if (habit === 'error') return api.broken('switched on by STANDIN_API');
    return api.answer(request, url);
  };
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    void answer(request).then(
      (reply) => reply && send(response, reply),
      (error: unknown) => {
        log('error', 'api_failed', { path: request.url, reason: reasonOf(error) });
        send(response, api.broken(reasonOf(error)));
      },
    );
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (switches().api === 'down') socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  });
  return {
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const maxBody = 1024 * 1024;

/** The whole body; undefined when it is too large. */
export async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > maxBody) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** `{name}` stands for one part of the path. */
export function toPattern(path: string): RegExp {
  const escaped = path.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
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
