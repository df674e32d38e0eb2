import { X509Certificate } from 'node:crypto';
import type { Catalogue, Sample } from '../lib/metrics/definition.js';
import { PROCESS_METRICS, sampleProcess } from '../lib/metrics/process.js';
import { makeMetrics, type Metrics } from '../lib/metrics/registry.js';
import type { Answer } from './answer.js';
import type { AdmissionRequest } from './review.js';

/** The webhook's metrics; docs/metrics.md is made from it. */
export const WEBHOOK_METRICS = {
  ...PROCESS_METRICS,
  reviews: {
    name: 'sluice_admission_reviews_total',
    help: 'Admission reviews answered, by kind of object and by answer. failed: an internal error, and the request was admitted as it was; malformed: no AdmissionReview, and nothing to answer to.',
    kind: 'counter',
    labels: ['resource', 'answer'],
  },
  duration: {
    name: 'sluice_admission_review_duration_seconds',
    help: 'From the last byte of a review to its answer, in seconds. That of a Scale holds a call of the API server.',
    kind: 'histogram',
    labels: ['resource'],
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5],
  },
  ready: {
    name: 'sluice_webhook_ready',
    help: '1 while the webhook answers reviews over TLS: it has a certificate and is not about to end.',
    kind: 'gauge',
    labels: [],
  },
  certificate: {
    name: 'sluice_certificate_expiry_timestamp_seconds',
    help: 'When a certificate ends, in seconds since 1970. webhook-serving: what this webhook shows.',
    kind: 'gauge',
    labels: ['certificate'],
  },
} as const satisfies Catalogue;

type Name = keyof typeof WEBHOOK_METRICS;

/** The kinds of object that reviews come for; whatever else somebody sends to the port is `other`. */
const RESOURCES: Readonly<Record<string, string>> = {
  'apps/statefulsets/': 'StatefulSet',
  'apps/statefulsets/scale': 'Scale',
  'services/': 'Service',
};

/** How a review was answered, in the words of the label `answer`. */
export type Outcome = 'allow' | 'deny' | 'patch' | 'failed' | 'malformed';

export interface WebhookMetrics extends Metrics<Name> {
  /** A review was answered, so long after its last byte had come. */
  reviewed(resource: string, outcome: Outcome, seconds: number): void;
}

/** @param state of the server, read at each scrape; `certificate` in PEM, absent before there is one */
export function makeWebhookMetrics(
  state: () => { isReady: boolean; certificate: string | undefined },
): WebhookMetrics {
  const metrics = makeMetrics(WEBHOOK_METRICS, (): Sample<Name>[] => {
    const { isReady, certificate } = state();
    return [
      ...sampleProcess(),
      { metric: 'ready', labels: {}, value: isReady ? 1 : 0 },
      ...(certificate === undefined
        ? []
        : [
            {
              metric: 'certificate' as const,
              labels: { certificate: 'webhook-serving' },
              value: Date.parse(new X509Certificate(certificate).validTo) / 1000,
            },
          ]),
    ];
  });
  for (const resource of [...Object.values(RESOURCES), 'other'])
    for (const answer of ['allow', 'deny', 'patch', 'failed'] satisfies Outcome[])
      metrics.begin('reviews', { resource, answer });
  metrics.begin('reviews', { resource: 'other', answer: 'malformed' });
  return {
    ...metrics,
    reviewed(resource, answer, seconds) {
      metrics.count('reviews', { resource, answer });
      metrics.measure('duration', { resource }, seconds);
    },
  };
}

/** The value of label `resource`. */
export function kindOf({ resource, subResource }: AdmissionRequest): string {
  return RESOURCES[`${resource}/${subResource}`] ?? 'other';
}

export function outcomeOf(answer: Answer): Outcome {
  if (answer.kind === 'refuse') return 'deny';
  return answer.ops.length > 0 ? 'patch' : 'allow';
}
