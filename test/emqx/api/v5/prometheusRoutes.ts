import { SchemaError } from '../../evacuation/request.js';
import type { NodeApi } from '../nodeApi.js';
import { added, asJson, asText, figuresOf } from '../prometheus.js';
import type { Route } from './dispatch.js';

const modes = ['node', 'all_nodes_aggregated', 'all_nodes_unaggregated'];

/** `GET /prometheus/stats`: text, or JSON for who accepts just that. Open to anybody unless told otherwise. @see EMQX: emqx_prometheus_api.erl */
export function prometheusRoutes(node: NodeApi): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/prometheus/stats',
      isPublic: !node.settings.scrapesNeedKey,
      answer: async ({ query, accept }) => {
        const mode = query.get('mode') ?? 'node';
        if (!modes.includes(mode)) throw new SchemaError(`mode: unable to convert to enum symbol: ${mode}`);
        const names = mode === 'node' ? [node.self] : node.running();
        const each = await Promise.all(names.map((name) => figuresOf(node, name)));
        const figures = mode === 'all_nodes_aggregated' ? added(each) : each;
        const [first] = figures;
        if (accept === 'application/json' && first) return { status: 200, body: asJson(first) };
        return { status: 200, text: asText(figures, mode === 'all_nodes_unaggregated') };
      },
    },
  ];
}
