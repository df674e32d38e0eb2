import { promisesOf } from './promises.js';
import type { Report } from './report.js';

const GREEN = 32;
const RED = 31;
const BOLD = 1;
const DIM = 2;

/**
 * The report for people: each promise with what was seen, then the rest of the figures.
 * @param isColoured escape codes for a terminal; never into a file
 */
export function reportTable(report: Report, isColoured: boolean): string {
  const paint = (code: number, text: string) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);
  const { settings, outcome } = headings(report);
  const promised = promisesOf(report).map(({ says, seen, isKept }) => ({
    name: says,
    value: String(seen),
    isKept,
  }));
  const others = otherFigures(report);
  const names = Math.max(...[...promised, ...others].map(({ name }) => name.length));
  const values = Math.max(...[...promised, ...others].map(({ value }) => value.length));
  const line = (name: string, value: string, mark: string) =>
    `  ${name.padEnd(names)}  ${value.padStart(values)}${mark === '' ? '' : `  ${mark}`}`;
  const measurement = report.brokenPromises.filter((broken) => broken.startsWith('measurement: '));
  return [
    '',
    paint(BOLD, settings),
    '',
    ...promised.map(({ name, value, isKept }) =>
      line(name, value, isKept ? paint(GREEN, 'kept') : paint(RED, 'BROKEN')),
    ),
    '',
    ...others.map(({ name, value }) => line(name, value, '')),
    '',
    ...Object.entries(report.limitParts).map(([part, seconds]) =>
      paint(DIM, line(`  limit: ${part}`, seconds.toFixed(1), '')),
    ),
    '',
    ...measurement.map((gap) => paint(RED, `  ${gap}`)),
    report.brokenPromises.length === 0 ? paint(GREEN, outcome) : paint(RED, outcome),
    '',
  ].join('\n');
}

function headings(report: Report): { settings: string; outcome: string } {
  const { strategy, clients, nodes, connEvictRate, sessEvictRate, waitTakeoverSeconds } = report;
  const rates =
    strategy === 'blue-green'
      ? `, ${connEvictRate} clients/s, ${sessEvictRate} sessions/s, wait for takeover ${waitTakeoverSeconds} s`
      : '';
  const broken = report.brokenPromises.length;
  return {
    settings: `${strategy} upgrade of ${nodes} nodes under ${clients} clients${rates}`,
    outcome: broken === 0 ? '  Every promise was kept.' : `  ${broken} broken: ${namesOf(report).join(', ')}`,
  };
}

function namesOf({ brokenPromises }: Report): string[] {
  return [...new Set(brokenPromises.map((broken) => broken.split(':', 1)[0] ?? ''))];
}

function otherFigures(report: Report): { name: string; value: string }[] {
  const { disconnectsPerClient, spread } = report;
  const histogram = Object.entries(disconnectsPerClient.histogram).map(
    ([times, count]) => `${count}× ${times}`,
  );
  return [
    { name: 'clients by number of disconnects', value: histogram.join(', ') },
    { name: 'peak connects in any 1 s', value: String(report.peakConnectsPerSecond) },
    { name: 'QoS 1 messages duplicated', value: String(report.messagesDuplicated) },
    { name: 'seconds that rates and waits demand', value: report.limitSeconds.toFixed(1) },
    ...Object.entries(spread.perNode).map(([pod, count]) => ({
      name: `clients on ${pod}`,
      value: String(count),
    })),
  ];
}
