import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import type { JsonObject } from '../../lib/json.js';
import { findHelm, FIND_HELM_MS, ofKind } from '../charts/render.js';
import { ensurePackages } from '../cluster/packages.js';
import { scrapesOf } from './scrapes.js';

const run = promisify(execFile);
let folder: string;
let monitors: JsonObject[];
beforeAll(async () => {
  // for promtool
  await ensurePackages(process.env, (line) => void process.stderr.write(`${line}\n`));
  folder = await mkdtemp(`${tmpdir()}/sluice-scrapes-`);
  const helm = await findHelm();
  const chart = await helm.template('sluice', { metrics: { podMonitor: { enabled: true } } });
  const examples = await Promise.all(
    ['emqx4', 'emqx5'].map(async (name) => {
      const raw = parse(await readFile(`examples/monitoring/${name}.yaml`, 'utf8')) as JsonObject;
      return { ...raw, metadata: { name, namespace: 'mq' } };
    }),
  );
  monitors = [...ofKind(chart, 'PodMonitor'), ...examples];
}, FIND_HELM_MS);
afterAll(() => rm(folder, { recursive: true }));

async function configs(): Promise<JsonObject[]> {
  const readSecret = (namespace: string, name: string, key: string): Promise<string> =>
    Promise.resolve(`${namespace}/${name}/${key}`);
  const options = { targetsFile: `${folder}/targets.json`, interval: '1s', readSecret };
  return (await Promise.all(monitors.map((monitor) => scrapesOf(monitor, options)))).flat();
}

describe('the PodMonitors, as Prometheus Operator writes them down', () => {
  it('are a configuration that Prometheus takes', async () => {
    await writeFile(`${folder}/targets.json`, '[]');
    await writeFile(`${folder}/prometheus.yaml`, stringify({ scrape_configs: await configs() }));
    const { stdout } = await run('promtool', ['check', 'config', `${folder}/prometheus.yaml`]);
    expect(stdout).toContain('SUCCESS');
  }, 30_000);

  it('bring the credentials of the Secret that they name', async () => {
    expect((await configs()).map((config) => config['basic_auth'])).toEqual([
      undefined,
      undefined,
      { username: 'mq/emqx-metrics/username', password: 'mq/emqx-metrics/password' },
      undefined,
    ]);
  });

  it('ask EMQX 4 for text', async () => {
    const found = (await configs()).map((config) => [config['metrics_path'], config['params']]);
    expect(found.slice(2)).toEqual([
      ['/api/v4/emqx_prometheus', { type: ['prometheus'] }],
      ['/api/v5/prometheus/stats', {}],
    ]);
  });
});
