/**
 * Writes every page of docs/ that is made from the programs themselves; tests hold the files to it.
 *
 *   npm run reference
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import type { JsonObject } from '../lib/json.js';
import { find, findHelm, listAt } from '../test/charts/render.js';
import { KEYS_REFERENCE, keysReference } from './keys-reference.js';
import { METRICS_REFERENCE, metricsReference } from './metrics-reference.js';
import { DOCS as PLUGIN_DOCS, withCommands } from './plugin.js';
import { RESOURCE_REFERENCE, resourceReference } from './resource-reference.js';

/** The text of every generated page, by its file. */
export async function references(): Promise<Record<string, string>> {
  return {
    [RESOURCE_REFERENCE]: await laidOut(RESOURCE_REFERENCE, resourceReference(await blueGreenVersion())),
    [KEYS_REFERENCE]: await laidOut(KEYS_REFERENCE, keysReference()),
    [METRICS_REFERENCE]: metricsReference(),
    [PLUGIN_DOCS]: withCommands(readFileSync(PLUGIN_DOCS, 'utf8')),
  };
}

/** The served version of the BlueGreen resource, as the chart installs it. */
export async function blueGreenVersion(): Promise<JsonObject> {
  const objects = await (await findHelm()).template('sluice');
  const crd = find(objects, 'CustomResourceDefinition', 'bluegreens.sluice.dev');
  const [version] = listAt(crd, 'spec', 'versions');
  if (!version) throw new Error('the BlueGreen resource has no version');
  return version;
}

async function laidOut(file: string, markdown: string): Promise<string> {
  return format(markdown, { ...(await resolveConfig(file)), filepath: file });
}

if (import.meta.filename === process.argv[1]) {
  for (const [file, text] of Object.entries(await references())) writeFileSync(file, text);
}
