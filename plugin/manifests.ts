import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { isObject, type JsonObject } from '../lib/json.js';
import { Failure } from './failure.js';
import { itemsIn } from './items.js';

/** The objects in files of YAML or JSON, lists opened. @throws Failure that names the file and the line */
export function readManifests(files: readonly string[]): JsonObject[] {
  return files.flatMap((file) => parseManifests(textOf(file), file === '-' ? 'standard input' : file));
}

/** The objects in one text. @param from what to call it */
export function parseManifests(text: string, from: string): JsonObject[] {
  const documents = parseAllDocuments(text);
  if ('empty' in documents) return [];
  return documents.flatMap((document) => {
    const [problem] = document.errors;
    if (problem) throw new Failure(`${from}: ${problem.message.split('\n')[0] ?? ''}`);
    const value: unknown = document.toJS();
    if (value === null || value === undefined) return [];
    if (!isObject(value)) throw new Failure(`${from}: a document is no object`);
    return itemsIn(value);
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(`cannot read ${file}: ${reason}`);
  }
}
