import { isObject, type Json, type JsonObject } from '../../lib/json.js';
import { objectsIn } from './dashboard.js';

/** Where a scrape's credentials are: a key of a Secret. */
export type ReadSecret = (namespace: string, name: string, key: string) => Promise<string>;

export interface ScrapeOptions {
  /** With the targets that pods have; see discovery.ts. */
  targetsFile: string;
  readSecret: ReadSecret;
  /** In place of the PodMonitor's own interval. */
  interval: string;
}

/**
 * The scrape configurations that Prometheus Operator makes of a PodMonitor, for what the chart's and the examples' use of it.
 * @see Prometheus Operator: Documentation, PodMonitor
 */
export async function scrapesOf(podMonitor: JsonObject, options: ScrapeOptions): Promise<JsonObject[]> {
  const { name, namespace } = podMonitor['metadata'] as { name: string; namespace: string };
  const spec = objectIn(podMonitor['spec']);
  const anywhere = objectIn(spec['namespaceSelector'])['any'] === true;
  const endpoints = objectsIn(spec['podMetricsEndpoints']);
  return Promise.all(
    endpoints.map(async (endpoint, index) => ({
      job_name: `podMonitor/${namespace}/${name}/${index}`,
      honor_labels: endpoint['honorLabels'] === true,
      scrape_interval: options.interval,
      scrape_timeout: options.interval,
      metrics_path: endpoint['path'] ?? '/metrics',
      params: endpoint['params'] ?? {},
      ...(await authOf(endpoint, namespace, options.readSecret)),
      file_sd_configs: [{ files: [options.targetsFile], refresh_interval: '1s' }],
      relabel_configs: [
        ...(anywhere ? [] : [keep('__meta_kubernetes_namespace', namespace)]),
        ...selecting(objectIn(spec['selector'])),
        keep('__meta_kubernetes_pod_container_port_name', text(endpoint['port'])),
        { source_labels: ['__meta_kubernetes_pod_phase'], regex: '(Failed|Succeeded)', action: 'drop' },
        copy('__meta_kubernetes_namespace', 'namespace'),
        copy('__meta_kubernetes_pod_container_name', 'container'),
        copy('__meta_kubernetes_pod_name', 'pod'),
        { target_label: 'job', replacement: `${namespace}/${name}` },
        ...(typeof spec['jobLabel'] === 'string'
          ? [{ ...copy(podLabel(spec['jobLabel']), 'job'), regex: '(.+)' }]
          : []),
        ...(Array.isArray(spec['podTargetLabels']) ? spec['podTargetLabels'] : [])
          .map(text)
          .map((label) => ({ ...copy(podLabel(label), sanitized(label)), regex: '(.+)' })),
        { target_label: 'endpoint', replacement: text(endpoint['port']) },
        ...objectsIn(endpoint['relabelings']),
      ],
    })),
  );
}

function selecting(selector: JsonObject): JsonObject[] {
  const labels = Object.entries(objectIn(selector['matchLabels'])).map(([label, value]) =>
    keep(podLabel(label), text(value)),
  );
  const expressions = objectsIn(selector['matchExpressions']).map((expression) => {
    const label = text(expression['key']);
    const values = (Array.isArray(expression['values']) ? expression['values'] : []).map(text);
    switch (text(expression['operator'])) {
      case 'In':
        return keep(podLabel(label), values.join('|'));
      case 'Exists':
        return keep(podLabel(label).replace('_label_', '_labelpresent_'), 'true');
      default:
        throw new Error(`a selector with ${text(expression['operator'])} is not known here`);
    }
  });
  return [...labels, ...expressions];
}

async function authOf(endpoint: JsonObject, namespace: string, readSecret: ReadSecret): Promise<JsonObject> {
  const auth = endpoint['basicAuth'];
  if (!isObject(auth)) return {};
  const read = (part: string): Promise<string> => {
    const { name, key } = objectIn(auth[part]);
    return readSecret(namespace, text(name), text(key));
  };
  return { basic_auth: { username: await read('username'), password: await read('password') } };
}

function keep(label: string, regex: string): JsonObject {
  return { source_labels: [label], regex: `(${regex})`, action: 'keep' };
}

function copy(from: string, to: string): JsonObject {
  return { source_labels: [from], target_label: to };
}

function podLabel(label: string): string {
  return `__meta_kubernetes_pod_label_${sanitized(label)}`;
}

function sanitized(label: string): string {
  return label.replaceAll(/[^a-zA-Z0-9_]/g, '_');
}

function objectIn(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
