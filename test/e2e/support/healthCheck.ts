import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { LocalCluster } from '../../cluster/index.js';

/** What Argo CD would show of an object. */
export interface Health {
  status: string;
  message: string;
}

const KEY = 'resource.customizations.health.sluice.dev_BlueGreen';

/** Runs the example's health check on each object, as Argo CD does: the object is the global `obj`, and the check returns a table. */
export async function healthOf(cluster: LocalCluster, objects: readonly unknown[]): Promise<Health[]> {
  const configMap = parse(readFileSync('examples/argocd/argocd-cm.yaml', 'utf8')) as {
    data: Record<string, string>;
  };
  const check = configMap.data[KEY];
  if (check === undefined) throw new Error(`examples/argocd/argocd-cm.yaml has no key ${KEY}`);
  const script = [
    `local function check()\n${check}\nend`,
    ...objects.map(
      (object) => `obj = ${literal(object)}\ndo local h = check(); print(h.status .. "\\t" .. h.message) end`,
    ),
  ].join('\n');
  const said = await cluster.runInNetwork('lua5.1', ['-'], { stdin: script });
  return said
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [status = '', ...message] = line.split('\t');
      return { status, message: message.join('\t') };
    });
}

/** A value of JSON in Lua's spelling; `null` is not there, as in Argo CD. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(literal).join(', ')}}`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([key, each]) => `[${quoted(key)}] = ${literal(each)}`);
    return `{${fields.join(', ')}}`;
  }
  if (typeof value === 'string') return quoted(value);
  return value === null || value === undefined ? 'nil' : JSON.stringify(value);
}

/** Bytes that could end a string or a line are written as their numbers. */
function quoted(text: string): string {
  const escaped = [...Buffer.from(text)].map((byte) =>
    byte >= 32 && byte < 127 && byte !== 34 && byte !== 92
      ? String.fromCharCode(byte)
      : `\\${String(byte).padStart(3, '0')}`,
  );
  return `"${escaped.join('')}"`;
}
