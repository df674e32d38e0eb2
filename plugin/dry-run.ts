import { spawn } from 'node:child_process';
import { nameOf, textAt } from '../lib/fields.js';
import { isObject, type JsonObject } from '../lib/json.js';
import { BLUEGREEN } from '../lib/names.js';
import type { Place } from './request.js';
import { Failure } from './failure.js';
import { itemsIn } from './items.js';

/**
 * What the API server says that the objects of these files would be. It is asked by `kubectl apply --dry-run=server`, because kubectl
 * alone knows how it merges: what a file no longer holds goes, what others own stays.
 * @throws Failure with kubectl's own words
 */
export async function dryRun(
  files: readonly string[],
  { place, serverSide }: { place: Place; serverSide: boolean },
): Promise<JsonObject[]> {
  const { namespace, context, kubeconfig } = place;
  const args = [
    ...['apply', '--dry-run=server', '--output=json'],
    ...(serverSide ? ['--server-side'] : []),
    ...files.map((file) => `--filename=${file}`),
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    ...(context === undefined ? [] : [`--context=${context}`]),
    ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
  ];
  const { code, stdout, stderr } = await run('kubectl', args);
  if (code !== 0)
    throw new Failure(`kubectl apply --dry-run=server: ${stderr.trim().split('\n').at(-1) ?? ''}`);
  const answer: unknown = JSON.parse(stdout);
  return isObject(answer) ? itemsIn(answer) : [];
}

function run(
  program: string,
  args: string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['inherit', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part));
    child.on('error', (cause) =>
      reject(new Failure(`cannot run ${program}, which asks for the dry run: ${cause.message}`)),
    );
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** What the files say of one name: its StatefulSet, its BlueGreen or both. */
export interface Subject {
  name: string;
  namespace: string;
  statefulSet?: JsonObject;
  blueGreen?: JsonObject;
}

/** The StatefulSets and BlueGreens among objects, by their names. Pure. */
export function subjectsIn(objects: readonly JsonObject[]): Subject[] {
  const subjects = new Map<string, Subject>();
  for (const object of objects) {
    const isSet = object['kind'] === 'StatefulSet';
    if (!isSet && object['kind'] !== BLUEGREEN.kind) continue;
    const [name, namespace] = [nameOf(object), textAt(object, 'metadata', 'namespace')];
    const key = `${namespace}/${name}`;
    const before = subjects.get(key) ?? { name, namespace };
    subjects.set(key, { ...before, ...(isSet ? { statefulSet: object } : { blueGreen: object }) });
  }
  return [...subjects.values()];
}
