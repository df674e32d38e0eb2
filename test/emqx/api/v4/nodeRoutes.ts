import { factsOf, type NodeApi, type NodeFacts } from '../nodeApi.js';
import { succeeded, type V4Route } from './dispatch.js';

/** Nodes of EMQX 4 (documentation of 4.4, "HTTP API"). There is no call for the cluster, nor one that makes a node leave it. */
export function v4NodeRoutes(node: NodeApi): readonly V4Route[] {
  const of = async (name: string, method: string): Promise<unknown> => {
    if (!node.isRunning(name)) return { node: name, error: 'nodedown' };
    return node.ask(name, method, null);
  };
  return [
    {
      method: 'GET',
      path: '/nodes',
      answer: async () => {
        const items = await Promise.all(
          node.members().map(async (name): Promise<unknown> => {
            const stopped = { name, node_status: 'Stopped' };
            if (!node.isRunning(name)) return stopped;
            return factsOf(node, name).then(nodeItem, () => stopped);
          }),
        );
        return succeeded(items);
      },
    },
    {
      method: 'GET',
      path: '/nodes/{node}',
      answer: async ({ bindings: { node: name = '' } }) => {
        if (!node.members().includes(name)) return { status: 404, text: 'Not found.' };
        return succeeded(
          node.isRunning(name) ? nodeItem(await factsOf(node, name)) : { node: name, error: 'nodedown' },
        );
      },
    },
    {
      method: 'GET',
      path: '/nodes/{node}/stats',
      answer: async ({ bindings: { node: name = '' } }) => succeeded(await of(name, 'node_stats')),
    },
    {
      method: 'GET',
      path: '/nodes/{node}/metrics',
      answer: async ({ bindings: { node: name = '' } }) => succeeded(await of(name, 'node_metrics')),
    },
  ];
}

/** One running item of `GET /nodes`: `connections` are the sessions here, with those of connected clients. */
function nodeItem(facts: NodeFacts): unknown {
  return {
    node: facts.node,
    node_status: 'Running',
    version: facts.version,
    otp_release: '24.3.4.2/12.3.2.2',
    uptime: uptime(facts.uptimeMs),
    connections: facts.channels,
    memory_total: facts.memoryTotal,
    memory_used: facts.memoryUsed,
    load1: facts.load[0].toFixed(2),
    load5: facts.load[1].toFixed(2),
    load15: facts.load[2].toFixed(2),
    max_fds: 1_048_576,
    process_available: 2_097_152,
    process_used: 600 + facts.channels,
  };
}

/** `3 hours, 12 minutes, 5 seconds` */
function uptime(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'days'],
    [Math.floor(seconds / 3_600) % 24, 'hours'],
    [Math.floor(seconds / 60) % 60, 'minutes'],
    [seconds % 60, 'seconds'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first < 0 ? parts.length - 1 : first)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(', ');
}
