import { beforeAll, describe, expect, it } from '@jest/globals';
import { DRAIN_BOUNDS, MOST_NODES, type DrainNumber } from '../../lib/bounds.js';
import { isObject, type Json, type JsonObject } from '../../lib/json.js';
import { BLUEGREEN } from '../../lib/names.js';
import { DEFAULT_SPEC } from '../../lib/types.js';
import { at, find, findHelm, FIND_HELM_MS, listAt, ofKind, textAt, type Helm } from './render.js';

let helm: Helm;
let crd: JsonObject;
let version: JsonObject;
beforeAll(async () => {
  helm = await findHelm();
  crd = find(await helm.template('sluice'), 'CustomResourceDefinition', 'bluegreens.sluice.dev');
  version = listAt(crd, 'spec', 'versions')[0] ?? {};
}, FIND_HELM_MS);

const schema = (): Json => at(version, 'schema', 'openAPIV3Schema');
const properties = (node: Json): [string, JsonObject][] =>
  isObject(node) && isObject(node['properties'])
    ? Object.entries(node['properties']).filter((entry): entry is [string, JsonObject] => isObject(entry[1]))
    : [];

/** What the API server stores for `value`: it fills in defaults from the outside in. */
function defaulted(node: Json, value: Json | undefined): Json | undefined {
  const filled = value ?? (isObject(node) ? node['default'] : undefined);
  if (!isObject(filled)) return filled;
  const fields = properties(node).map(([name, child]) => [name, defaulted(child, filled[name])] as const);
  return { ...filled, ...Object.fromEntries(fields.filter(([, field]) => field !== undefined)) };
}

/** Paths of all fields below `node`, with their schema. */
function fieldsBelow(node: Json, path = ''): [string, JsonObject][] {
  return properties(node).flatMap(([name, child]) => {
    const here = `${path}.${name}`;
    const inner = isObject(child['items']) ? child['items'] : child;
    return [[here, child] as [string, JsonObject], ...fieldsBelow(inner, here)];
  });
}

describe('the BlueGreen resource', () => {
  it('is called what the programs call it', () => {
    expect(at(crd, 'spec', 'group')).toBe(BLUEGREEN.group);
    expect(at(version, 'name')).toBe(BLUEGREEN.version);
    expect(at(crd, 'spec', 'names')).toMatchObject({
      kind: BLUEGREEN.kind,
      plural: BLUEGREEN.plural,
      shortNames: ['bg'],
    });
  });

  it('has no key in its schema but such as schemas have: YAML makes one of what follows a comma', () => {
    const fields = fieldsBelow(schema());
    expect(fields.length).toBeGreaterThan(50);
    for (const [path, node] of fields)
      for (const key of Object.keys(node)) expect(`${path}: ${key}`).toMatch(/: [A-Za-z-]+$/);
  });

  it('has the defaults that the programs count on', () => {
    expect(defaulted(schema(), {})).toEqual({ spec: DEFAULT_SPEC });
  });

  it('keeps what a user sets beside the defaults', () => {
    const spec = { updateStrategy: { evacuationStrategy: { connEvictRate: 200 } } };
    expect(defaulted(schema(), { spec })).toMatchObject({
      spec: {
        updateStrategy: { type: 'Recreate', evacuationStrategy: { connEvictRate: 200, sessEvictRate: 1000 } },
      },
    });
  });

  it('explains every field to kubectl explain', () => {
    const silent = fieldsBelow(schema())
      .filter(([path, field]) => path !== '.metadata' && typeof field['description'] !== 'string')
      .map(([path]) => path);
    expect(silent).toEqual([]);
  });

  it('tells the default of every value there, which kubectl explain does not show', () => {
    const silent = fieldsBelow(at(schema(), 'properties', 'spec')).filter(([, field]) => {
      const { default: value } = field;
      if (value === undefined || typeof value === 'object') return false;
      return !textAt(field, 'description').includes(`Default ${value === '' ? 'empty' : String(value)}.`);
    });
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  it('names the field in every rule of its own', () => {
    const rules = fieldsBelow(schema()).flatMap(([path, field]) =>
      Array.isArray(field['x-kubernetes-validations'])
        ? listAt(field, 'x-kubernetes-validations').map((rule) => ({ path, rule }))
        : [],
    );
    expect(rules.length).toBeGreaterThan(8);
    for (const { path, rule } of rules) {
      const field =
        (rule['fieldPath'] === undefined ? path : textAt(rule, 'fieldPath')).split('.').at(-1) ?? '?';
      expect(textAt(rule, 'message')).toContain(field);
    }
  });

  it.each<{ field: string; least: number }>([
    { field: 'updateStrategy.initialDelaySeconds', least: 0 },
    { field: 'updateStrategy.evacuationStrategy.waitTakeover', least: 0 },
    { field: 'updateStrategy.evacuationStrategy.connEvictRate', least: 1 },
    { field: 'updateStrategy.evacuationStrategy.sessEvictRate', least: 1 },
    { field: 'progressDeadlineSeconds', least: 1 },
    { field: 'drainTimeoutSeconds', least: 1 },
    { field: 'noRecipientSeconds', least: 35 },
    { field: 'maxConcurrentDrains', least: 1 },
  ])('wants $field to be at least $least and says so', ({ field, least }) => {
    const path = field.split('.').flatMap((name) => ['properties', name]);
    const [rule] = listAt(schema(), 'properties', 'spec', ...path, 'x-kubernetes-validations');
    expect(rule).toMatchObject({ rule: `self >= ${least}` });
    expect(rule?.['message']).toContain(`${field.split('.').at(-1)} must be at least ${least}`);
  });

  it.each<{ field: string; name: DrainNumber }>([
    { field: 'updateStrategy.initialDelaySeconds', name: 'waitHealthCheck' },
    { field: 'updateStrategy.evacuationStrategy.waitTakeover', name: 'waitTakeover' },
    { field: 'updateStrategy.evacuationStrategy.connEvictRate', name: 'connEvictRate' },
    { field: 'updateStrategy.evacuationStrategy.sessEvictRate', name: 'sessEvictRate' },
    { field: 'noRecipientSeconds', name: 'noRecipientSeconds' },
  ])('allows no $field that a sidecar refuses', ({ field, name }) => {
    const path = field.split('.').flatMap((each) => ['properties', each]);
    expect(at(schema(), 'properties', 'spec', ...path, 'maximum')).toBe(DRAIN_BOUNDS[name][1]);
  });

  const spec = (...path: string[]): Json => at(schema(), 'properties', 'spec', 'properties', ...path);

  it.each<{ field: string; path: string[]; bad: string[]; isOptional?: boolean }>([
    { field: 'services', path: ['services', 'items'], bad: ['', '../x', 'EMQX', '-x'] },
    {
      field: 'promotion.previewService',
      path: ['promotion', 'properties', 'previewService'],
      bad: ['a/b', 'x-'],
      isOptional: true,
    },
    {
      field: 'emqx.container',
      path: ['emqx', 'properties', 'container'],
      bad: ['NOPE!!', 'a.b'],
      isOptional: true,
    },
    {
      field: 'emqx.apiKeySecret.name',
      path: ['emqx', 'properties', 'apiKeySecret', 'properties', 'name'],
      bad: ['../x'],
      isOptional: true,
    },
  ])('takes nothing for $field that is no name of one', ({ path, bad, isOptional = false }) => {
    const pattern = new RegExp(textAt(spec(...path), 'pattern'));
    for (const name of bad) expect(name).not.toMatch(pattern);
    for (const name of ['emqx', 'emqx-0', '4emqx']) expect(name).toMatch(pattern);
    expect(pattern.test('')).toBe(isOptional);
  });

  it('asks for no preview Service beside the others where none is named', () => {
    const rules = listAt(schema(), 'properties', 'spec', 'x-kubernetes-validations');
    const rule = rules.find(({ fieldPath }) => fieldPath === '.promotion.previewService');
    expect(rule?.['rule']).toContain("self.promotion.previewService == '' ||");
  });

  it('gives an upgrade no longer than 30 days', () => {
    expect(spec('progressDeadlineSeconds', 'maximum')).toBe(30 * 24 * 3600);
  });

  it('allows no more nodes than webhook and controller do', () => {
    expect(at(schema(), 'properties', 'spec', 'properties', 'replicas', 'maximum')).toBe(MOST_NODES);
  });

  it('can be scaled and shows a table', () => {
    expect(at(version, 'subresources')).toEqual({
      status: {},
      scale: {
        specReplicasPath: '.spec.replicas',
        statusReplicasPath: '.status.replicas',
        labelSelectorPath: '.status.selector',
      },
    });
    const columns = listAt(version, 'additionalPrinterColumns');
    const shown = columns
      .filter(({ priority }) => priority === undefined)
      .map((column) => textAt(column, 'name').toUpperCase());
    expect(shown).toEqual(['PHASE', 'ACTIVE', 'WANTED', 'NODES', 'CLIENTS LEFT', 'AGE']);
    const paths = new Set(fieldsBelow(schema()).map(([path]) => path));
    for (const column of columns) {
      const path = textAt(column, 'jsonPath');
      if (!path.startsWith('.metadata')) expect(paths).toContain(path);
    }
  });

  it('outlives an uninstall unless told otherwise, and may come from elsewhere', async () => {
    expect(at(crd, 'metadata', 'annotations')).toEqual({ 'helm.sh/resource-policy': 'keep' });
    const gone = await helm.template('sluice', { crds: { keep: false } });
    expect(at(find(gone, 'CustomResourceDefinition', 'dev'), 'metadata')).not.toHaveProperty('annotations');
    const none = await helm.template('sluice', { crds: { install: false } });
    expect(ofKind(none, 'CustomResourceDefinition')).toEqual([]);
  });
});
