import { CONTROLLER_METRICS } from '../controller/metrics/catalogue.js';
import type { Catalogue, Definition } from '../lib/metrics/definition.js';
import { PROCESS_METRICS } from '../lib/metrics/process.js';
import { SIDECAR_METRICS } from '../sidecar/metrics.js';
import { WEBHOOK_METRICS } from '../webhook/metrics.js';

export const METRICS_REFERENCE = 'docs/metrics.md';

const SECTIONS: { title: string; says: string; catalogue: Catalogue }[] = [
  {
    title: 'Controller',
    says:
      'The leader alone has the series of BlueGreens. They end with the BlueGreen, the node or the upgrade that they are about, and begin anew when another replica leads. ' +
      'The end of an upgrade, of its steps and of its drains is counted by whoever writes it into the status: by a new leader, a minute after its first scrape, so that `increase()` sees it (a drain that failed at once, for its alert knows how a counter begins). What a leader that ends within that minute had yet to count is not counted; the status has it. Of a drain outside an upgrade, an end that nobody saw while leaders changed is not counted.',
    catalogue: CONTROLLER_METRICS,
  },
  { title: 'Webhook', says: 'Each replica counts what it answers.', catalogue: WEBHOOK_METRICS },
  {
    title: 'Sidecar',
    says: 'What the sidecar has seen anyway, at most 5 s old: a scrape asks EMQX nothing.',
    catalogue: SIDECAR_METRICS,
  },
];

const HEAD = `# Metrics

Every program of Sluice serves metrics for Prometheus at \`http://POD:9441/metrics\`: plain HTTP, read-only, apart from the port of the
kubelet's probes. The chart's values under \`metrics\` switch them off, and make what Prometheus Operator and Grafana find by themselves:

\`\`\`sh
helm upgrade sluice charts/sluice --reuse-values \\
  --set metrics.podMonitor.enabled=true --set metrics.rules.enabled=true --set metrics.dashboard.enabled=true
\`\`\`

- \`metrics.podMonitor\`: two PodMonitors, for controller and webhook, and for the sidecars in all namespaces.
- \`metrics.rules\`: alerts; what each is about, and what to look at, is in its annotations.
- \`metrics.dashboard\`: a ConfigMap with the Grafana dashboard: clients by node and colour, evictions against the rate, phases, durations.
- EMQX's own metrics (\`emqx_connections_count\` and the like): [examples/monitoring](../examples/monitoring).
- \`networkPolicy.metricsFrom\`: who may scrape controller and webhook. A policy for EMQX's own pods is yours to write.

Without Prometheus Operator: scrape the pods' port \`metrics\` (controller, webhook, in the namespace of Sluice alone) with
\`honor_labels: true\`, so that \`namespace\` is that of the BlueGreen; and the port \`sluice-metrics\` (sidecars) without it, or whoever may
make a pod there tells of other people's namespaces.

The colour of a node is \`green\` if it is of the wanted revision, else \`blue\`. From the edit on, whatever is being left is blue.
`;

/** The text of docs/metrics.md. Pure. */
export function metricsReference(): string {
  const own = Object.keys(PROCESS_METRICS);
  const sections = SECTIONS.map(({ title, says, catalogue }) => {
    const definitions = Object.entries(catalogue).flatMap(([key, one]) => (own.includes(key) ? [] : [one]));
    return [`## ${title}`, says, table(definitions)].join('\n\n');
  });
  const every = ['## Every program', table(Object.values(PROCESS_METRICS))].join('\n\n');
  return `${[HEAD.trimEnd(), ...sections, every].join('\n\n')}\n`;
}

function table(definitions: Definition[]): string {
  const rows = definitions.map(({ name, kind, labels, help }) => [
    `\`${name}\``,
    kind,
    labels.map((label) => `\`${label}\``).join(', '),
    help.replaceAll('|', '\\|'),
  ]);
  const all = [['metric', 'type', 'labels', 'what it says'], ...rows];
  // as Prettier lays tables out
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = all;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}
