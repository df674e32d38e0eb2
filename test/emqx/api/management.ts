import type { Api, Reply } from './http.js';
import type { Keys } from './keys.js';
import type { NodeApi } from './nodeApi.js';
import { v4ClientRoutes } from './v4/clientRoutes.js';
import { v4Api } from './v4/dispatch.js';
import { v4NodeRoutes } from './v4/nodeRoutes.js';
import { v4PrometheusRoutes } from './v4/prometheusRoutes.js';
import { v4RebalanceRoutes } from './v4/rebalanceRoutes.js';
import { clientRoutes } from './v5/clientRoutes.js';
import { v5Api } from './v5/dispatch.js';
import { nodeRoutes } from './v5/nodeRoutes.js';
import { prometheusRoutes } from './v5/prometheusRoutes.js';
import { rebalanceRoutes } from './v5/rebalanceRoutes.js';

export interface Management {
  readonly node: NodeApi;
  readonly keys: Keys;
  /** Whether the node's applications run. */
  readonly isUp: () => boolean;
}

/** The management API that the node's version has, over the same node. */
export function managementApi({ node, keys, isUp }: Management): Api {
  const { abilities, version } = node.settings;
  const hasNoEvacuation = () => node.switches().hasNoEvacuation;
  const given = (authorization: string | undefined) =>
    node.switches().refusesKeys ? 'Basic Og==' : authorization;
  switch (abilities.api) {
    case 4:
      return v4Api({
        routes: [
          ...v4NodeRoutes(node),
          ...v4ClientRoutes(node),
          ...v4RebalanceRoutes(node),
          ...v4PrometheusRoutes(node),
        ],
        status: () => statusText(node.self, isUp()),
        isAuthorized: (authorization) => keys.isApplication(given(authorization)),
        hasNoEvacuation,
      });
    case 5:
      return v5Api({
        routes: [
          ...nodeRoutes(node),
          ...clientRoutes(node),
          ...rebalanceRoutes(node),
          ...prometheusRoutes(node),
        ],
        status: (query) => ({
          ...(query.get('format') === 'json' ? statusJson(node, isUp()) : statusText(node.self, isUp())),
          headers: isUp() ? {} : { 'retry-after': '15' },
        }),
        check: (authorization, method, path) => keys.check(given(authorization), method, path),
        hasNoEvacuation,
        unknownPathCode: version.startsWith('5.0.') ? 'API_NOT_EXIST' : 'NOT_FOUND',
      });
    default:
      return abilities.api satisfies never;
  }
}

/** `GET /status`, as text. @see EMQX: emqx_mgmt_api_status.erl */
function statusText(node: string, isUp: boolean): Reply {
  const app = isUp ? 'running' : 'not_running';
  return { status: isUp ? 200 : 503, text: `Node ${node} is started\nemqx is ${app}` };
}

function statusJson({ self, settings }: NodeApi, isUp: boolean): Reply {
  return {
    status: isUp ? 200 : 503,
    body: {
      node_name: self,
      rel_vsn: settings.version,
      broker_status: 'started',
      app_status: isUp ? 'running' : 'not_running',
    },
  };
}
