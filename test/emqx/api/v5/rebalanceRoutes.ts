import { atom, atoms, term } from '../../erlang.js';
import { parseStart } from '../../evacuation/request.js';
import { parseRebalance } from '../../evacuation/rebalance.js';
import { reasonOf } from '../../log.js';
import type { Reply } from '../http.js';
import { globalStatus, ownReport, type NodeApi, type Refused } from '../nodeApi.js';
import { failed, type Route } from './dispatch.js';
import { notFound } from './nodeRoutes.js';

/** `/load_rebalance` and `/node_eviction`. @see EMQX: emqx_node_rebalance_api.erl, emqx_eviction_agent_api.erl */
export function rebalanceRoutes(node: NodeApi): readonly Route[] {
  /** Runs a call at its node, and turns a refusal there into EMQX's message. */
  const at = async (name: string, method: string, params: unknown): Promise<Reply> => {
    try {
      const refusal = (await node.ask(name, method, params)) as Refused;
      if (refusal === null) return { status: 200, body: {} };
      return failed(400, 'BAD_REQUEST', `error on node ${atom(name)}: ${refusal.refused}`);
    } catch (error) {
      // EMQX means 503 RPC_ERROR, but its framework does not know that code.
      return { status: 500, text: `Unsupported code 'RPC_ERROR', message ${reasonOf(error)}` };
    }
  };
  return [
    {
      method: 'GET',
      path: '/load_rebalance/availability_check',
      isPublic: node.settings.abilities.isAvailabilityPublic,
      isEvacuation: true,
      answer: async () =>
        (await node.ask(node.self, 'is_available', null)) === true
          ? { status: 200, body: {} }
          : failed(503, 'NODE_EVACUATING', 'Node Evacuating'),
    },
    {
      method: 'GET',
      path: '/load_rebalance/status',
      isEvacuation: true,
      answer: async () => {
        const report = await ownReport(node);
        return {
          status: 200,
          body: report === null ? { status: 'disabled' } : { status: 'enabled', ...report },
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
      answer: async ({ params: { node: name = '' }, body }) => {
        const options = parseStart(body, node.settings.abilities);
        if (!node.isRunning(name)) return notFound(name);
        const refusal = await badRecipients(node, options.migrateTo ?? []);
        return refusal ?? at(name, 'evacuation_start', options);
      },
    },
    {
      method: 'POST',
      path: '/load_rebalance/{node}/evacuation/stop',
      isEvacuation: true,
      answer: ({ params: { node: name = '' } }) =>
        node.isRunning(name) ? at(name, 'evacuation_stop', null) : notFound(name),
    },
    {
      method: 'POST',
      path: '/load_rebalance/{node}/start',
      isEvacuation: true,
      answer: async ({ params: { node: name = '' }, body }) => {
        const options = parseRebalance(body, node.settings.abilities);
        if (!node.isRunning(name)) return notFound(name);
        const refusal = await badRecipients(node, options.nodes ?? []);
        return refusal ?? at(name, 'rebalance_start', options);
      },
    },
    {
      method: 'POST',
      path: '/load_rebalance/{node}/stop',
      isEvacuation: true,
      answer: ({ params: { node: name = '' } }) =>
        node.isRunning(name) ? at(name, 'rebalance_stop', null) : notFound(name),
    },
    {
      method: 'GET',
      path: '/node_eviction/status',
      isEvacuation: true,
      answer: async () => ({ status: 200, body: await node.ask(node.self, 'eviction_status', null) }),
    },
  ];
}

async function badRecipients(node: NodeApi, names: readonly string[]): Promise<Reply | undefined> {
  const strangers = names.filter((name) => !node.members().includes(name));
  if (strangers.length > 0) {
    return failed(400, 'BAD_REQUEST', `Invalid nodes: ${term(strangers)}`);
  }
  const states = await Promise.all(
    names.map(
      async (name) =>
        node.isRunning(name) && (await node.ask(name, 'is_available', null).catch(() => false)) === true,
    ),
  );
  const unavailable = names.filter((_name, at) => !states[at]);
  if (unavailable.length === 0) return undefined;
  return failed(400, 'NOT_FOUND', `Nodes unavailable: ${atoms(unavailable)}`);
}
