import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LABEL } from '../../lib/names.js';
import { find, findHelm, FIND_HELM_MS, ofKind } from '../charts/render.js';
import { until } from '../cluster/index.js';
import { ensurePackages } from '../cluster/packages.js';
import { targetsOf, type PodObject } from './discovery.js';
import { onThisMachine, startPrometheus, type Prometheus } from './prometheus.js';
import { scrapesOf } from './scrapes.js';

/** What somebody who may make a pod in a namespace of his own serves there. */
const FORGED = [
  'sluice_controller_leading 1',
  'sluice_webhook_ready{namespace="sluice-system",job="sluice-system/sluice"} 1',
  'sluice_bluegreen_clients_left{namespace="mq",bluegreen="emqx"} 7',
  '',
].join('\n');
const RULES = ['SluiceNoLeader', 'SluiceWebhookDown'];

let server: Server;
let prometheus: Prometheus;
let folder: string;
beforeAll(async () => {
  await ensurePackages(process.env, (line) => void process.stderr.write(`${line}\n`));
  server = createServer((_, response) => void response.setHeader('content-type', 'text/plain').end(FORGED));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  folder = await mkdtemp(`${tmpdir()}/sluice-forged-`);
  const pod: PodObject = {
    metadata: { name: 'liar', namespace: 'theirs', uid: '1', labels: { [LABEL.revision]: 'abc' } },
    spec: {
      containers: [
        {
          name: 'liar',
          ports: [{ name: 'sluice-metrics', containerPort: (server.address() as AddressInfo).port }],
        },
      ],
    },
    status: { podIP: '127.0.0.1', phase: 'Running' },
  };
  const targetsFile = `${folder}/targets.json`;
  await writeFile(targetsFile, JSON.stringify(targetsOf([pod])));
  const chart = await (
    await findHelm()
  ).template('sluice', {
    metrics: { podMonitor: { enabled: true }, rules: { enabled: true } },
  });
  const readSecret = (): Promise<string> => Promise.reject(new Error('no Secret is asked for'));
  const options = { targetsFile, readSecret, interval: '1s' };
  const scrapes = await Promise.all(
    ofKind(chart, 'PodMonitor').map((monitor) => scrapesOf(monitor, options)),
  );
  prometheus = await startPrometheus(onThisMachine('127.0.0.1'), {
    folder,
    scrapes: scrapes.flat(),
    rules: find(chart, 'PrometheusRule', 'sluice')['spec'] as never,
  });
}, FIND_HELM_MS + 60_000);
afterAll(async () => {
  await prometheus.stop();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

describe('a pod that serves series of Sluice in a namespace of its own', () => {
  it('tells of that namespace alone', async () => {
    const series = await until(
      'its series are there',
      async () => {
        const found = await prometheus.query('{__name__=~"sluice_.*"}');
        return found.length === 3 ? found : undefined;
      },
      { timeoutMs: 30_000, everyMs: 250 },
    );
    const labels = series.map(({ metric }) => ({ namespace: metric['namespace'], job: metric['job'] }));
    expect(labels).toEqual(series.map(() => ({ namespace: 'theirs', job: 'sluice-system/sluice-sidecars' })));
  }, 60_000);

  it('silences no alert', async () => {
    const seen = await until(
      'alerts are under way',
      async () => {
        const names = (await prometheus.alerts()).map((alert) => alert.labels['alertname'] ?? '').sort();
        return names.length >= RULES.length ? names : undefined;
      },
      { timeoutMs: 30_000, everyMs: 250 },
    );
    expect(seen).toEqual(RULES);
  }, 60_000);
});
