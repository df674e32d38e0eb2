import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { isObject, type Json, type JsonObject } from '../../lib/json.js';
import { settingsFrom } from '../cluster/settings.js';
import { resolvePrograms } from '../cluster/programs.js';

const run = promisify(execFile);
const CHART = 'charts/sluice';
/** A helm built by `go install` takes the cluster to be Kubernetes 1.20. */
const KUBE_VERSION = ['--kube-version', '1.34.4'];

/** Finding helm may mean to build it. */
export const FIND_HELM_MS = 15 * 60_000;

export interface Helm {
  /** @throws Error with helm's words when it refuses */
  template(release: string, values?: object): Promise<JsonObject[]>;
  lint(values?: object): Promise<string>;
}

export async function findHelm(): Promise<Helm> {
  const { cacheDir } = settingsFrom(process.env);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const { helm } = await resolvePrograms(['helm'], { env: process.env, cacheDir, say });
  const call = async (args: string[], values: object = {}): Promise<string> => {
    const child = run(helm, [...args, '--values', '-'], { env: { ...process.env, HOME: homedir() } });
    child.child.stdin?.end(JSON.stringify(values));
    return (await child).stdout;
  };
  return {
    async template(release, values) {
      const text = await call(
        ['template', release, CHART, '--namespace', 'sluice-system', ...KUBE_VERSION],
        values,
      );
      return parseAllDocuments(text)
        .map((document) => document.toJS() as unknown)
        .filter(isObject);
    },
    lint: (values) => call(['lint', '--strict', CHART, ...KUBE_VERSION], values),
  };
}

/** The value at `path`; fails the test where there is none. */
export function at(object: Json | undefined, ...path: (string | number)[]): Json {
  let value: Json | undefined = object;
  for (const step of path) {
    if (Array.isArray(value) && typeof step === 'number') value = value[step];
    else if (isObject(value) && typeof step === 'string') value = value[step];
    else throw new Error(`nothing at ${path.join('.')} (${step})`);
  }
  if (value === undefined) throw new Error(`nothing at ${path.join('.')}`);
  return value;
}

/** The same for a text; numbers and the like are written out. */
export function textAt(object: Json | undefined, ...path: (string | number)[]): string {
  const value = at(object, ...path);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The same for a list of objects. */
export function listAt(object: Json | undefined, ...path: (string | number)[]): JsonObject[] {
  const value = at(object, ...path);
  if (!Array.isArray(value)) throw new Error(`no list at ${path.join('.')}`);
  return value.filter(isObject);
}

export function ofKind(objects: JsonObject[], kind: string): JsonObject[] {
  return objects.filter((object) => object['kind'] === kind);
}

/** The one object of that kind whose name ends so. */
export function find(objects: JsonObject[], kind: string, nameEnd: string): JsonObject {
  const found = ofKind(objects, kind).filter((object) =>
    textAt(object, 'metadata', 'name').endsWith(nameEnd),
  );
  const [only] = found;
  if (!only || found.length > 1) throw new Error(`${found.length} of kind ${kind} named …${nameEnd}`);
  return only;
}
