import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LocalCluster } from '../cluster/index.js';
import {
  emptyQueries,
  firing,
  provokeAlerts,
  startMonitoring,
  untilFiring,
  untilScraped,
  untilValue,
  valueOf,
  type Monitoring,
} from './observability/metrics.js';
import { dropJourneys, setOut, type Journey } from './support/journey.js';
import { useSluice } from './support/sluice.js';

const NAMESPACE = 'e2e-metrics';
const NODES = 3;
const CLIENTS = 300;
/** So slow that each drain lasts for ten scrapes. */
const RATE = 10;

let cluster: LocalCluster;
let journey: Journey;
let monitoring: Monitoring;
beforeAll(async () => {
  cluster = await useSluice();
  journey = await setOut(cluster, NAMESPACE, { nodes: NODES, clients: CLIENTS, rate: RATE });
  monitoring = await startMonitoring(cluster, NAMESPACE);
}, 30 * 60_000);
afterAll(async () => {
  await monitoring?.stop();
  await dropJourneys(cluster, NAMESPACE);
}, 120_000);

const OBJECT = `namespace="${NAMESPACE}",bluegreen="emqx"`;

describe('a Prometheus with the PodMonitors of the chart and of the example', () => {
  it('scrapes every controller, webhook, sidecar and EMQX node, and has nothing to say', async () => {
    await untilScraped(monitoring, NODES);
    expect(await monitoring.prometheus.rules()).toContain('SluiceUpgradeStuck');
    expect(await firing(monitoring)).toEqual([]);
    // at rest the loop looks every half minute
    await untilValue(monitoring, `sum(sluice_node_clients{${OBJECT}})`, CLIENTS);
    expect(await valueOf(monitoring, `sum(emqx_live_connections_count{namespace="${NAMESPACE}"})`)).toBe(
      CLIENTS,
    );
    expect(await valueOf(monitoring, 'sum(sluice_controller_leading)')).toBe(1);
  }, 120_000);

  it('has a number for every query of the dashboard from an upgrade', async () => {
    const fromMs = Date.now();
    const before = journey.active();
    await journey.edit('metrics');
    await journey.untilRest(NODES, (active) => active !== before);
    await untilScraped(monitoring, NODES);
    await untilValue(monitoring, `sluice_upgrades_total{${OBJECT},result="succeeded"}`, 1);
    // the last of the steps of a second lies before what was scraped last
    const toMs = Date.now() + 2_000;
    expect(await emptyQueries(monitoring, { fromMs, toMs })).toEqual([]);
  }, 300_000);

  it('counts each client as evicted once and each drain as done, and knows who is green', async () => {
    const counted = (metric: string, more = ''): Promise<number> =>
      valueOf(monitoring, `${metric}{${OBJECT}${more}}`);
    expect(await counted('sluice_evicted_clients_total')).toBe(CLIENTS);
    expect(await counted('sluice_drains_total', ',outcome="drained"')).toBe(NODES);
    expect(await counted('sluice_drains_total', ',outcome="gave_up"')).toBe(0);
    expect(await counted('sluice_drains_total', ',outcome="ended"')).toBe(0);
    expect(await counted('sluice_bluegreen_clients_left')).toBe(0);
    await untilValue(monitoring, `sum(sluice_node_clients{${OBJECT},colour="green"})`, CLIENTS);
    expect(await monitoring.prometheus.query(`sluice_node_clients{${OBJECT},colour="blue"}`)).toEqual([]);
    expect(await valueOf(monitoring, 'sum(sluice_admission_reviews_total{answer="failed"})')).toBe(0);
  }, 60_000);

  it('shows evictions at the configured rate, and never above it for long', async () => {
    const rates = await monitoring.prometheus.range(
      `rate(sluice_evicted_clients_total{${OBJECT}}[10s])`,
      monitoring.startedAtMs,
      Date.now(),
    );
    const highest = Math.max(...rates.flatMap(({ values }) => values.map(([, value]) => value)));
    // evictions come in bursts of a second, and the loop looks about as often
    expect(highest).toBeGreaterThan(RATE * 0.6);
    expect(highest).toBeLessThan(RATE * 1.4);
  });

  it('alerts when nobody leads and no webhook answers, and when a person has to act', async () => {
    expect(await provokeAlerts(cluster, monitoring)).toEqual(
      expect.arrayContaining(['SluiceNoLeader', 'SluiceWebhookDown']),
    );
    await journey.kubectl('set', 'image', 'statefulset/emqx', 'emqx=localhost/no-such-image:1');
    const labels = await untilFiring(monitoring, 'SluiceActionNeeded');
    expect(labels).toMatchObject({ namespace: NAMESPACE, bluegreen: 'emqx', severity: 'warning' });
    await journey.kubectl('rollout', 'undo', 'statefulset/emqx');
    await journey.untilRest(NODES, () => true);
  }, 400_000);

  it('has cost nobody a session or a message', async () => {
    await journey.end();
  }, 60_000);
});
