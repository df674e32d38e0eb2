import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measure, type Sample } from './load.js';
import { comparePatches } from './preflight.js';
import { memoryOf, peakRssKbOf } from './proc.js';
import type { ContenderFigures, WebhookFigures } from './report.js';
import { editReview } from './reviews.js';
import { buildAll, startWebhook, type Contender, type WebhookServer } from './servers.js';
import type { BenchSettings } from './settings.js';
import { median, rounded } from './stats.js';

const CONNECTIONS = [1, 16] as const;
/** Before the first round: both have compiled or cached whatever they ever will. */
const FIRST = { connections: 16, warmSeconds: 3, seconds: 1 };
const WARM_SECONDS = 1;

/** Sluice's webhook and the one in Go, in turn, so that whatever else the machine does meets both. */
export async function benchWebhooks(
  { rounds, roundSeconds, outDir }: BenchSettings,
  { say, signal }: { say: (line: string) => void; signal: AbortSignal },
): Promise<WebhookFigures> {
  say('building the webhooks');
  const built = await buildAll(outDir);
  const reviewFile = join(outDir, 'review.json');
  writeFileSync(reviewFile, JSON.stringify(editReview()));
  const sluice = await startWebhook('sluice', built, outDir);
  try {
    const go = await startWebhook('go', built, outDir);
    try {
      const compared = await comparePatches([sluice, go], built.tlsDir);
      say(`both webhooks give the same answers to ${compared} reviews`);
      const samples: Record<Contender, Sample[]> = { sluice: [], go: [] };
      for (const server of [sluice, go]) {
        await measure(server, built, { ...FIRST, reviewFile });
      }
      for (let round = 1; round <= rounds; round += 1) {
        // Who begins takes turns too.
        for (const server of round % 2 === 1 ? [sluice, go] : [go, sluice]) {
          for (const connections of CONNECTIONS) {
            signal.throwIfAborted();
            samples[server.name].push(
              await measure(server, built, {
                connections,
                warmSeconds: WARM_SECONDS,
                seconds: roundSeconds,
                reviewFile,
              }),
            );
          }
        }
        say(`round ${round} of ${rounds}: ${summary(samples)}`);
      }
      return {
        comparedReviews: compared,
        bodyBytes: samples.sluice[0]?.bodyBytes ?? 0,
        rounds,
        roundSeconds,
        foreignCpuPercent: rounded(
          median([...samples.sluice, ...samples.go].map((sample) => sample.foreignCpuPercent)),
        ),
        sluice: figuresOf(sluice, samples.sluice),
        go: figuresOf(go, samples.go),
      };
    } finally {
      await go.stop();
    }
  } finally {
    await sluice.stop();
  }
}

/** Of the same process in the same rounds: each figure is the median of its rounds. */
function figuresOf({ pid }: WebhookServer, samples: readonly Sample[]): ContenderFigures {
  const { rssKb } = memoryOf([pid]);
  return {
    rssMb: rounded(rssKb / 1000, 1),
    peakRssMb: rounded(peakRssKbOf(pid) / 1000, 1),
    tls: samples[0]?.tls ?? '',
    byConnections: CONNECTIONS.map((connections) => {
      const those = samples.filter((sample) => sample.connections === connections);
      const middle = (pick: (sample: Sample) => number, digits: number): number =>
        rounded(median(those.map(pick)), digits);
      return {
        connections,
        reviewsPerSecond: middle(({ reviewsPerSecond }) => reviewsPerSecond, 0),
        p50Ms: middle(({ p50Ms }) => p50Ms, 3),
        p99Ms: middle(({ p99Ms }) => p99Ms, 3),
        cpuMicrosPerReview: middle(({ cpuMicrosPerReview }) => cpuMicrosPerReview, 0),
        reviewsPerSecondByRound: those.map(({ reviewsPerSecond }) => rounded(reviewsPerSecond)),
      };
    }),
  };
}

function summary(samples: Record<Contender, Sample[]>): string {
  return (['sluice', 'go'] as const)
    .map((name) => {
      const last = samples[name].slice(-CONNECTIONS.length);
      return `${name} ${last.map(({ reviewsPerSecond }) => rounded(reviewsPerSecond)).join(' and ')}/s`;
    })
    .join(', ');
}
