import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { isObject, type JsonObject } from '../../../lib/json.js';
import { until, type LocalCluster } from '../../cluster/index.js';
import { queriesOf, readDashboard } from '../../monitoring/dashboard.js';
import { keepTargets, type PodObject } from '../../monitoring/discovery.js';
import { startPrometheus, type Prometheus } from '../../monitoring/prometheus.js';
import { scrapesOf } from '../../monitoring/scrapes.js';
import { leaderOf } from '../support/leader.js';
import { removeWebhook, restoreWebhook, SLUICE } from '../support/sluice.js';
import { watchVersions } from '../support/versions.js';
import type { Reading } from './agreement.js';

/** Often, for an upgrade of a minute; `rate()` needs four of them. */
const SCRAPE = '1s';
const RATE = '10s';

/** A Prometheus that watches one namespace with EMQX, and Sluice, in the way that the chart and the examples tell it to. */
export interface Monitoring {
  prometheus: Prometheus;
  startedAtMs: number;
  stop(): Promise<void>;
}

/**
 * Starts a Prometheus with the chart's PodMonitors and rules, and the example's PodMonitor of EMQX itself in `namespace`.
 * @param values of the chart, other than its own: `metrics.rules.stuckAfterSeconds=60`
 */
export async function startMonitoring(
  cluster: LocalCluster,
  namespace: string,
  values: string[] = [],
): Promise<Monitoring> {
  const chart = parseAllDocuments(
    await cluster.helm([
      ...['template', 'sluice', 'charts/sluice', '--namespace', SLUICE.namespace, '--kube-version', '1.34.4'],
      ...['metrics.podMonitor.enabled=true', 'metrics.rules.enabled=true', ...values].flatMap((value) => [
        '--set',
        value,
      ]),
    ]),
  )
    .map((document) => document.toJS() as unknown)
    .filter(isObject);
  const example = parse(await readFile('examples/monitoring/emqx5.yaml', 'utf8')) as JsonObject;
  const ofEmqx = { ...example, metadata: { ...(example['metadata'] as JsonObject), namespace } };
  const monitors = [...chart.filter(({ kind }) => kind === 'PodMonitor'), ofEmqx];
  const folder = await mkdtemp(`${tmpdir()}/sluice-prometheus-`);
  const targetsFile = `${folder}/targets.json`;
  const targets = keepTargets(targetsFile, await watchVersions<PodObject>(cluster, '/api/v1/pods'));
  const options = {
    targetsFile,
    interval: SCRAPE,
    readSecret: async (from: string, name: string, key: string) => {
      const { data } = (await cluster.get(['--namespace', from, 'secret', name])) as {
        data: Record<string, string>;
      };
      return Buffer.from(data[key] ?? '', 'base64').toString();
    },
  };
  const scrapes = await Promise.all(monitors.map((monitor) => scrapesOf(monitor, options)));
  const rule = chart.find(({ kind }) => kind === 'PrometheusRule');
  const prometheus = await startPrometheus(cluster, {
    folder,
    scrapes: scrapes.flat(),
    rules: impatient((rule?.['spec'] ?? {}) as JsonObject),
  });
  return {
    prometheus,
    startedAtMs: Date.now(),
    async stop() {
      await Promise.all([prometheus.stop(), targets.stop()]);
      await rm(folder, { recursive: true });
    },
  };
}

/** The same rules, each firing at once: how long a fault has to last is tried with promtool. */
function impatient(spec: JsonObject): JsonObject {
  const groups = spec['groups'] as { name: string; rules: JsonObject[] }[];
  return {
    groups: groups.map(({ name, rules }) => ({ name, rules: rules.map((rule) => ({ ...rule, for: '0s' })) })),
  };
}

/** Every pod of Sluice, each sidecar and each EMQX node is scraped. */
export async function untilScraped({ prometheus }: Monitoring, nodes: number): Promise<void> {
  await until(
    'everything is scraped',
    async () => {
      const up = new Map<string, number>();
      for (const { labels, health } of await prometheus.targets()) {
        const container = labels['container'] ?? '';
        if (health === 'up') up.set(container, (up.get(container) ?? 0) + 1);
      }
      const wanted = { controller: 2, webhook: 2, sluice: nodes, emqx: nodes };
      return Object.entries(wanted).every(([container, count]) => up.get(container) === count)
        ? true
        : undefined;
    },
    { timeoutMs: 60_000, everyMs: 500 },
  );
}

/** The one value of a query now; fails where there is none, or more. */
export async function valueOf({ prometheus }: Monitoring, expr: string): Promise<number> {
  const series = await prometheus.query(expr);
  expect({ expr, found: series.length }).toEqual({ expr, found: 1 });
  return series[0]?.values[0]?.[1] ?? Number.NaN;
}

/** Waits until a query has that one value. */
export async function untilValue({ prometheus }: Monitoring, expr: string, value: number): Promise<void> {
  await until(
    `${expr} is ${value}`,
    async () => {
      const series = await prometheus.query(expr);
      return series.length === 1 && series[0]?.values[0]?.[1] === value ? true : undefined;
    },
    { timeoutMs: 45_000, everyMs: 500 },
  );
}

/** What the leader's metrics of one BlueGreen have shown in the last minutes: a reading for each scrape. */
export async function readingsOfMetrics({ prometheus }: Monitoring, object: string): Promise<Reading[]> {
  const left = await prometheus.query(`sluice_bluegreen_clients_left{${object}}[15m]`);
  const phases = await prometheus.query(`sluice_bluegreen_phase{${object}}[15m]`);
  // All that comes of one scrape has its time.
  const key = (pod: string | undefined, atSeconds: number): string => `${pod} ${atSeconds}`;
  const phaseAt = new Map(
    phases.flatMap(({ metric, values }) =>
      values
        .filter(([, value]) => value === 1)
        .map(([atSeconds]) => [key(metric['pod'], atSeconds), metric['phase'] ?? ''] as const),
    ),
  );
  return left
    .flatMap(({ metric, values }) =>
      values.map(([atSeconds, clientsLeft]) => ({
        atMs: atSeconds * 1000,
        phase: phaseAt.get(key(metric['pod'], atSeconds)) ?? '',
        clientsLeft,
      })),
    )
    .sort((a, b) => a.atMs - b.atMs);
}

/** Clients that left while nobody led: after the last scrape of one leader, and before the next one's first look. */
export async function clientsUnled({ prometheus }: Monitoring, object: string): Promise<number> {
  /** All scrapes of each leader, in the order in which they led. */
  const livesOf = async (metric: string): Promise<number[][]> =>
    (await prometheus.query(`${metric}{${object}}[15m]`))
      .map(({ values }) => values)
      .sort(([[one] = [0]], [[other] = [0]]) => one - other)
      .map((values) => values.map(([, value]) => value));
  const left = await livesOf('sluice_bluegreen_clients_left');
  // What the next one has counted before its first scrape.
  const counted = await livesOf('sluice_evicted_clients_total');
  return left
    .slice(1)
    .reduce(
      (sum, life, index) =>
        sum + (left[index]?.at(-1) ?? 0) - (life[0] ?? 0) - (counted[index + 1]?.[0] ?? 0),
      0,
    );
}

/** What counters of all leaders come to. */
export async function countedByAll(monitoring: Monitoring, series: string): Promise<number> {
  return valueOf(monitoring, `sum(max_over_time(${series}[15m]))`);
}

/** Queries of the dashboard that have shown no number in that time, by their titles. */
export async function emptyQueries(
  { prometheus }: Monitoring,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<string[]> {
  const range = `${Math.ceil((toMs - fromMs) / 1000)}s`;
  const empty: string[] = [];
  for (const { title, expr } of queriesOf(readDashboard(), { interval: RATE, range })) {
    const series = await prometheus.range(expr, fromMs, toMs);
    const hasNumber = series.some(({ values }) => values.some(([, value]) => Number.isFinite(value)));
    if (!hasNumber) empty.push(`${title}: ${expr}`);
  }
  return empty;
}

/** Waits until an alert fires. @returns its labels */
export async function untilFiring({ prometheus }: Monitoring, name: string): Promise<Record<string, string>> {
  return until(
    `${name} fires`,
    async () => {
      const alerts = await prometheus.alerts();
      return alerts.find(({ labels, state }) => labels['alertname'] === name && state === 'firing')?.labels;
    },
    { timeoutMs: 90_000, everyMs: 500 },
  );
}

/** Names of the alerts that fired at some moment between two times. */
export async function alertsFired(
  { prometheus }: Monitoring,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<string[]> {
  const series = await prometheus.range('ALERTS{alertstate="firing"}', fromMs, toMs);
  return [...new Set(series.map(({ metric }) => metric['alertname'] ?? ''))].sort();
}

/** Waits until no alert fires: the rules were looked at before there was anything to scrape. */
export async function untilQuiet(monitoring: Monitoring): Promise<void> {
  await until('no alert fires', async () => ((await firing(monitoring)).length === 0 ? true : undefined), {
    timeoutMs: 30_000,
    everyMs: 500,
  });
}

/** Names of the alerts that fire now. */
async function firing({ prometheus }: Monitoring): Promise<string[]> {
  const alerts = await prometheus.alerts();
  return [...new Set(alerts.map(({ labels }) => labels['alertname'] ?? ''))].sort();
}

/** Waits until none of these alerts fires. */
export async function untilOver(monitoring: Monitoring, ...names: string[]): Promise<void> {
  await until(
    `over: ${names.join(', ')}`,
    async () => ((await firing(monitoring)).some((name) => names.includes(name)) ? undefined : true),
    { timeoutMs: 90_000, everyMs: 500 },
  );
}

/** Does something while every controller is away; they come back whatever happens, and one leads. */
export async function withoutController<T>(cluster: LocalCluster, act: () => Promise<T>): Promise<T> {
  const scale = (replicas: number): Promise<string> =>
    cluster.kubectl([
      ...['--namespace', SLUICE.namespace, 'scale', `deployment/${SLUICE.controller}`],
      `--replicas=${replicas}`,
    ]);
  await scale(0);
  const pods = ['pods', '--selector', 'app.kubernetes.io/component=controller'];
  await until(
    'no controller is left',
    async () => {
      const { items } = (await cluster.get(['--namespace', SLUICE.namespace, ...pods])) as {
        items: object[];
      };
      return items.length === 0 ? true : undefined;
    },
    { timeoutMs: 60_000 },
  );
  try {
    return await act();
  } finally {
    await scale(2);
    await leaderOf(cluster);
  }
}

/** Every webhook and every controller goes, and both alerts fire; then they come back, and no alert is left of it. */
export async function provokeAlerts(cluster: LocalCluster, monitoring: Monitoring): Promise<string[]> {
  try {
    await removeWebhook(cluster);
    return await withoutController(cluster, async () => {
      await untilFiring(monitoring, 'SluiceWebhookDown');
      await untilFiring(monitoring, 'SluiceNoLeader');
      return firing(monitoring);
    });
  } finally {
    await restoreWebhook(cluster);
    await untilOver(monitoring, 'SluiceWebhookDown', 'SluiceNoLeader');
  }
}
