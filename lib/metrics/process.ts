import type { Catalogue, Sample } from './definition.js';

/** What every Prometheus client library tells of its process, read at a scrape and at no other time. */
export const PROCESS_METRICS = {
  cpu: {
    name: 'process_cpu_seconds_total',
    help: 'CPU time that the process has used, in seconds.',
    kind: 'counter',
    labels: [],
  },
  memory: {
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process, in bytes.',
    kind: 'gauge',
    labels: [],
  },
  heap: {
    name: 'nodejs_heap_size_used_bytes',
    help: 'Memory that JavaScript objects use, in bytes.',
    kind: 'gauge',
    labels: [],
  },
  start: {
    name: 'process_start_time_seconds',
    help: 'When the process started, in seconds since 1970.',
    kind: 'gauge',
    labels: [],
  },
} as const satisfies Catalogue;

const startedAtSeconds = Math.round(performance.timeOrigin) / 1000;

export function sampleProcess(): Sample<keyof typeof PROCESS_METRICS>[] {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return [
    { metric: 'cpu', labels: {}, value: (user + system) / 1e6 },
    { metric: 'memory', labels: {}, value: rss },
    { metric: 'heap', labels: {}, value: heapUsed },
    { metric: 'start', labels: {}, value: startedAtSeconds },
  ];
}
