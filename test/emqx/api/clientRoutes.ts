import type { Held } from '../mqtt/broker.js';
import { failed, type Route } from './http.js';
import type { NodeApi } from './nodeApi.js';

/** One item of `GET /clients`. */
export interface ClientItem {
  readonly clientid: string;
  readonly node: string;
  readonly connected: boolean;
  readonly [key: string]: unknown;
}

/** `/clients`: contracts/emqx.md §4. */
export function clientRoutes(node: NodeApi): readonly Route[] {
  const kick = async (clientId: string): Promise<boolean> => {
    const kicked = await Promise.all(
      node.running().map((name) => node.ask(name, 'kick', clientId).catch(() => false)),
    );
    return kicked.includes(true);
  };
  const list = async (only: string | null): Promise<readonly ClientItem[]> => {
    const names = only === null ? node.running() : node.running().filter((name) => name === only);
    const lists = await Promise.all(names.map((name) => node.ask(name, 'clients', null).catch(() => [])));
    return (lists as readonly (readonly ClientItem[])[]).flat();
  };
  return [
    {
      method: 'GET',
      path: '/clients',
      answer: async ({ query }) => {
        const limit = Number(query.get('limit') ?? 100);
        const page = Number(query.get('page') ?? 1);
        if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
          return failed(400, 'BAD_REQUEST', 'limit: 1 to 10000');
        if (!Number.isInteger(page) || page < 1) return failed(400, 'BAD_REQUEST', 'page: at least 1');
        const state = query.get('conn_state');
        const name = query.get('clientid');
        const like = query.get('like_clientid');
        const all = (await list(query.get('node'))).filter(
          (item) =>
            (state === null || item.connected === (state === 'connected')) &&
            (name === null || item.clientid === name) &&
            (like === null || item.clientid.includes(like)),
        );
        const data = all.slice((page - 1) * limit, page * limit);
        return {
          status: 200,
          body: { data, meta: { count: all.length, page, limit, hasnext: page * limit < all.length } },
        };
      },
    },
    {
      method: 'GET',
      path: '/clients/{clientid}',
      answer: async ({ params }) => {
        const found = (await list(null)).find(({ clientid }) => clientid === params.clientid);
        return found ? { status: 200, body: found } : clientNotFound();
      },
    },
    {
      method: 'DELETE',
      path: '/clients/{clientid}',
      answer: async ({ params }) =>
        (await kick(params.clientid ?? '')) ? { status: 204 } : clientNotFound(),
    },
    {
      method: 'POST',
      path: '/clients/kickout/bulk',
      answer: async ({ body }) => {
        if (!Array.isArray(body) || !body.every((item) => typeof item === 'string')) {
          return failed(400, 'BAD_REQUEST', 'an array of client ids');
        }
        await Promise.all(body.map((clientId: string) => kick(clientId)));
        return { status: 204 };
      },
    },
  ];
}

export function clientItem(self: string, { session, client, details }: Held): ClientItem {
  return {
    clientid: session.clientId,
    node: self,
    connected: client !== undefined,
    username: details?.username ?? null,
    proto_name: 'MQTT',
    proto_ver: details?.protocolVersion ?? 5,
    ip_address: details?.address ?? null,
    port: details?.port ?? null,
    clean_start: details?.cleanStart ?? false,
    keepalive: client?.keepAliveSeconds ?? 0,
    expiry_interval: session.expirySeconds === Infinity ? 0xffff_ffff : session.expirySeconds,
    created_at: new Date(session.createdAt).toISOString(),
    ...(details ? { connected_at: new Date(details.connectedAt).toISOString() } : {}),
    ...(session.disconnectedAt === undefined
      ? {}
      : { disconnected_at: new Date(session.disconnectedAt).toISOString() }),
    subscriptions_cnt: session.subscriptions.size,
    inflight_cnt: session.inflightCount,
    mqueue_len: session.queueLength,
    mqueue_dropped: session.dropped,
  };
}

function clientNotFound() {
  return failed(404, 'CLIENTID_NOT_FOUND', 'Client ID not found');
}
