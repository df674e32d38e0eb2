import { isObject, type Json } from '../json.js';
import { ask, inPath, isAccepted, parsed, request, type EmqxAccess, type Method } from './ask.js';
import type { EmqxClient } from './client.js';
import { EmqxApiError } from './errors.js';
import { MalformedAnswer, parseGlobalStatus, parseNodes, parseStatus } from './parse.js';

/**
 * Makes a client of the v4 API (`/api/v4`, EMQX Enterprise 4.4, ≥ 4.4.12). Answers come in an envelope
 * `{"code":0,"data":…}`, refusals in a 200 with another code; those about a rebalance come bare.
 * @see EMQX Enterprise 4.4: HTTP API; Node Evacuation and Cluster Load Rebalancing
 */
export function makeV4Client(access: EmqxAccess): EmqxClient {
  const call = async (method: Method, path: string, signal: AbortSignal, body?: Json) =>
    opened(await ask(access, method, `/api/v4${path}`, signal, body), `${method} ${path}`);
  const evacuation = (node: string) => `/load_rebalance/${inPath(node)}/evacuation`;
  const nodes = async (signal: AbortSignal) => parsed(parseV4Nodes, await call('GET', '/nodes', signal));
  return {
    api: () => ({ version: 'v4', port: access.port }),
    cluster: async (signal) => {
      const { text } = await request(access, 'GET', '/status', signal);
      const self = parsed(parseOwnName, text);
      const running = (await nodes(signal)).filter(({ node_status }) => node_status === 'running');
      return { self, nodes: running.map(({ node }) => node) };
    },
    nodes,
    status: async (signal) => parsed(parseStatus, await call('GET', '/load_rebalance/status', signal)),
    globalStatus: async (signal) =>
      parsed(parseGlobalStatus, await call('GET', '/load_rebalance/global_status', signal)),
    startEvacuation: async (node, body, signal) =>
      (await isAccepted(
        /already_started\W*$/,
        call('POST', `${evacuation(node)}/start`, signal, { ...body }),
      ))
        ? 'started'
        : 'running',
    stopEvacuation: async (node, signal) =>
      (await isAccepted(/not_started\W*$/, call('POST', `${evacuation(node)}/stop`, signal, {})))
        ? 'stopped'
        : 'notRunning',
    forceLeave: () => Promise.resolve('byItself'),
    // The question came with 5.9.
    allowsCluster: () => Promise.resolve(undefined),
  };
}

/** What an envelope holds. @throws EmqxApiError with status 400 when it is a refusal */
function opened(answer: Json, what: string): Json {
  if (!isObject(answer) || typeof answer['code'] !== 'number') return answer;
  const { code, message, data } = answer;
  if (code === 0) return data ?? null;
  const refusal = typeof message === 'string' ? message : '';
  throw new EmqxApiError(`${what} refused: ${code} ${refusal}`.trimEnd(), 400, String(code), refusal);
}

/** Reads `GET /status`: `Node emqx@host is started`, and whether EMQX runs. */
function parseOwnName(text: Json): string {
  const name = /^Node (\S+@\S+) is /.exec(typeof text === 'string' ? text : '')?.[1];
  if (name === undefined) throw new MalformedAnswer('status does not name the node');
  return name;
}

/** Reads `GET /nodes`, whose stopped nodes have a `name` in place of a `node`, and whose statuses begin with a capital. */
function parseV4Nodes(raw: Json) {
  const entries = Array.isArray(raw) ? raw : [raw];
  const asV5 = entries.map((entry): Json => {
    if (!isObject(entry)) return entry;
    const { node, name, node_status: status } = entry;
    return {
      ...entry,
      node: node ?? name,
      node_status: typeof status === 'string' ? status.toLowerCase() : status,
    };
  });
  return parseNodes(asV5);
}
