import { describe, expect, it } from '@jest/globals';
import { oneOf, type Catalogue, type Sample } from '../../../lib/metrics/definition.js';
import { makeMetrics } from '../../../lib/metrics/registry.js';

const CATALOGUE = {
  done: { name: 'done_total', help: 'Things done.', kind: 'counter', labels: ['kind'] },
  kept: { name: 'kept_total', help: 'Counted elsewhere.', kind: 'counter', labels: [] },
  size: { name: 'size_bytes', help: 'How large.', kind: 'gauge', labels: ['thing'] },
  leading: { name: 'leading', help: 'Or not.', kind: 'gauge', labels: [] },
  took: { name: 'took_seconds', help: 'How long.', kind: 'histogram', labels: [], buckets: [1, 2] },
} as const satisfies Catalogue;

/** The lines of a scrape that are no comments. */
async function lines(metrics: { scrape: () => Promise<{ text: string }> }): Promise<string[]> {
  const { text } = await metrics.scrape();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('metrics', () => {
  it('have a name, a help and a type', async () => {
    const { text, contentType } = await makeMetrics(CATALOGUE, () => []).scrape();
    expect(text).toContain('# HELP done_total Things done.\n# TYPE done_total counter\n');
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  it('of what has gone are not there any more', async () => {
    let samples: Sample<keyof typeof CATALOGUE>[] = [
      { metric: 'size', labels: { thing: 'a' }, value: 1 },
      { metric: 'size', labels: { thing: 'b' }, value: 2 },
      { metric: 'leading', labels: {}, value: 1 },
      { metric: 'kept', labels: {}, value: 7 },
    ];
    const metrics = makeMetrics(CATALOGUE, () => samples);
    const without = (found: string[]): string[] => found.filter((line) => !line.startsWith('took'));
    expect(without(await lines(metrics))).toEqual([
      'kept_total 7',
      'size_bytes{thing="a"} 1',
      'size_bytes{thing="b"} 2',
      'leading 1',
    ]);
    samples = [{ metric: 'size', labels: { thing: 'b' }, value: 3 }];
    expect(without(await lines(metrics))).toEqual(['size_bytes{thing="b"} 3']);
  });

  it('that count begin at 0, go up, and are forgotten', async () => {
    const metrics = makeMetrics(CATALOGUE, () => []);
    const done = async (): Promise<string[]> =>
      (await lines(metrics)).filter((line) => line.startsWith('done'));
    metrics.begin('done', { kind: 'x' });
    expect(await done()).toEqual(['done_total{kind="x"} 0']);
    metrics.count('done', { kind: 'x' });
    metrics.count('done', { kind: 'x' }, 4);
    metrics.begin('done', { kind: 'x' });
    expect(await done()).toEqual(['done_total{kind="x"} 5']);
    metrics.forget('done', { kind: 'x' });
    expect(await done()).toEqual([]);
  });

  it('that measure fill buckets', async () => {
    const metrics = makeMetrics(CATALOGUE, () => []);
    metrics.measure('took', {}, 1.5);
    metrics.measure('took', {}, 9);
    expect((await lines(metrics)).filter((line) => line.startsWith('took'))).toEqual([
      'took_seconds_bucket{le="1"} 0',
      'took_seconds_bucket{le="2"} 1',
      'took_seconds_bucket{le="+Inf"} 2',
      'took_seconds_sum 10.5',
      'took_seconds_count 2',
    ]);
  });

  it('that measure may begin at 0', async () => {
    const metrics = makeMetrics(CATALOGUE, () => []);
    metrics.begin('took', {});
    expect(await lines(metrics)).toContain('took_seconds_count 0');
  });

  it('of states are 1 for the present one', () => {
    expect(oneOf('size', { label: 'state', present: 'on', among: ['on', 'off'] }, { thing: 'a' })).toEqual([
      { metric: 'size', labels: { thing: 'a', state: 'on' }, value: 1 },
      { metric: 'size', labels: { thing: 'a', state: 'off' }, value: 0 },
    ]);
  });
});
