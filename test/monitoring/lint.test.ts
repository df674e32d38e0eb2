import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { CONTROLLER_METRICS } from '../../controller/metrics/catalogue.js';
import type { Catalogue } from '../../lib/metrics/definition.js';
import { makeMetrics } from '../../lib/metrics/registry.js';
import { SIDECAR_METRICS } from '../../sidecar/metrics.js';
import { WEBHOOK_METRICS } from '../../webhook/metrics.js';
import { ensurePackages } from '../cluster/packages.js';

beforeAll(async () => {
  // for promtool
  await ensurePackages(process.env, (line) => void process.stderr.write(`${line}\n`));
}, 300_000);

/** What Prometheus' own linter has to say. */
async function lint(text: string): Promise<string> {
  const promtool = spawn('promtool', ['check', 'metrics']);
  let said = '';
  for (const stream of [promtool.stdout, promtool.stderr])
    stream.on('data', (piece: Buffer) => (said += piece.toString()));
  promtool.stdin.end(text);
  await once(promtool, 'close');
  return said;
}

const PROGRAMS: [string, Catalogue][] = [
  ['controller', CONTROLLER_METRICS],
  ['webhook', WEBHOOK_METRICS],
  ['sidecar', SIDECAR_METRICS],
];

describe("the metrics keep to Prometheus' rules", () => {
  it.each(PROGRAMS)('of the %s', async (_program, catalogue) => {
    const metrics = makeMetrics(catalogue, () =>
      Object.entries(catalogue)
        .filter(([, { kind }]) => kind === 'gauge')
        .map(([metric, { labels }]) => ({
          metric,
          labels: Object.fromEntries(labels.map((label) => [label, 'x'])),
          value: 1,
        })),
    );
    for (const [metric, { kind, labels }] of Object.entries(catalogue))
      if (kind !== 'gauge') metrics.begin(metric, Object.fromEntries(labels.map((label) => [label, 'x'])));
    const { text } = await metrics.scrape();
    expect(text.match(/^# TYPE/gm)).toHaveLength(Object.keys(catalogue).length);
    expect(await lint(text)).toBe('');
  });

  it('which the linter tells', async () => {
    expect(await lint('# HELP x_ms How long.\n# TYPE x_ms counter\nx_ms 1\n')).toContain('x_ms');
  });

  it('one name means one thing, with the same labels everywhere', () => {
    const seen = new Map<string, string>();
    for (const { name, labels, kind } of PROGRAMS.flatMap(([, catalogue]) => Object.values(catalogue))) {
      const shape = JSON.stringify([kind, labels]);
      expect([name, seen.get(name) ?? shape]).toEqual([name, shape]);
      seen.set(name, shape);
    }
  });
});
