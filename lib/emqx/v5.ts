import { isObject, type Json } from '../json.js';
import { ask, inPath, isAccepted, parsed, type EmqxAccess, type Method } from './ask.js';
import type { EmqxClient } from './client.js';
import { EmqxApiError } from './errors.js';
import { parseCluster, parseGlobalStatus, parseNodes, parseStatus } from './parse.js';

/**
 * Makes a client of the v5 API (`/api/v5`, EMQX ≥ 5.0.4).
 * @see EMQX REST API: Cluster, Nodes, Load Rebalance, License
 */
export function makeV5Client(access: EmqxAccess): EmqxClient {
  const call = (method: Method, path: string, signal: AbortSignal, body?: Json) =>
    ask(access, method, `/api/v5${path}`, signal, body);
  const evacuation = (node: string) => `/load_rebalance/${inPath(node)}/evacuation`;
  return {
    api: () => ({ version: 'v5', port: access.port }),
    cluster: async (signal) => parsed(parseCluster, await call('GET', '/cluster', signal)),
    nodes: async (signal) => parsed(parseNodes, await call('GET', '/nodes', signal)),
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
    forceLeave: async (node, signal) =>
      (await isAccepted(
        /node_not_in_cluster/,
        call('DELETE', `/cluster/${inPath(node)}/force_leave`, signal),
      ))
        ? 'left'
        : 'noMember',
    allowsCluster: async (signal) => {
      try {
        const licence = await call('GET', '/license', signal);
        const type = isObject(licence) ? licence['type'] : undefined;
        // `community` is the type of the built-in licence since 5.9, and of no other: it is for one node.
        return typeof type === 'string' ? type !== 'community' : undefined;
      } catch (error) {
        // a build without licences, a key that may not see it, or no answer: it is only asked to explain something else
        if (error instanceof EmqxApiError) return undefined;
        throw error;
      }
    },
  };
}
