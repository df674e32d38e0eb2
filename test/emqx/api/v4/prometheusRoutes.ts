import type { NodeApi } from '../nodeApi.js';
import { asJson, asText, figuresOf } from '../prometheus.js';
import type { V4Route } from './dispatch.js';

/** `GET /emqx_prometheus`: JSON unless `type=prometheus`; since 4.4.11 open to anybody. @see EMQX, branch main-v4.4: emqx_prometheus.erl */
export function v4PrometheusRoutes(node: NodeApi): readonly V4Route[] {
  return [
    {
      method: 'GET',
      path: '/emqx_prometheus',
      isPublic: node.settings.abilities.isScrapePublic,
      answer: async ({ params }) => {
        const figures = await figuresOf(node, node.self);
        const isText = params.some(({ key, value }) => key === 'type' && value === 'prometheus');
        return isText
          ? { status: 200, text: asText([figures], false) }
          : { status: 200, body: asJson(figures) };
      },
    },
  ];
}
