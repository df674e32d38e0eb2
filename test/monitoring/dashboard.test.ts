import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { CONTROLLER_METRICS } from '../../controller/metrics/catalogue.js';
import { LABEL } from '../../lib/names.js';
import { SIDECAR_METRICS } from '../../sidecar/metrics.js';
import { WEBHOOK_METRICS } from '../../webhook/metrics.js';
import { at, find, findHelm, FIND_HELM_MS, ofKind, textAt, type Helm } from '../charts/render.js';
import { ensurePackages } from '../cluster/packages.js';
import { objectsIn, queriesOf, readDashboard } from './dashboard.js';
import { seriesOf } from './series.js';

const run = promisify(execFile);
/** The label that podTargetLabels make of the pods' own. */
const REVISION = LABEL.revision.replaceAll(/[^a-z]/g, '_');
const dashboard = readDashboard();
const panels = objectsIn(dashboard['panels']);
const queries = queriesOf(dashboard, { interval: '1m', range: '10m' });

describe('the dashboard', () => {
  it('asks only for series that Sluice or EMQX has', () => {
    const own = new Set([CONTROLLER_METRICS, WEBHOOK_METRICS, SIDECAR_METRICS].flatMap(seriesOf));
    for (const { expr } of queries) {
      const asked = expr.match(/\b(sluice|process|emqx)_\w+/g) ?? [];
      expect(asked.length).toBeGreaterThan(0);
      for (const name of asked) {
        if (!name.startsWith('emqx_') && name !== REVISION) expect([...own]).toContain(name);
      }
    }
  });

  it('asks what Prometheus understands', async () => {
    await ensurePackages(process.env, (line) => void process.stderr.write(`${line}\n`));
    const rules = queries.map(({ expr }, index) => ({ record: `query_${index}`, expr }));
    const file = `${await mkdtemp(`${tmpdir()}/sluice-queries-`)}/rules.yaml`;
    await writeFile(file, stringify({ groups: [{ name: 'queries', rules }] }));
    const { stdout } = await run('promtool', ['check', 'rules', file]);
    expect(stdout).toContain(`SUCCESS: ${queries.length} rules found`);
    await rm(dirname(file), { recursive: true });
  }, 300_000);

  it('uses nearly every metric of BlueGreens and their nodes', () => {
    const all = queries.map(({ expr }) => expr).join('\n');
    const unused = Object.values(CONTROLLER_METRICS)
      .map(({ name }) => name)
      .filter((name) => /^sluice_(node|evicted|drains|upgrade_step)/.test(name) && !all.includes(name));
    expect(unused).toEqual([]);
  });

  it('says what each panel shows, and takes its data from the chosen source', () => {
    for (const panel of panels.filter(({ type }) => type !== 'row')) {
      expect(textAt(panel, 'description').length).toBeGreaterThan(10);
      expect(at(panel, 'datasource')).toEqual({ type: 'prometheus', uid: '${datasource}' });
      expect(objectsIn(panel['targets']).length).toBeGreaterThan(0);
    }
  });

  it('has no two panels in one place, or under one id', () => {
    const cells = panels.flatMap((panel) => {
      const { x, y, w, h } = at(panel, 'gridPos') as Record<'x' | 'y' | 'w' | 'h', number>;
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  it('marks the beginning, the switch and the end of an upgrade at their own time', () => {
    const marks = objectsIn((dashboard['annotations'] as { list: [] }).list);
    expect(marks.map(({ name }) => name)).toEqual(['Upgrade begins', 'Service switches', 'Upgrade ends']);
    for (const mark of marks) {
      expect(mark).toMatchObject({ useValueForTime: 'on', enable: true });
      // Grafana takes milliseconds
      expect(textAt(mark, 'expr')).toMatch(/_timestamp_seconds\{.*\}\) \* 1000$/);
    }
  });

  it('paints what the controller calls blue and green so', () => {
    const painted = panels.filter((panel) =>
      objectsIn(panel['targets']).some(({ legendFormat }) => legendFormat === '{{colour}} {{node}}'),
    );
    expect(painted).toHaveLength(2);
    for (const panel of painted) {
      const shown = objectsIn((panel['fieldConfig'] as { overrides: [] }).overrides).map((one) =>
        [textAt(one, 'matcher', 'options'), textAt(one, 'properties', 0, 'value', 'fixedColor')].join(' '),
      );
      expect(shown).toEqual(['/^blue/ blue', '/^green/ green']);
    }
  });
});

describe('its ConfigMap', () => {
  let helm: Helm;
  beforeAll(async () => {
    helm = await findHelm();
  }, FIND_HELM_MS);

  it('is found by the sidecar of Grafana, and holds the file as it is', async () => {
    const objects = await helm.template('sluice', { metrics: { dashboard: { enabled: true } } });
    const map = find(objects, 'ConfigMap', '-dashboard');
    expect(at(map, 'metadata', 'labels', 'grafana_dashboard')).toBe('1');
    expect(JSON.parse(textAt(map, 'data', 'sluice.json'))).toEqual(dashboard);
  });

  it('is not made unless asked for', async () => {
    expect(ofKind(await helm.template('sluice'), 'ConfigMap')).toEqual([]);
  });

  it('goes where Grafana looks', async () => {
    const metrics = {
      dashboard: { enabled: true, namespace: 'grafana', annotations: { grafana_folder: 'EMQX' } },
    };
    const map = find(await helm.template('sluice', { metrics }), 'ConfigMap', '-dashboard');
    expect(at(map, 'metadata')).toMatchObject({
      namespace: 'grafana',
      annotations: { grafana_folder: 'EMQX' },
    });
  });
});
