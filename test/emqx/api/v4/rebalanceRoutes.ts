import { atom } from '../../erlang.js';
import type { Reply } from '../http.js';
import { globalStatus, ownReport, type NodeApi, type Refused } from '../nodeApi.js';
import { refused, succeeded, ValidationError, type V4Route } from './dispatch.js';
import { parseEvacuation, parseRebalance } from './params.js';

/** `/load_rebalance` of EMQX 4.4 Enterprise, over the same evacuations. @see EMQX 4.4: "Node Evacuation and Cluster Load Rebalancing" */
export function v4RebalanceRoutes(node: NodeApi): readonly V4Route[] {
  const known = (name: string): string => {
    if (!node.members().includes(name)) throw new ValidationError(`invalid node: ${name}`);
    return name;
  };
  /** Nodes of these that could take part. */
  const available = async (names: readonly string[]): Promise<readonly string[]> => {
    const states = await Promise.all(
      names.map(async (name) => {
        if (!node.isRunning(known(name))) return false;
        return (await node.ask(name, 'is_available', null).catch(() => false)) === true;
      }),
    );
    return names.filter((_name, at) => states[at]);
  };
  const at = async (name: string, method: string, params: unknown): Promise<Reply> => {
    let refusal: Refused;
    try {
      refusal = (await node.ask(name, method, params)) as Refused;
    } catch {
      return refused(`Error communicating with node ${atom(name)}`);
    }
    // What is no binary, minirest prints once more.
    return refusal === null ? succeeded([]) : refused(`["${refusal.refused}"]`);
  };
  const nodeOf = ({ node: name = '' }: Readonly<Record<string, string>>) => known(name);
  return [
    {
      method: 'GET',
      path: '/load_rebalance/availability_check',
      isPublic: node.settings.abilities.isAvailabilityPublic,
      isEvacuation: true,
      answer: async () => ({
        status: (await node.ask(node.self, 'is_available', null)) === true ? 200 : 503,
        body: {},
      }),
    },
    {
      method: 'GET',
      path: '/load_rebalance/status',
      isEvacuation: true,
      answer: async () => {
        const report = await ownReport(node);
        return {
          status: 200,
          body: report === null ? { status: 'disabled' } : { ...report, status: 'enabled' },
        };
      },
    },
    {
      method: 'GET',
      path: '/load_rebalance/global_status',
      isEvacuation: true,
      answer: async () => ({ status: 200, body: await globalStatus(node) }),
    },
    {
      method: 'POST',
      path: '/load_rebalance/{node}/evacuation/start',
      isEvacuation: true,
      answer: async ({ bindings, params }) => {
        const name = nodeOf(bindings);
        return at(name, 'evacuation_start', await parseEvacuation(params, available));
      },
    },
    {
      method: 'POST',
      path: '/load_rebalance/{node}/evacuation/stop',
      isEvacuation: true,
      answer: ({ bindings }) => at(nodeOf(bindings), 'evacuation_stop', null),
    },
    {
      method: 'POST',
      path: '/load_rebalance/{node}/start',
      isEvacuation: true,
      answer: async ({ bindings, params }) => {
        const name = nodeOf(bindings);
        return at(name, 'rebalance_start', await parseRebalance(params, available));
      },
    },
    {
      method: 'POST',
      path: '/load_rebalance/{node}/stop',
      isEvacuation: true,
      answer: ({ bindings }) => at(nodeOf(bindings), 'rebalance_stop', null),
    },
    {
      method: 'GET',
      path: '/node_eviction/status',
      isEvacuation: true,
      answer: async () => ({ status: 200, body: await node.ask(node.self, 'eviction_status', null) }),
    },
  ];
}
