import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { METRICS_REFERENCE, metricsReference } from '../../scripts/metrics-reference.js';

it('docs/metrics.md is what the programs define (node dist/scripts/metrics-reference.js writes it)', async () => {
  expect(await readFile(METRICS_REFERENCE, 'utf8')).toBe(metricsReference());
});
