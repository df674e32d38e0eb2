import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { isObject, type Json, type JsonObject } from '../../lib/json.js';
import { ANNOTATION } from '../../lib/names.js';
import { at, find, findHelm, FIND_HELM_MS, listAt } from '../charts/render.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const patches = [...readme.matchAll(/^kubectl patch bluegreen emqx --type=merge -p '(.*)'$/gm)].map(
  ([, patch = '']) => patch,
);

let schema: Json;
beforeAll(async () => {
  const crd = find(
    await (await findHelm()).template('sluice'),
    'CustomResourceDefinition',
    'bluegreens.sluice.dev',
  );
  schema = at(listAt(crd, 'spec', 'versions')[0], 'schema', 'openAPIV3Schema');
}, FIND_HELM_MS);

/** What of a value the schema does not know: unknown fields would be pruned, and the command would do nothing. */
function faults(value: Json, node: Json, path = ''): string[] {
  if (!isObject(node)) return [`${path} is no field`];
  if (isObject(value)) {
    return Object.entries(value).flatMap(([name, child]) =>
      faults(child ?? null, propertyOf(node, name), `${path}.${name}`),
    );
  }
  const isOfType = typeof value === (node['type'] === 'integer' ? 'number' : node['type']);
  const isListed = !Array.isArray(node['enum']) || node['enum'].includes(value);
  return isOfType && isListed ? [] : [`${path} may not be ${JSON.stringify(value)}`];
}

function propertyOf({ properties }: JsonObject, name: string): Json {
  return (isObject(properties) ? properties[name] : undefined) ?? null;
}

describe('the commands of the README', () => {
  it('are there', () => {
    expect(patches.length).toBeGreaterThan(8);
  });

  it.each(patches)('%s fits the resource', (patch) => {
    expect(faults(JSON.parse(patch) as Json, schema)).toEqual([]);
  });

  it('set annotations that Sluice reads', () => {
    const keys = [...readme.matchAll(/^kubectl annotate bluegreen emqx (\S+)=REV$/gm)].map(([, key]) => key);
    expect(keys).toEqual([ANNOTATION.promote, ANNOTATION.abort, ANNOTATION.retry]);
  });
});
