import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import type { JsonObject } from '../../lib/json.js';
import { until } from '../cluster/index.js';
import { ensurePackages } from '../cluster/packages.js';
import { useNodes } from '../emqx/harness.js';
import { testKey } from '../emqx/testNode.js';
import { targetsOf } from './discovery.js';
import { onThisMachine, startPrometheus, type Prometheus } from './prometheus.js';
import { scrapesOf } from './scrapes.js';

/** Prometheus' own address: another test has one on 127.0.0.1. */
const PROMETHEUS = '127.0.0.3';

const { start } = useNodes();
const folders: string[] = [];
let prometheus: Prometheus | undefined;
beforeAll(() => ensurePackages(process.env, (line) => void process.stderr.write(`${line}\n`)), 300_000);
afterAll(async () => {
  await prometheus?.stop();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

/** A Prometheus with the example's PodMonitor, a Secret that holds `password`, and one node of an EMQX that wants it. */
async function scraping(password: string): Promise<Prometheus> {
  await prometheus?.stop();
  const node = start(1, { STANDIN_VERSION: '4.4.10', EMQX_CLUSTER__DISCOVERY: 'static' });
  const folder = await mkdtemp(`${tmpdir()}/sluice-emqx4-`);
  folders.push(folder);
  const targetsFile = `${folder}/targets.json`;
  const pod = {
    metadata: { name: 'emqx-0', namespace: 'mq', uid: '1', labels: { app: 'emqx' } },
    spec: { containers: [{ name: 'emqx', ports: [{ name: 'mgmt', containerPort: 8081 }] }] },
    status: { podIP: node.host, phase: 'Running' },
  };
  await writeFile(targetsFile, JSON.stringify(targetsOf([pod])));
  const example = parse(await readFile('examples/monitoring/emqx4.yaml', 'utf8')) as JsonObject;
  const secret: Record<string, string> = { username: testKey.key, password };
  const scrapes = await scrapesOf(
    { ...example, metadata: { name: 'emqx', namespace: 'mq' } },
    {
      targetsFile,
      interval: '1s',
      readSecret: (_namespace, _name, key) => Promise.resolve(secret[key] ?? ''),
    },
  );
  prometheus = await startPrometheus(onThisMachine(PROMETHEUS), { folder, scrapes, rules: { groups: [] } });
  return prometheus;
}

describe("EMQX 4's own metrics, by the example's PodMonitor", () => {
  it('are scraped with the credentials of its Secret', async () => {
    const scraped = await scraping(testKey.secret);
    const [series] = await until(
      'connections are counted',
      async () => {
        const found = await scraped.query('emqx_connections_count');
        return found.length > 0 ? found : undefined;
      },
      { timeoutMs: 30_000, everyMs: 250 },
    );
    expect(series?.metric).toMatchObject({ namespace: 'mq', pod: 'emqx-0', container: 'emqx' });
  }, 60_000);

  it('are not without', async () => {
    const refused = await scraping('wrong');
    const target = await until(
      'EMQX refuses',
      async () => (await refused.targets()).find(({ lastError }) => lastError.includes('401')),
      { timeoutMs: 30_000, everyMs: 250 },
    );
    expect(target.health).toBe('down');
  }, 60_000);
});
