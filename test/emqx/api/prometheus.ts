import type { NodeApi } from './nodeApi.js';

type Counts = Readonly<Record<string, number>>;

/** A node's figures in EMQX's own grouping: gauges first, then counters. */
export interface Figures {
  readonly node: string;
  readonly stats: Counts;
  readonly client: Counts;
  readonly session: Counts;
  readonly cluster: Counts;
}

/** What a scrape of one node shows, under the names that EMQX gives them. @throws RpcError */
export async function figuresOf(node: NodeApi, name: string): Promise<Figures> {
  const [stats, metrics] = (await Promise.all([
    node.ask(name, 'node_stats', null),
    node.ask(name, 'node_metrics', null),
  ])) as [Counts, Counts];
  const running = node.running().length;
  const part = (counts: Counts, group: RegExp): Counts =>
    Object.fromEntries(
      Object.entries(counts)
        .filter(([key]) => group.test(key))
        .map(([key, value]) => [`emqx_${key.replaceAll('.', '_')}`, value]),
    );
  return {
    node: name,
    stats: part(stats, /./),
    client: part(metrics, /^client\./),
    session: part(metrics, /^session\./),
    cluster: {
      emqx_cluster_nodes_running: running,
      emqx_cluster_nodes_stopped: node.members().length - running,
    },
  };
}

/** The text format as EMQX writes it: the type before an empty help. With labels, one line for each node. */
export function asText(figures: readonly Figures[], hasNodeLabel: boolean): string {
  const [first] = figures;
  if (!first) return '\n';
  const group = (name: 'stats' | 'client' | 'session' | 'cluster', type: string): string[] =>
    Object.keys(first[name]).flatMap((key) => [
      `# TYPE ${key} ${type}`,
      `# HELP ${key} `,
      ...figures.map((one) => `${key}${hasNodeLabel ? `{node="${one.node}"}` : ''} ${one[name][key] ?? 0}`),
    ]);
  const lines = [
    ...group('stats', 'gauge'),
    ...group('cluster', 'gauge'),
    ...group('client', 'counter'),
    ...group('session', 'counter'),
  ];
  return `${lines.join('\n')}\n\n`;
}

export function asJson({ stats, client, session, cluster }: Figures): unknown {
  return { stats, metrics: cluster, client, session };
}

/** The nodes' figures added up; those of the cluster are everybody's alike. */
export function added(figures: readonly Figures[]): Figures[] {
  const [first] = figures;
  if (!first) return [];
  const sum = (name: 'stats' | 'client' | 'session'): Counts =>
    Object.fromEntries(
      Object.keys(first[name]).map((key) => [
        key,
        figures.reduce((total, one) => total + (one[name][key] ?? 0), 0),
      ]),
    );
  return [{ ...first, stats: sum('stats'), client: sum('client'), session: sum('session') }];
}
