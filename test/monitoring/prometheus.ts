import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { until, type LocalCluster } from '../cluster/index.js';
import type { JsonObject } from '../../lib/json.js';

/** Labels and the last value, or every value, of one series. */
export interface Series {
  metric: Record<string, string>;
  values: [atSeconds: number, value: number][];
}

export interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: 'pending' | 'firing';
}

export interface Target {
  labels: Record<string, string>;
  health: 'up' | 'down' | 'unknown';
  lastError: string;
}

/** Where it runs: in the network of the local cluster, or on this machine. */
type Network = Pick<LocalCluster, 'spawnInNetwork' | 'nodeAddress'>;

/** A Prometheus on this machine itself. @param address of the loopback network, one for each at the same time */
export function onThisMachine(address: string): Network {
  return {
    spawnInNetwork: (program, args) => spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }),
    nodeAddress: address,
  };
}

/** A Prometheus of the distribution's. */
export interface Prometheus {
  /** The value now, or of a range (`…[5m]`) all as they were scraped. @throws Error with Prometheus' words when the query is none */
  query(expr: string): Promise<Series[]>;
  /** Values between two times, a second apart. */
  range(expr: string, fromMs: number, toMs: number): Promise<Series[]>;
  alerts(): Promise<Alert[]>;
  targets(): Promise<Target[]>;
  /** Names of the alerts that it has loaded. */
  rules(): Promise<string[]>;
  stop(): Promise<void>;
}

/** None of what Kubernetes' own programs listen on. */
const PORT = 19_090;

/**
 * Starts it, and waits until it has read its configuration.
 * @param options folder: for its files, a fresh one; rules: a file of rules, as Prometheus reads it
 */
export async function startPrometheus(
  network: Network,
  { folder, scrapes, rules }: { folder: string; scrapes: JsonObject[]; rules: JsonObject },
): Promise<Prometheus> {
  const config = {
    global: { evaluation_interval: '1s' },
    rule_files: [`${folder}/rules.yaml`],
    scrape_configs: scrapes,
  };
  await writeFile(`${folder}/prometheus.yaml`, stringify(config), { mode: 0o600 });
  await writeFile(`${folder}/rules.yaml`, stringify(rules));
  const program = network.spawnInNetwork('prometheus', [
    `--config.file=${folder}/prometheus.yaml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=${network.nodeAddress}:${PORT}`,
    '--log.level=warn',
  ]);
  let said = '';
  program.stderr?.on('data', (piece: Buffer) => (said += piece.toString()));
  const ended = once(program, 'exit');
  const origin = `http://${network.nodeAddress}:${PORT}`;
  const ask = async (path: string, parameters: Record<string, string> = {}): Promise<unknown> => {
    const answer = await fetch(`${origin}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
    const body = (await answer.json()) as { status: string; data?: unknown; error?: string };
    if (body.status !== 'success') throw new Error(`${path} ${parameters['query'] ?? ''}: ${body.error}`);
    return body.data;
  };
  const prometheus: Prometheus = {
    async query(expr) {
      const { result } = (await ask('query', { query: expr })) as { result: RawSeries[] };
      return result.map(({ metric, value, values = [] }) => ({
        metric,
        values: (value ? [value] : values).map(numbered),
      }));
    },
    async range(expr, fromMs, toMs) {
      const times = { start: String(fromMs / 1000), end: String(toMs / 1000), step: '1' };
      const { result } = (await ask('query_range', { query: expr, ...times })) as { result: RawSeries[] };
      return result.map(({ metric, values = [] }) => ({ metric, values: values.map(numbered) }));
    },
    alerts: async () => ((await ask('alerts')) as { alerts: Alert[] }).alerts,
    targets: async () => ((await ask('targets')) as { activeTargets: Target[] }).activeTargets,
    async rules() {
      const { groups } = (await ask('rules')) as { groups: { rules: { name: string }[] }[] };
      return groups.flatMap((group) => group.rules.map(({ name }) => name));
    },
    async stop() {
      program.kill('SIGTERM');
      await ended;
    },
  };
  await until(
    'Prometheus is ready',
    async () => {
      if (program.exitCode !== null) throw new Error(`Prometheus ended: ${said.slice(-2000)}`);
      return fetch(`${origin}/-/ready`).then(
        ({ ok }) => (ok ? true : undefined),
        () => undefined,
      );
    },
    { timeoutMs: 60_000, everyMs: 250 },
  );
  return prometheus;
}

interface RawSeries {
  metric: Record<string, string>;
  value?: [number, string];
  values?: [number, string][];
}

function numbered([at, value]: [number, string]): [number, number] {
  return [at, Number(value)];
}
