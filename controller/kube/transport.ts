import http from 'node:http';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Access } from './access.js';
import { ApiError } from './errors.js';

export interface WireRequest {
  method: string;
  /** With its query. */
  path: string;
  body?: string;
  contentType?: string;
  accept: string;
  /** How long the first byte of the answer may take, milliseconds. */
  answerMs: number;
  signal: AbortSignal;
}

/** Sends one request; resolves with the answer's head, its body unread. */
export type Transport = (request: WireRequest) => Promise<IncomingMessage>;

/** Requests in flight at once; the API server's fairness queues hold the rest better than we would. */
const MAX_SOCKETS = 64;

/** A transport over kept-alive connections to the API server. */
export function makeTransport(access: Access): Transport {
  const secure = access.origin.protocol === 'https:';
  const settings = { keepAlive: true, keepAliveMsecs: 15_000, maxSockets: MAX_SOCKETS, maxFreeSockets: 8 };
  const agent = secure ? new https.Agent({ ...settings, ...access.tls }) : new http.Agent(settings);
  const base = access.origin.pathname.replace(/\/$/, '');

  return async function send(request) {
    const headers: Record<string, string | number> = { ...(await access.headers()), accept: request.accept };
    headers['user-agent'] = 'sluice-controller';
    if (request.body !== undefined) {
      headers['content-type'] = request.contentType ?? 'application/json';
      headers['content-length'] = Buffer.byteLength(request.body);
    }
    return once(secure ? https : http, agent, access.origin, base, headers, request);
  };
}

function once(
  protocol: typeof https | typeof http,
  agent: http.Agent,
  origin: URL,
  base: string,
  headers: Record<string, string | number>,
  request: WireRequest,
): Promise<IncomingMessage> {
  const what = `${request.method} ${request.path}`;
  return new Promise((resolve, reject) => {
    const { hostname, port } = origin;
    const sent = protocol.request({
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port: port || (origin.protocol === 'https:' ? 443 : 80),
      path: base + request.path,
      method: request.method,
      headers,
      agent,
      signal: request.signal,
    });
    const late = setTimeout(() => {
      sent.destroy(new ApiError(what, 0, 'Timeout', `no answer within ${request.answerMs} ms`));
    }, request.answerMs);
    sent.on('socket', (socket) => socket.setKeepAlive(true, 15_000));
    sent.on('response', (answer) => {
      clearTimeout(late);
      resolve(answer);
    });
    sent.on('error', (cause) => {
      clearTimeout(late);
      if (request.signal.aborted) return reject(asError(request.signal.reason));
      if (cause instanceof ApiError) return reject(cause);
      // the API server closed an idle connection as we began to use it; nothing of a GET can have happened twice
      if (sent.reusedSocket && request.method === 'GET') {
        once(protocol, agent, origin, base, headers, request).then(resolve, reject);
        return;
      }
      reject(new ApiError(what, 0, 'Unreachable', cause.message, { cause }));
    });
    sent.end(request.body);
  });
}

/** What an aborted signal carries, as an Error. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
