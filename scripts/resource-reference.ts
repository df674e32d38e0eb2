import { isObject, type Json, type JsonObject } from '../lib/json.js';
import { BLUEGREEN } from '../lib/names.js';

export const RESOURCE_REFERENCE = 'docs/resource.md';

const HEAD = `# The resource BlueGreen

How the upgrades of one EMQX StatefulSet go, and how the present one is going: \`${BLUEGREEN.group}/${BLUEGREEN.version}\`, namespaced, short name \`bg\`. It has the name of the
StatefulSet that carries the label \`sluice.dev/upgrade\`. Where there is none, the controller makes one, with the chart's \`blueGreenDefaults\`.

This page is made from the resource's schema, as \`kubectl explain bluegreen\` is. What each condition means, and what to do: [operations.md](operations.md).
`;

/**
 * The text of docs/resource.md, not laid out yet. Pure.
 * @param version the version of the CustomResourceDefinition that it is about
 */
export function resourceReference(version: JsonObject): string {
  const { schema, additionalPrinterColumns } = version;
  const root = isObject(schema) ? schema['openAPIV3Schema'] : undefined;
  return [
    HEAD.trimEnd(),
    '## What `kubectl get` shows',
    columns(additionalPrinterColumns),
    '## spec',
    ...rules(child(root, 'spec')),
    ...fieldsOf(child(root, 'spec'), 'spec', section),
    '## status',
    'Written by Sluice alone.',
    fieldsOf(child(root, 'status'), 'status', line).join('\n'),
  ].join('\n\n');
}

function columns(all: Json | undefined): string {
  const rows = (Array.isArray(all) ? all : []).filter(isObject).map((column) => {
    const wide = column['priority'] === undefined ? '' : ' (with `-o wide`)';
    return `- **${text(column['name']).toUpperCase()}**${wide}: \`${text(column['jsonPath'])}\`${dotted(text(column['description']))}`;
  });
  return rows.join('\n');
}

/** Every field below `node`, outer ones first. */
function fieldsOf(
  node: JsonObject,
  path: string,
  write: (path: string, field: JsonObject) => string,
): string[] {
  const { properties } = node;
  return Object.entries(isObject(properties) ? properties : {}).flatMap(([name, field]) => {
    if (!isObject(field)) return [];
    const { items } = field;
    const isList = isObject(items);
    const here = `${path}.${name}${isList ? '[]' : ''}`;
    return [write(here, field), ...fieldsOf(isList ? items : field, here, write)];
  });
}

function section(path: string, field: JsonObject): string {
  const heading = `### ${path.replace('[]', '')}`;
  return [heading, `_${facts(field)}_`, text(field['description']), ...rules(field)].join('\n\n');
}

function line(path: string, field: JsonObject): string {
  return `- \`${path}\` (${facts(field)}): ${text(field['description'])}`;
}

/** Type, default and limits. */
function facts(field: JsonObject): string {
  const { type, format, items, minimum, maximum, maxLength, maxItems, default: value } = field;
  const kind = isObject(items) ? `list of ${text(items['type'])}s` : text(type);
  const allowed = Array.isArray(field['enum'])
    ? field['enum'].map((one) => `\`${text(one)}\``).join(', ')
    : '';
  return [
    allowed === '' ? kind : `one of ${allowed}`,
    format === 'date-time' ? 'RFC 3339' : '',
    isPlain(value) ? `default \`${value === '' ? '""' : text(value)}\`` : '',
    minimum === undefined ? '' : `at least ${text(minimum)}`,
    maximum === undefined ? '' : `at most ${text(maximum)}`,
    maxLength === undefined ? '' : `at most ${text(maxLength)} characters`,
    maxItems === undefined ? '' : `at most ${text(maxItems)} items`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** What is refused beyond types and limits, in the words that the API server answers with. */
function rules(field: JsonObject): string[] {
  const all = field['x-kubernetes-validations'];
  const messages = (Array.isArray(all) ? all : []).filter(isObject).map(({ message }) => text(message));
  return messages.length === 0 ? [] : [messages.map((message) => `Refused: "${message}"`).join('\\\n')];
}

function isPlain(value: Json | undefined): boolean {
  return value !== undefined && typeof value !== 'object';
}

function child(node: Json | undefined, name: string): JsonObject {
  const properties = isObject(node) ? node['properties'] : undefined;
  const found = isObject(properties) ? properties[name] : undefined;
  if (!isObject(found)) throw new Error(`the schema has no field ${name}`);
  return found;
}

function dotted(description: string): string {
  return description === '' ? '' : `. ${description}`;
}

function text(value: Json | undefined): string {
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}
