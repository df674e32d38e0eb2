import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { CONTROLLER_METRICS } from '../../controller/metrics/catalogue.js';
import { keySecretName, LABEL } from '../../lib/names.js';
import { SIDECAR_METRICS } from '../../sidecar/metrics.js';
import { WEBHOOK_METRICS } from '../../webhook/metrics.js';
import type { JsonObject } from '../../lib/json.js';
import { ensurePackages } from '../cluster/packages.js';
import { seriesOf } from '../monitoring/series.js';
import { at, find, findHelm, FIND_HELM_MS, listAt, ofKind, textAt, type Helm } from './render.js';

const run = promisify(execFile);
const MONITORED = { metrics: { podMonitor: { enabled: true }, rules: { enabled: true } } };

let helm: Helm;
let objects: JsonObject[];
let folder: string;
beforeAll(async () => {
  // for promtool
  await ensurePackages(process.env, (line) => void process.stderr.write(`${line}\n`));
  helm = await findHelm();
  objects = await helm.template('sluice', MONITORED);
  folder = await mkdtemp(`${tmpdir()}/sluice-rules-`);
  await writeFile(`${folder}/rules.yaml`, stringify(at(find(objects, 'PrometheusRule', 'sluice'), 'spec')));
}, FIND_HELM_MS);
afterAll(() => rm(folder, { recursive: true }));

const known = new Set([CONTROLLER_METRICS, WEBHOOK_METRICS, SIDECAR_METRICS].flatMap(seriesOf));

describe('without being asked for', () => {
  it('nothing is made of a kind that the cluster may not know', async () => {
    const plain = await helm.template('sluice');
    expect(ofKind(plain, 'PodMonitor').concat(ofKind(plain, 'PrometheusRule'))).toEqual([]);
  });
});

describe('the PodMonitors', () => {
  const sidecars = (): JsonObject => find(objects, 'PodMonitor', '-sidecars');
  const programs = (): JsonObject =>
    ofKind(objects, 'PodMonitor').find((monitor) => monitor !== sidecars()) ?? {};

  it.each(['controller', 'webhook'])('select the pods of the %s, at their metrics port', (program) => {
    const { selector, namespaceSelector } = at(programs(), 'spec') as JsonObject;
    const labels = at(find(objects, 'Deployment', `-${program}`), 'spec', 'template', 'metadata', 'labels');
    expect(labels).toMatchObject(at(selector, 'matchLabels') as object);
    const [component] = listAt(selector, 'matchExpressions');
    expect(component).toMatchObject({ key: 'app.kubernetes.io/component', operator: 'In' });
    expect(component?.['values']).toContain(textAt(labels, 'app.kubernetes.io/component'));
    expect(namespaceSelector).toBeUndefined();
    expect(at(programs(), 'spec', 'podMetricsEndpoints', 0, 'port')).toBe('metrics');
  });

  it('select sidecars in all namespaces, by the label that every pod of a revision has', () => {
    const spec = at(sidecars(), 'spec');
    expect(spec).toMatchObject({
      namespaceSelector: { any: true },
      selector: { matchExpressions: [{ key: LABEL.revision, operator: 'Exists' }] },
    });
    expect(at(sidecars(), 'spec', 'podMetricsEndpoints', 0, 'port')).toBe('sluice-metrics');
  });

  it("keep a BlueGreen's namespace in what Sluice's own programs tell, and the pod's in what others do", () => {
    expect(at(sidecars(), 'metadata', 'namespace')).toBe('sluice-system');
    expect(at(programs(), 'spec', 'podMetricsEndpoints', 0, 'honorLabels')).toBe(true);
    expect(at(sidecars(), 'spec', 'podMetricsEndpoints', 0)).not.toHaveProperty('honorLabels');
  });

  it('carry the labels by which a Prometheus finds them', async () => {
    const labels = { release: 'kube-prometheus-stack' };
    const all = await helm.template('sluice', {
      metrics: { podMonitor: { enabled: true, labels }, rules: { enabled: true, labels } },
    });
    for (const object of [...ofKind(all, 'PodMonitor'), ...ofKind(all, 'PrometheusRule')])
      expect(at(object, 'metadata', 'labels')).toMatchObject(labels);
  });

  it('are refused where there is nothing to scrape', async () => {
    const metrics = { enabled: false, podMonitor: { enabled: true } };
    await expect(helm.template('sluice', { metrics })).rejects.toThrow('needs metrics.enabled');
  });
});

describe('the alerts', () => {
  const rules = (): JsonObject[] =>
    listAt(find(objects, 'PrometheusRule', 'sluice'), 'spec', 'groups', 0, 'rules');

  it('are what Prometheus takes', async () => {
    const { stdout } = await run('promtool', ['check', 'rules', `${folder}/rules.yaml`]);
    expect(stdout).toContain(`SUCCESS: ${rules().length} rules found`);
  });

  it('fire on their fault, and not without it', async () => {
    await cp('test/charts/alerts.yaml', `${folder}/alerts.yaml`);
    const { stdout } = await run('promtool', ['test', 'rules', `${folder}/alerts.yaml`]).catch(
      ({ stdout, stderr }: { stdout: string; stderr: string }) => ({ stdout: `${stdout}${stderr}` }),
    );
    expect(stdout).toContain('SUCCESS');
    expect(stdout).not.toContain('FAILED');
  }, 60_000);

  it('each have a test of the fault that they are for', async () => {
    const { stdout } = await run('grep', ['-A1', 'alertname:', 'test/charts/alerts.yaml']);
    for (const rule of rules())
      expect(stdout).toMatch(new RegExp(`alertname: ${textAt(rule, 'alert')}\\n +exp_alerts:`));
  });

  it('ask only for series that exist', () => {
    for (const rule of rules()) {
      const asked = textAt(rule, 'expr').match(/\bsluice_\w+/g) ?? [];
      expect(asked.length).toBeGreaterThan(0);
      for (const name of asked) expect([...known]).toContain(name);
    }
  });

  it('listen to whoever tells of Sluice where its PodMonitor is not made', async () => {
    const all = await helm.template('sluice', { metrics: { rules: { enabled: true } } });
    expect(JSON.stringify(find(all, 'PrometheusRule', 'sluice'))).not.toContain('job=');
  });

  it('say how bad it is, what it is, and what to look at', () => {
    for (const rule of rules()) {
      expect(textAt(rule, 'labels', 'severity')).toMatch(/^(warning|critical)$/);
      expect(textAt(rule, 'annotations', 'summary').length).toBeGreaterThan(10);
      expect(textAt(rule, 'annotations', 'description').length).toBeGreaterThan(20);
    }
  });

  it('can be added to', async () => {
    const additional = [{ alert: 'Mine', expr: 'up == 0' }];
    const all = await helm.template('sluice', { metrics: { rules: { enabled: true, additional } } });
    const names = listAt(find(all, 'PrometheusRule', 'sluice'), 'spec', 'groups', 0, 'rules').map(
      ({ alert }) => alert,
    );
    expect(names).toContain('Mine');
  });
});

describe('the examples for EMQX itself', () => {
  const read = async (file: string): Promise<JsonObject> => parse(await readFile(file, 'utf8')) as JsonObject;

  it.each([
    { file: 'emqx5.yaml', auth: undefined },
    {
      file: 'emqx4.yaml',
      auth: {
        username: { name: 'emqx-metrics', key: 'username' },
        password: { name: 'emqx-metrics', key: 'password' },
      },
    },
  ])("$file sends nobody's key to EMQX that was not made for it", async ({ file, auth }) => {
    expect(await readFile(`examples/monitoring/${file}`, 'utf8')).not.toContain(keySecretName(''));
    const monitor = await read(`examples/monitoring/${file}`);
    const endpoint = at(monitor, 'spec', 'podMetricsEndpoints', 0) as JsonObject;
    expect(endpoint['basicAuth']).toEqual(auth);
  });

  it.each([
    { file: 'emqx5.yaml', port: 18083, path: '/api/v5/prometheus/stats', manifest: 'examples/emqx.yaml' },
    {
      file: 'emqx4.yaml',
      port: 8081,
      path: '/api/v4/emqx_prometheus',
      manifest: 'test/emqx/manifests/emqx4.yaml',
    },
  ])('$file names the port of EMQX in $manifest', async ({ file, port, path, manifest }) => {
    const monitor = await read(`examples/monitoring/${file}`);
    const endpoint = at(monitor, 'spec', 'podMetricsEndpoints', 0);
    expect(endpoint).toMatchObject({ path });
    const set = parseAllDocuments(await readFile(manifest, 'utf8'))
      .map((document) => document.toJS() as JsonObject)
      .find(({ kind }) => kind === 'StatefulSet');
    const template = at(set, 'spec', 'template');
    expect(at(template, 'metadata', 'labels')).toMatchObject(
      at(monitor, 'spec', 'selector', 'matchLabels') as object,
    );
    expect(listAt(template, 'spec', 'containers', 0, 'ports')).toContainEqual({
      name: at(endpoint, 'port'),
      containerPort: port,
    });
  });
});
