import type { Json } from '../json.js';
import { isObject } from '../json.js';
import type { EmqxNodeStatus, NodeEvacuationStatus } from '../types.js';
import { EmqxApiError } from './errors.js';
import type { EvacuationBody } from './evacuation-body.js';
import { exchange, type HttpAnswer, type HttpRequest } from './http.js';
import {
  MalformedAnswer,
  parseCluster,
  parseGlobalStatus,
  parseNodes,
  parseStatus,
  type ClusterView,
  type RebalanceStatus,
} from './parse.js';

/**
 * What Sluice asks of one EMQX node. Every call throws {@link EmqxApiError} when EMQX refuses or does not answer.
 * The v4 API (port 8081, `/api/v4`, refusals inside a 200) is to be a second maker of this interface, in `v4.ts`.
 */
export interface EmqxClient {
  /** The node's own name, and which nodes run in its view. */
  cluster(signal: AbortSignal): Promise<ClusterView>;
  nodes(signal: AbortSignal): Promise<EmqxNodeStatus[]>;
  /** Of the answering node only. It can take as long as one batch of evicted sessions. */
  status(signal: AbortSignal): Promise<RebalanceStatus>;
  /** Of all nodes; those that are busy are left out. */
  globalStatus(signal: AbortSignal): Promise<NodeEvacuationStatus[]>;
  /** Resolves when EMQX accepts, not when it is done; `'running'` when one had already begun, so a retry is harmless. */
  startEvacuation(node: string, body: EvacuationBody, signal: AbortSignal): Promise<'started' | 'running'>;
  stopEvacuation(node: string, signal: AbortSignal): Promise<'stopped' | 'notRunning'>;
  /** Takes `node` out of the cluster. Of a running one it would drop the database: only for stopped ones. */
  forceLeave(node: string, signal: AbortSignal): Promise<'left' | 'noMember'>;
}

export interface EmqxAccess {
  host: string;
  port: number;
  /** The API key at this moment; read anew for each request, because it may be rotated. */
  credentials: () => { key: string; secret: string };
  /** Milliseconds for one request; EMQX's own calls between nodes take up to 15 s. */
  timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 20_000;
/** 1,000 nodes of less than 1 KiB each, and some. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Makes a client of the v5 API (`/api/v5`, EMQX ≥ 5.0.4).
 * @see EMQX REST API: Cluster, Nodes, Load Rebalance
 */
export function makeV5Client(access: EmqxAccess): EmqxClient {
  const call = (method: HttpRequest['method'], path: string, signal: AbortSignal, body?: Json) =>
    ask(access, method, `/api/v5${path}`, signal, body);
  const evacuation = (node: string) => `/load_rebalance/${inPath(node)}/evacuation`;
  return {
    cluster: async (signal) => parsed(parseCluster, await call('GET', '/cluster', signal)),
    nodes: async (signal) => parsed(parseNodes, await call('GET', '/nodes', signal)),
    status: async (signal) => parsed(parseStatus, await call('GET', '/load_rebalance/status', signal)),
    globalStatus: async (signal) =>
      parsed(parseGlobalStatus, await call('GET', '/load_rebalance/global_status', signal)),
    startEvacuation: async (node, body, signal) =>
      (await expecting(/already_started\W*$/, call('POST', `${evacuation(node)}/start`, signal, { ...body })))
        ? 'started'
        : 'running',
    stopEvacuation: async (node, signal) =>
      (await expecting(/not_started\W*$/, call('POST', `${evacuation(node)}/stop`, signal, {})))
        ? 'stopped'
        : 'notRunning',
    forceLeave: async (node, signal) =>
      (await expecting(/node_not_in_cluster/, call('DELETE', `/cluster/${inPath(node)}/force_leave`, signal)))
        ? 'left'
        : 'noMember',
  };
}

/** Whether a call was accepted; false when EMQX's 400 says `refusal`, which means there was nothing to do. */
async function expecting(refusal: RegExp, call: Promise<Json>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof EmqxApiError && error.status === 400 && refusal.test(error.refusal)) return false;
    throw error;
  }
}

async function ask(
  access: EmqxAccess,
  method: HttpRequest['method'],
  path: string,
  signal: AbortSignal,
  body?: Json,
): Promise<Json> {
  const { key, secret } = access.credentials();
  const what = `${method} ${path}`;
  let answer: HttpAnswer;
  try {
    answer = await exchange({
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
    throw new EmqxApiError(`${what} got no answer: ${why}`, 0, '', '', { cause });
  }
  const { status, text } = answer;
  const json = jsonOf(text);
  if (status >= 200 && status < 300) {
    if (json === undefined) throw new EmqxApiError(`${what} answered no JSON`, 0);
    return json;
  }
  const code = isObject(json) && typeof json['code'] === 'string' ? json['code'] : '';
  const refusal = isObject(json) && typeof json['message'] === 'string' ? json['message'] : '';
  throw new EmqxApiError(`${what} refused: ${status} ${code} ${refusal}`.trimEnd(), status, code, refusal);
}

function parsed<T>(parse: (raw: Json) => T, raw: Json): T {
  try {
    return parse(raw);
  } catch (cause) {
    if (cause instanceof MalformedAnswer)
      throw new EmqxApiError(`malformed answer: ${cause.message}`, 0, '', '', { cause });
    throw cause;
  }
}

/** The JSON of a body; an empty one (204) counts as null; undefined when it is none. */
function jsonOf(text: string): Json | undefined {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** EMQX's own tests send `@` as it is; whether it decodes `%40` is not known. */
function inPath(node: string): string {
  return encodeURIComponent(node).replaceAll('%40', '@');
}
