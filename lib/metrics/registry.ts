import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import type { Catalogue, Sample } from './definition.js';
import type { Scraped } from './serve.js';

/** The metrics of one program, and the text in which Prometheus reads them. */
export interface Metrics<Name extends string> {
  /** Adds to a counter. */
  count(metric: Name, labels: Record<string, string>, by?: number): void;
  /** Adds one measurement to a histogram. */
  measure(metric: Name, labels: Record<string, string>, value: number): void;
  /** Counters and histograms start at 0 before they count, or the first increase would be none for `rate()`. */
  begin(metric: Name, labels: Record<string, string>): void;
  /** Takes the counters of one thing away, for it has gone. */
  forget(metric: Name, labels: Record<string, string>): void;
  /** The text exposition format, version 0.0.4. */
  scrape(): Promise<Scraped>;
}

/**
 * Makes a program's metrics. What is measured as it happens is told with `count` and `measure`; the state of things is read from
 * `sample` at each scrape, so a series ends with the thing that it is about.
 * @param sample values of gauges, and of counters that are kept elsewhere, in the catalogue's names; all that there are
 */
export function makeMetrics<const C extends Catalogue>(
  catalogue: C,
  sample: () => Sample<keyof C & string>[],
): Metrics<keyof C & string> {
  type Name = keyof C & string;
  const registry = new Registry();
  const registers = [registry];
  const counters = new Map<string, InstanceType<typeof Counter<string>>>();
  const gauges = new Map<string, InstanceType<typeof Gauge<string>>>();
  const histograms = new Map<string, InstanceType<typeof Histogram<string>>>();
  for (const [key, { name, help, kind, labels: labelNames, buckets }] of Object.entries(catalogue)) {
    const config = { name, help, labelNames, registers };
    if (kind === 'counter') counters.set(key, new Counter(config));
    else if (kind === 'gauge') gauges.set(key, new Gauge(config));
    else histograms.set(key, new Histogram({ ...config, ...(buckets && { buckets: [...buckets] }) }));
  }
  const sampledCounters = new Set<string>();

  /** Nothing is waited for here, so a scrape at the same time sees the old values or the new ones. */
  function refresh(): void {
    const samples = sample();
    for (const gauge of gauges.values()) clear(gauge);
    for (const { metric } of samples) if (counters.has(metric)) sampledCounters.add(metric);
    for (const name of sampledCounters) clear(found(counters, name));
    for (const { metric, labels, value } of samples) {
      const counter = counters.get(metric);
      if (counter) counter.inc(labels, value);
      else found(gauges, metric).set(labels, value);
    }
  }

  return {
    count: (metric: Name, labels, by = 1) => found(counters, metric).inc(labels, by),
    measure: (metric: Name, labels, value) => found(histograms, metric).observe(labels, value),
    begin: (metric: Name, labels) => {
      const histogram = histograms.get(metric);
      if (histogram) histogram.zero(labels);
      else found(counters, metric).inc(labels, 0);
    },
    forget: (metric: Name, labels) => found(counters, metric).remove(labels),
    scrape: async () => {
      refresh();
      return { text: await registry.metrics(), contentType: registry.contentType };
    },
  };
}

function found<T>(metrics: Map<string, T>, name: string): T {
  const metric = metrics.get(name);
  if (!metric) throw new Error(`no metric ${name} of that kind`);
  return metric;
}

/** Takes every series away: prom-client's `reset` leaves one without labels behind, at 0, of a metric that has none. */
function clear(metric: { reset(): void; remove(labels: Record<string, string>): void }): void {
  metric.reset();
  metric.remove({});
}
