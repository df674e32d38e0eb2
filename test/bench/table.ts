import { throughputRatio, type BenchReport } from './report.js';

type Row = readonly string[];

/** Above it, who gets which core when decides about a throughput as much as the webhook does. */
const BUSY_PERCENT = 20;

/** The report for people: the figures, part by part, then every goal. */
export function benchTable(report: BenchReport): string {
  const { machine, goals, missed, failures } = report;
  const lines = [
    '',
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.go}; load before: ${machine.loadAverageBefore}`,
    ...webhookLines(report),
    ...otherLines(report),
    '',
    'Goals',
    ...columns([
      ...goals.map(({ name, bound, limit, unit, value, isReached }) => [
        name,
        `${bound} ${limit} ${unit}`,
        value === undefined ? 'not measured' : `${value} ${unit}`,
        isReached ? 'reached' : 'MISSED',
      ]),
    ]),
    '',
    ...failures.map((failure) => `  failed: ${failure}`),
    missed.length === 0 ? '  Every goal was reached.' : `  ${missed.length} missed.`,
    '',
  ];
  return lines.join('\n');
}

function webhookLines({ webhook }: BenchReport): string[] {
  if (!webhook) return [];
  const { sluice, go, bodyBytes, rounds, roundSeconds, foreignCpuPercent } = webhook;
  const contenders = [
    { name: 'Sluice', figures: sluice },
    { name: 'Go, by hand', figures: go },
  ];
  const rows = sluice.byConnections.flatMap(({ connections }) =>
    contenders.map(({ name, figures }): Row => {
      const row = figures.byConnections.find((each) => each.connections === connections);
      return [
        String(connections),
        name,
        String(row?.reviewsPerSecond),
        String(row?.p50Ms),
        String(row?.p99Ms),
        String(row?.cpuMicrosPerReview),
        name === 'Sluice' ? `${throughputRatio(webhook, connections)} × Go` : '',
      ];
    }),
  );
  return [
    '',
    `Webhook: reviews of ${(bodyBytes / 1000).toFixed(1)} KB over TLS keep-alive, one core each side, ` +
      `medians of ${rounds} rounds of ${roundSeconds} s in turn`,
    ...columns([['connections', 'webhook', 'reviews/s', 'p50 ms', 'p99 ms', 'CPU µs/review', ''], ...rows]),
    ...columns(
      contenders.map(({ name, figures }) => [
        name,
        `RSS ${figures.rssMb} MB`,
        `peak ${figures.peakRssMb} MB`,
        figures.tls,
      ]),
    ),
    `  ${foreignCpuPercent} % of a core went to other programs meanwhile` +
      (foreignCpuPercent > BUSY_PERCENT ? ': too much for throughputs that can be relied on' : ''),
  ];
}

function otherLines({ sidecar, controller, reaction }: BenchReport): string[] {
  const lines: string[] = [];
  if (sidecar) {
    const { seconds, rssMb, peakRssMb, pssMb, cpuPercent, processes, imageMb } = sidecar;
    lines.push(
      '',
      `Sidecar at rest for ${seconds} s (${processes} processes)`,
      `  RSS ${rssMb} MB (peak ${peakRssMb} MB), PSS ${pssMb} MB, CPU ${cpuPercent} % of a core; ` +
        `image ${imageMb} MB`,
    );
  }
  if (controller) {
    const { declarations, revisionSets, pods, seconds, leader, follower } = controller;
    lines.push(
      '',
      `Controller with ${declarations} declarations, ${revisionSets} revision sets, ${pods} pods, for ${seconds} s`,
      ...columns(
        [
          { name: 'leader', of: leader },
          { name: 'follower', of: follower },
        ].map(({ name, of }) => [
          name,
          `RSS ${of.rssMb} MB`,
          `peak ${of.peakRssMb} MB`,
          `PSS ${of.pssMb} MB`,
          `CPU ${of.cpuPercent} %`,
        ]),
      ),
    );
  }
  if (reaction) {
    const { edits, p50Ms, p99Ms, maxMs, patchP50Ms, patchP99Ms } = reaction;
    lines.push(
      '',
      `From a template edit's answer to its green StatefulSet, ${edits} edits`,
      `  p50 ${p50Ms} ms, p99 ${p99Ms} ms, max ${maxMs} ms (the edit itself: p50 ${patchP50Ms} ms, p99 ${patchP99Ms} ms)`,
    );
  }
  return lines;
}

function columns(rows: readonly Row[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    `  ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}
