import { beforeAll, describe, expect, it } from '@jest/globals';
import { readSettings } from '../../controller/settings.js';
import type { Json, JsonObject } from '../../lib/json.js';
import { at, find, findHelm, FIND_HELM_MS, listAt, ofKind, textAt, type Helm } from './render.js';

let helm: Helm;
let objects: JsonObject[];
beforeAll(async () => {
  helm = await findHelm();
  objects = await helm.template('sluice');
}, FIND_HELM_MS);

const container = (all: JsonObject[]): Json =>
  at(find(all, 'Deployment', '-controller'), 'spec', 'template', 'spec', 'containers', 0);
const ingress = (all: JsonObject[]): JsonObject[] =>
  listAt(find(all, 'NetworkPolicy', '-controller'), 'spec', 'ingress');
const settings = (all: JsonObject[]): ReturnType<typeof readSettings> =>
  readSettings({
    SLUICE_NAMESPACE: 'sluice-system',
    SLUICE_POD: 'sluice-controller-a',
    ...Object.fromEntries(
      listAt(container(all), 'env').flatMap((one) =>
        one['value'] === undefined ? [] : [[textAt(one, 'name'), textAt(one, 'value')]],
      ),
    ),
  });

describe('the page', () => {
  it('is served by every controller, to a port-forward of its Service alone', () => {
    const { spec } = find(objects, 'Service', '-page') as { spec: JsonObject };
    const labels = at(find(objects, 'Deployment', '-controller'), 'spec', 'template', 'metadata', 'labels');
    expect(labels).toMatchObject(spec['selector'] as object);
    expect(spec['ports']).toEqual([{ name: 'http', port: 80, targetPort: 'page' }]);
    expect(listAt(container(objects), 'ports')).toContainEqual({ name: 'page', containerPort: 8082 });
    expect(settings(objects).page).toEqual({ port: 8082, isExposed: false });
    expect(JSON.stringify(ingress(objects))).not.toContain('page');
  });

  it('is open to those who are let in, where it is exposed', async () => {
    const exposed = await helm.template('sluice', { page: { exposed: true } });
    expect(settings(exposed).page.isExposed).toBe(true);
    expect(ingress(exposed)).toContainEqual({ ports: [{ port: 'page' }] });
    const from = [{ namespaceSelector: { matchLabels: { name: 'ingress' } } }];
    const values = { page: { exposed: true }, networkPolicy: { pageFrom: from } };
    expect(ingress(await helm.template('sluice', values))).toContainEqual({
      ports: [{ port: 'page' }],
      from,
    });
  });

  it('switched off, leaves no port, Service or right', async () => {
    const off = await helm.template('sluice', { page: { enabled: false } });
    expect(ofKind(off, 'Service').map((one) => textAt(one, 'metadata', 'name'))).toEqual(['sluice-webhook']);
    expect(JSON.stringify(container(off))).not.toMatch(/page|PAGE/);
    expect(settings(off).page.port).toBe(0);
    const rules = listAt(find(off, 'ClusterRole', '-controller'), 'rules');
    expect(rules.filter((rule) => JSON.stringify(rule['resources']) === '["events"]')).toEqual([
      { apiGroups: [''], resources: ['events'], verbs: ['create'] },
    ]);
  });
});
