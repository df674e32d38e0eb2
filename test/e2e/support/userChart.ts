import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../demo/manifest.js';
import { fileOf } from './example.js';

/**
 * Writes a chart as a user might have one for EMQX.
 * @param values each a text in the manifests, by the name of the value that takes its place
 * @returns its folder
 */
export function writeUserChart(name: string, manifests: Manifest[], values: Record<string, string>): string {
  const folder = join('out', 'e2e', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'templates'), { recursive: true });
  const chart = { apiVersion: 'v2', name, version: '1.0.0' };
  writeFileSync(join(folder, 'Chart.yaml'), JSON.stringify(chart));
  let text = fileOf(manifests);
  for (const [value, placeholder] of Object.entries(values)) {
    text = text.replaceAll(placeholder, `{{ .Values.${value} }}`);
  }
  writeFileSync(join(folder, 'templates', 'emqx.yaml'), text);
  return folder;
}
