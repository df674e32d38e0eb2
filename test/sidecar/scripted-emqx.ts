import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as the scripted EMQX saw it. */
export interface Asked {
  method: string;
  path: string;
  body: unknown;
  authorization: string;
}

/** What to answer: a status with a JSON body (or raw text), or nothing at all. */
export type Answer =
  { status: number; body?: unknown; text?: string; html?: boolean; challenge?: string } | 'hang' | 'cut';

/** State of one EMQX node's management API that a test scripts by hand. */
export interface Script {
  /** EMQX 4: `/api/v4`, answers in an envelope, and another way to ask for a key. */
  isV4?: boolean;
  self: string;
  nodes: unknown[];
  /** Answers of `GET /load_rebalance/status`, in order; the last one stays. */
  status: Answer[];
  /** Answers of `POST …/evacuation/start`, in order; the last one stays. */
  start: Answer[];
  others?: (asked: Asked) => Answer | undefined;
  /** It takes every connection and answers nothing, not even to whoever has no key. */
  isSilent?: boolean;
  /** How long each answer of its status takes, in milliseconds. */
  slowMs?: number;
}

export interface ScriptedEmqx {
  port: number;
  asked: Asked[];
  script: Script;
  /** Most requests that were open at one time. */
  mostAtOnce: () => number;
  close: () => Promise<void>;
}

export const ok = (body: unknown): Answer => ({ status: 200, body });
export const idle = ok({ status: 'disabled' });
export const refusal = (status: number, code: string, message: string): Answer => ({
  status,
  body: { code, message },
});
export const noFeature = refusal(404, 'NOT_FOUND', 'Request Path Not Found');
export const notFoundV4: Answer = { status: 404, text: 'Not found.', html: true };
/** A refusal as EMQX 4 makes it. */
export const refusalV4 = (message: string): Answer => ok({ code: 400, message });

export function evacuating(state: string, more: Record<string, unknown> = {}): Answer {
  return ok({
    status: 'enabled',
    process: 'evacuation',
    state,
    connection_eviction_rate: 10,
    session_eviction_rate: 10,
    connection_goal: 0,
    session_goal: 0,
    session_recipients: ['emqx@green-0.emqx-headless.mq.svc.cluster.local'],
    stats: { initial_connected: 4, current_connected: 2, initial_sessions: 4, current_sessions: 4 },
    ...more,
  });
}

export function running(node: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    node,
    node_status: 'running',
    role: 'core',
    version: '5.8.9',
    connections: 4,
    live_connections: 2,
    ...more,
  };
}

/** Serves the script on a free port of 127.0.0.1. */
export async function serve(script: Script): Promise<ScriptedEmqx> {
  const asked: Asked[] = [];
  let open = 0;
  let most = 0;
  const server = http.createServer((request, response) => {
    most = Math.max(most, ++open);
    response.on('close', () => open--);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A sender that closes its half early is dropped, as EMQX's own server does.
    request.socket.on('end', () => request.socket.destroy());
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const one: Asked = {
        method: request.method ?? '',
        path: (request.url ?? '').replace(script.isV4 ? /^\/api\/v4/ : /^\/api\/v5/, ''),
        body: text === '' ? undefined : (JSON.parse(text) as unknown),
        authorization: request.headers.authorization ?? '',
      };
      if (script.isSilent) {
        asked.push(one);
        return;
      }
      // Whoever asks without a key learns which API this is; that is no request of the drain.
      if (one.authorization === '') {
        reply(response, withoutKey(script, one.path));
        return;
      }
      asked.push(one);
      const answer = answerOf(script, one);
      const afterMs = one.path === '/load_rebalance/status' ? (script.slowMs ?? 0) : 0;
      if (afterMs === 0) reply(response, answer);
      else setTimeout(() => reply(response, answer), afterMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    script,
    mostAtOnce: () => most,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function withoutKey({ isV4, self }: Script, path: string): Answer {
  if (!isV4) return refusal(401, 'AUTHORIZATION_HEADER_ERROR', 'Support authorization: basic/bearer');
  if (path === '/status')
    return { status: 200, text: `Node ${self} is started\nemqx is running`, html: true };
  if (path.startsWith('/api/')) return notFoundV4;
  return { status: 401, text: 'UNAUTHORIZED', html: true, challenge: 'Basic Realm="minirest-server"' };
}

function answerOf(script: Script, asked: Asked): Answer {
  const special = script.others?.(asked);
  if (special) return special;
  const { self, nodes, isV4 } = script;
  if (asked.path === '/cluster' && !isV4) return ok({ name: 'emqxcl', nodes: [self], self });
  if (asked.path === '/nodes') return ok(isV4 ? { code: 0, data: nodes } : nodes);
  if (asked.path === '/load_rebalance/status') return next(script.status);
  if (asked.path === `/load_rebalance/${self}/evacuation/start`) return next(script.start);
  return isV4 ? notFoundV4 : noFeature;
}

function next(answers: Answer[]): Answer {
  const first = answers[0] ?? 'hang';
  if (answers.length > 1) answers.shift();
  return first;
}

function reply(response: http.ServerResponse, answer: Answer): void {
  if (answer === 'hang') return;
  if (answer === 'cut') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"status":"enabled","process":"evacuation","state":"prohibiting","session_recip');
    response.socket?.end();
    return;
  }
  response.writeHead(answer.status, {
    'content-type': answer.html ? 'text/html' : 'application/json',
    ...(answer.challenge === undefined ? {} : { 'www-authenticate': answer.challenge }),
  });
  // Spread over lines: a client that relied on one line would fail here.
  response.end(answer.text ?? (answer.body === undefined ? '' : JSON.stringify(answer.body, null, 2)));
}
