import { isObject, type Json, type JsonObject } from '../../lib/json.js';

/** What of a value a CRD's schema does not take: unknown fields would be pruned, and what was written would do nothing. */
export function faults(value: Json, node: Json, path = ''): string[] {
  if (!isObject(node)) return [`${path} is no field`];
  if (node['type'] === 'object') {
    if (!isObject(value)) return [`${path} must be an object`];
    if (path === '.metadata') return [];
    return Object.entries(value).flatMap(([name, child]) =>
      faults(child ?? null, propertyOf(node, name), `${path}.${name}`),
    );
  }
  if (node['type'] === 'array') {
    if (!Array.isArray(value)) return [`${path} must be a list`];
    return value.flatMap((item, index) => faults(item, node['items'] ?? null, `${path}[${index}]`));
  }
  const { type, minimum, maximum } = node;
  const isOfType =
    type === 'integer' ? Number.isInteger(value) : typeof value === (type === undefined ? 'string' : type);
  const isListed = !Array.isArray(node['enum']) || node['enum'].includes(value);
  const isWithin =
    typeof value !== 'number' || (value >= Number(minimum ?? value) && value <= Number(maximum ?? value));
  return isOfType && isListed && isWithin ? [] : [`${path} may not be ${JSON.stringify(value)}`];
}

/** Whether the schema has a field at this path: `spec.promotion.auto`. */
export function hasField(path: string, schema: Json): boolean {
  let node: Json = schema;
  for (const name of path.split('.')) {
    const object: JsonObject = isObject(node) ? node : {};
    node = propertyOf(isObject(object['items']) ? object['items'] : object, name.replace(/\[.*\]$/, ''));
    if (node === null) return false;
  }
  return true;
}

function propertyOf({ properties }: JsonObject, name: string): Json {
  return (isObject(properties) ? properties[name] : undefined) ?? null;
}
