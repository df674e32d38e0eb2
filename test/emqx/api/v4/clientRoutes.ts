import type { ClientItem } from '../clientItem.js';
import type { Reply } from '../http.js';
import { clientsOf, kick, type NodeApi } from '../nodeApi.js';
import { refused, succeeded, type Param, type V4Route } from './dispatch.js';

/** `/clients` of EMQX 4: docs 4.4 "HTTP API". */
export function v4ClientRoutes(node: NodeApi): readonly V4Route[] {
  return [
    {
      method: 'GET',
      path: '/clients',
      answer: async ({ params }) => page(await clientsOf(node, node.running()), params),
    },
    {
      method: 'GET',
      path: '/nodes/{node}/clients',
      answer: async ({ bindings: { node: name = '' }, params }) =>
        page(await clientsOf(node, node.isRunning(name) ? [name] : []), params),
    },
    {
      method: 'GET',
      path: '/clients/{clientid}',
      answer: async ({ bindings }) => {
        const all = await clientsOf(node, node.running());
        return succeeded(all.filter(({ clientid }) => clientid === bindings.clientid).map(v4Item));
      },
    },
    {
      method: 'DELETE',
      path: '/clients/{clientid}',
      answer: async ({ bindings: { clientid = '' } }) =>
        (await kick(node, clientid)) ? succeeded() : refused('not_found', 112),
    },
  ];
}

/** One page of those that the query leaves: `_page`, `_limit`, `clientid`, `_like_clientid`, `conn_state`. */
function page(all: readonly ClientItem[], params: readonly Param[]): Reply {
  const query = (key: string) => {
    const value = params.find((param) => param.key === key)?.value;
    return typeof value === 'string' ? value : undefined;
  };
  const at = Number(query('_page') ?? 1);
  const limit = Number(query('_limit') ?? 10_000);
  const [id, like, state] = [query('clientid'), query('_like_clientid'), query('conn_state')];
  const found = all.filter(
    ({ clientid, connected }) =>
      (id === undefined || clientid === id) &&
      (like === undefined || clientid.includes(like)) &&
      (state === undefined || connected === (state === 'connected')),
  );
  const data = found.slice((at - 1) * limit, at * limit).map(v4Item);
  const meta = { page: at, limit, count: found.length, hasnext: at * limit < found.length };
  return { status: 200, body: { meta, data, code: 0 } };
}

function v4Item({ inflight_cnt, ...item }: ClientItem): unknown {
  return { ...item, inflight: inflight_cnt };
}
