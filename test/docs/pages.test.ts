import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { isObject, type Json, type JsonObject } from '../../lib/json.js';
import { ANNOTATION, BLUEGREEN, LABEL } from '../../lib/names.js';
import { lint } from '../../plugin/lint.js';
import { blueGreenVersion } from '../../scripts/reference.js';
import { at, findHelm, FIND_HELM_MS, type Helm } from '../charts/render.js';
import { anchorsOf, linksOf, readPage, spansOf, type Page } from './markdown.js';
import { faults, hasField } from './schema.js';

// kubectl and helm are asked, on machines with other work.
jest.setTimeout(120_000);

const FILES = [...globSync('*.md'), ...globSync('docs/**/*.md')].sort();
const pages = FILES.map(readPage);
const INDEX = 'docs/README.md';

let helm: Helm;
let schema: Json;
beforeAll(async () => {
  helm = await findHelm();
  schema = at(await blueGreenVersion(), 'schema', 'openAPIV3Schema');
}, FIND_HELM_MS);

const page = (file: string): Page => pages.find((one) => one.file === file) ?? readPage(file);

it('docs/argo-cd.md names what its readers have to set', () => {
  const said = readFileSync('docs/argo-cd.md', 'utf8');
  const names = [
    'IncludeMutationWebhook=true',
    'ignoreDifferences',
    '/spec/replicas',
    'RespectIgnoreDifferences=true',
  ];
  for (const name of names) expect(said).toContain(name);
});

describe.each(FILES)('%s', (file) => {
  const local = linksOf(page(file)).filter((link) => !/^[a-z]+:/.test(link));

  it('links to what is there', () => {
    const broken = local.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : normalize(join(dirname(file), path));
      if (!existsSync(target)) return true;
      return anchor !== undefined && !(target.endsWith('.md') && anchorsOf(readPage(target)).has(anchor));
    });
    expect(broken).toEqual([]);
  });

  it('names labels and annotations that there are', () => {
    const known: string[] = [...Object.values(LABEL), ...Object.values(ANNOTATION), 'sluice.dev/v1alpha1'];
    const named = readFileSync(file, 'utf8').matchAll(/(?<![\w.])sluice\.dev\/[a-z](?:[a-z0-9-]*[a-z0-9])?/g);
    // scopes of spans, and who writes events
    const programs = ['webhook', 'controller', 'sidecar'].map((program) => `sluice.dev/${program}`);
    expect([...named].map(([key]) => key).filter((key) => ![...known, ...programs].includes(key))).toEqual(
      [],
    );
  });

  it('names fields of the resource that there are', () => {
    const fields = spansOf(page(file)).flatMap(
      (span) => /^(?:spec|status)(?:\.\w+(?:\[\w*\])?)+/.exec(span) ?? [],
    );
    expect(fields.filter((field) => !hasField(field, schema) && !OTHERS.includes(field))).toEqual([]);
  });

  it('names values of the chart that there are', () => {
    const values = parse(readFileSync('charts/sluice/values.yaml', 'utf8')) as JsonObject;
    const tops = Object.keys(values).filter((name) => isObject(values[name]));
    const named = spansOf(page(file)).filter((span) =>
      tops.some((name) => /^[\w.]+$/.test(span) && span.startsWith(`${name}.`)),
    );
    expect(named.filter((path) => !isThere(path, values))).toEqual([]);
  });
});

/** Fields of Kubernetes' own objects, of Argo CD's, Flux's and EMQX Operator's, that pages name, too. */
const OTHERS = [
  'spec.selector',
  'spec.scaleTargetRef',
  'spec.allocateLoadBalancerNodePorts',
  'spec.wait',
  'spec.force',
  'spec.template',
  'spec.ignoreDifferences',
  'spec.dependsOn',
  'spec.driftDetection.ignore',
  'spec.config',
  'spec.replicantTemplate',
  'status.coreNodes',
];

function isThere(path: string, values: JsonObject): boolean {
  let value: Json | undefined = values;
  for (const name of path.split('.')) value = isObject(value) ? value[name] : undefined;
  return value !== undefined;
}

it('every page of docs/ is in its index, and the index in the README', () => {
  const listed = linksOf(page(INDEX)).map((link) => normalize(join('docs', link.split('#')[0] ?? '')));
  expect(
    FILES.filter((file) => file.startsWith('docs/') && file !== INDEX && !listed.includes(file)),
  ).toEqual([]);
  expect(linksOf(page('README.md'))).toContain(INDEX);
});

const blocks = pages.flatMap(({ file, fences }) =>
  fences
    .filter(({ language }) => language === 'yaml')
    .map(({ text, line }) => ({ at: `${file}:${line}`, text })),
);

describe.each(blocks)('YAML at $at', ({ text }) => {
  const documents = parseAllDocuments(text);
  const objects = documents.map((document) => document.toJS() as Json).filter(isObject);

  it('is YAML', () => {
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  });

  it('is taken by the resource, or by the chart, as it says', async () => {
    for (const object of objects) {
      if (object['kind'] === BLUEGREEN.kind) expect(faults(object, schema)).toEqual([]);
    }
    if (/^# values of the chart sluice\b/.test(text)) await helm.template('sluice', objects[0]);
    else expect(objects.every(({ kind }) => typeof kind === 'string') || text.startsWith('# ')).toBe(true);
  });

  it('has no StatefulSet that Sluice refuses', () => {
    if (!objects.some(({ kind }) => kind === 'StatefulSet')) return;
    expect(lint(objects).filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});

it.each(globSync('examples/**/*.yaml').map((file) => relative('.', file)))('%s fits the resource', (file) => {
  const objects = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Json);
  for (const object of objects.filter(isObject))
    if (object['kind'] === BLUEGREEN.kind) expect(faults(object, schema)).toEqual([]);
  expect(objects.length).toBeGreaterThan(0);
});
