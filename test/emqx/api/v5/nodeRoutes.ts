import type { Reply } from '../http.js';
import { factsOf, type NodeApi, type NodeFacts } from '../nodeApi.js';
import { failed, type Route } from './dispatch.js';

/** Nodes, cluster and log-in. @see EMQX: emqx_mgmt_api_nodes.erl, emqx_mgmt_api_cluster.erl, emqx_dashboard_api.erl */
export function nodeRoutes(node: NodeApi): readonly Route[] {
  const { hasLiveConnections } = node.settings.abilities;
  const item = (facts: NodeFacts) => nodeItem(facts, hasLiveConnections);
  const oneNode = async (name: string): Promise<Reply> => {
    if (!node.isRunning(name)) return notFound(name);
    return { status: 200, body: item(await factsOf(node, name)) };
  };
  return [
    {
      method: 'GET',
      path: '/nodes',
      answer: async () => {
        const items = await Promise.all(
          node.members().map(async (name): Promise<unknown> => {
            const stopped = { node: name, node_status: 'stopped', role: 'core' };
            if (!node.isRunning(name)) return stopped;
            return factsOf(node, name).then(item, () => stopped);
          }),
        );
        return { status: 200, body: items };
      },
    },
    { method: 'GET', path: '/nodes/{node}', answer: ({ params }) => oneNode(params.node ?? '') },
    {
      method: 'GET',
      path: '/nodes/{node}/stats',
      answer: async ({ params: { node: name = '' } }) => {
        if (!node.isRunning(name)) return notFound(name);
        return { status: 200, body: await node.ask(name, 'node_stats', null) };
      },
    },
    {
      method: 'GET',
      path: '/nodes/{node}/metrics',
      answer: async ({ params: { node: name = '' } }) => {
        if (!node.isRunning(name)) return notFound(name);
        return { status: 200, body: await node.ask(name, 'node_metrics', null) };
      },
    },
    {
      method: 'GET',
      path: '/stats',
      answer: async ({ query }) => {
        const each = (await Promise.all(
          node.running().map(async (name) => ({
            node: name,
            ...((await node.ask(name, 'node_stats', null)) as Counters),
          })),
        )) as readonly ({ node: string } & Counters)[];
        if (query.get('aggregate') !== 'true') return { status: 200, body: each };
        const sums: Record<string, number> = {};
        for (const item of each) {
          for (const [key, value] of Object.entries(item)) {
            if (typeof value === 'number') sums[key] = (sums[key] ?? 0) + value;
          }
        }
        return { status: 200, body: sums };
      },
    },
    {
      method: 'GET',
      path: '/cluster',
      answer: () => ({
        status: 200,
        body: { name: node.settings.clusterName, nodes: node.running(), self: node.self },
      }),
    },
    {
      method: 'DELETE',
      path: '/cluster/{node}/force_leave',
      answer: async ({ params: { node: name = '' } }) => {
        if (!name.includes('@')) return failed(400, 'BAD_REQUEST', `bad node name: ${name}`);
        if (name === node.self) return failed(400, 'BAD_REQUEST', "Can't leave self");
        return (await node.forceLeave(name))
          ? { status: 204 }
          : failed(400, 'BAD_REQUEST', 'node_not_in_cluster');
      },
    },
    {
      method: 'PUT',
      path: '/cluster/{node}/invite',
      answer: async ({ params: { node: name = '' }, body }) => {
        const { timeout = 15_000 } = body as { readonly timeout?: unknown };
        if (typeof timeout !== 'number' || timeout < 5_000)
          return failed(400, 'BAD_REQUEST', 'timeout: at least 5000');
        if (!name.includes('@')) return failed(400, 'BAD_REQUEST', `bad node name: ${name}`);
        const error = await node.invite(name, timeout);
        return error === undefined ? { status: 200 } : failed(400, 'BAD_REQUEST', error);
      },
    },
    {
      method: 'POST',
      path: '/login',
      isPublic: true,
      answer: ({ body }) => {
        const { username, password } = body as { readonly username?: unknown; readonly password?: unknown };
        if (username !== node.settings.defaultUser || password !== node.settings.defaultPassword) {
          return failed(401, 'BAD_USERNAME_OR_PWD', 'Auth failed');
        }
        const { version, edition } = node.settings;
        const license = { edition: edition === 'Enterprise' ? 'ee' : 'opensource' };
        return { status: 200, body: { token: node.newToken(), version, license, role: 'administrator' } };
      },
    },
    ...(node.settings.edition === 'Enterprise' ? [licenceRoute(node)] : []),
    { method: 'POST', path: '/logout', answer: () => ({ status: 204 }) },
    {
      method: 'GET',
      path: '/users',
      answer: () => ({ status: 200, body: [{ username: node.settings.defaultUser, role: 'administrator' }] }),
    },
    {
      method: 'POST',
      path: '/api_key',
      answer: ({ body }) => {
        const { name } = body as { readonly name?: unknown };
        if (typeof name !== 'string' || name === '') return failed(400, 'BAD_REQUEST', 'name is required');
        return { status: 200, body: { name, enable: true, expired: false, ...node.newApiKey() } };
      },
    },
  ];
}

/** What kind of licence the node has; a `community` one is for a single node. */
function licenceRoute({ settings }: NodeApi): Route {
  const type = settings.hasSingleNodeLicence ? 'community' : settings.hasLicenceKey ? 'official' : 'trial';
  const body = {
    customer: 'EMQ Technologies',
    customer_type: 10,
    deployment: 'default',
    email: 'contact@emqx.io',
    expiry: false,
    expiry_at: '2034-01-01',
    max_sessions: 10_000_000,
    start_at: '2025-01-01',
    type,
  };
  return { method: 'GET', path: '/license', answer: () => ({ status: 200, body }) };
}

type Counters = Readonly<Record<string, unknown>>;

export function notFound(name: string): Reply {
  return failed(404, 'NOT_FOUND', `Node not found: ${name}`);
}

/** One running item of `GET /nodes`. */
function nodeItem(facts: NodeFacts, hasLiveConnections: boolean): unknown {
  const [load1, load5, load15] = facts.load;
  return {
    node: facts.node,
    node_status: 'running',
    role: 'core',
    version: facts.version,
    edition: facts.edition,
    otp_release: '26.2.5.14-1/14.2.5.10',
    uptime: facts.uptimeMs,
    connections: facts.channels,
    ...(hasLiveConnections ? { live_connections: facts.connected } : {}),
    cluster_sessions: facts.clusterSessions,
    memory_total: facts.memoryTotal,
    memory_used: facts.memoryUsed,
    load1,
    load5,
    load15,
    max_fds: 1_048_576,
    process_available: 2_097_152,
    process_used: 700 + facts.channels,
    log_path: 'log.file_handler.default.enable is false, not logging to file.',
    sys_path: '/opt/emqx',
  };
}
