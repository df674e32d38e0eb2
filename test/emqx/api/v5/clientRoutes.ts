import { clientsOf, kick, type NodeApi } from '../nodeApi.js';
import { failed, type Route } from './dispatch.js';

/** `/clients`. @see EMQX: emqx_mgmt_api_clients.erl */
export function clientRoutes(node: NodeApi): readonly Route[] {
  const list = (only: string | null) =>
    clientsOf(node, only === null ? node.running() : node.running().filter((name) => name === only));
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
        (await kick(node, params.clientid ?? '')) ? { status: 204 } : clientNotFound(),
    },
    {
      method: 'POST',
      path: '/clients/kickout/bulk',
      answer: async ({ body }) => {
        if (!Array.isArray(body) || !body.every((item) => typeof item === 'string')) {
          return failed(400, 'BAD_REQUEST', 'an array of client ids');
        }
        await Promise.all(body.map((clientId: string) => kick(node, clientId)));
        return { status: 204 };
      },
    },
  ];
}

function clientNotFound() {
  return failed(404, 'CLIENTID_NOT_FOUND', 'Client ID not found');
}
