import { readFileSync } from 'node:fs';
import { isObject, type Json, type JsonObject } from '../../lib/json.js';

/** The dashboard of the chart. */
export function readDashboard(): JsonObject {
  const raw: unknown = JSON.parse(readFileSync('charts/sluice/dashboards/sluice.json', 'utf8'));
  if (!isObject(raw)) throw new Error('the dashboard is no object');
  return raw;
}

/** One question that Grafana asks Prometheus. */
export interface Query {
  /** Of the panel or annotation. */
  title: string;
  expr: string;
}

/** Every query of panels, annotations and variables, as Grafana asks it. */
export function queriesOf(
  dashboard: JsonObject,
  { interval, range }: { interval: string; range: string },
): Query[] {
  const fill = (expr: string): string =>
    expr
      .replaceAll('$namespace', '.*')
      .replaceAll('$bluegreen', '.*')
      .replaceAll('$__rate_interval', interval)
      .replaceAll('$__range', range);
  const panels = objectsIn(dashboard['panels']).flatMap((panel) =>
    objectsIn(panel['targets']).map((target) => ({
      title: text(panel['title']),
      expr: text(target['expr']),
    })),
  );
  const annotations = objectsIn(objectIn(dashboard['annotations'])['list']).map((annotation) => ({
    title: text(annotation['name']),
    expr: text(annotation['expr']),
  }));
  const variables = objectsIn(objectIn(dashboard['templating'])['list']).flatMap((variable) => {
    // what is before the last comma is the series whose label is listed
    const [, expr] = /^label_values\((.*),\s*\w+\)$/.exec(text(variable['definition'])) ?? [];
    return expr === undefined ? [] : [{ title: `variable ${text(variable['name'])}`, expr }];
  });
  return [...panels, ...annotations, ...variables].map(({ title, expr }) => ({ title, expr: fill(expr) }));
}

export function objectsIn(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function objectIn(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
