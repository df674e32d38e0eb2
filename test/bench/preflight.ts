import { isDeepStrictEqual } from 'node:util';
import { askReview, type ReviewAnswer } from './ask.js';
import { comparedReviews } from './reviews.js';
import type { WebhookServer } from './servers.js';

/** Trace ids are new for each answer, and so is the time of it. */
const NEW_TRACE = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$|^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The two webhooks do not do the same work, so their speeds do not compare. */
export class PreflightError extends Error {
  override readonly name = 'PreflightError';
}

/**
 * Asks both webhooks the same reviews, each another way through the rules.
 * @returns how many; every answer was the same
 * @throws PreflightError with the first pair of answers that are not
 */
export async function comparePatches(
  [one, other]: readonly [WebhookServer, WebhookServer],
  tlsDir: string,
): Promise<number> {
  const reviews = comparedReviews();
  for (const { name, review } of reviews) {
    const [first, second] = await Promise.all([
      askReview(one, tlsDir, review),
      askReview(other, tlsDir, review),
    ]);
    if (isSameAnswer(first, second)) continue;
    throw new PreflightError(
      `the webhooks differ on the review '${name}': test/bench/go-webhook must follow the rules of webhook/\n${one.name}: ${JSON.stringify(first)}\n` +
        `${other.name}: ${JSON.stringify(second)}`,
    );
  }
  return reviews.length;
}

/** Whether two answers are the same by value, fresh trace ids aside. */
export function isSameAnswer(one: ReviewAnswer, other: ReviewAnswer): boolean {
  return isDeepStrictEqual(withoutTraces(one), withoutTraces(other));
}

function withoutTraces(answer: ReviewAnswer): unknown {
  return JSON.parse(JSON.stringify(answer), (_key, value: unknown) =>
    typeof value === 'string' && NEW_TRACE.test(value) ? 'fresh' : value,
  );
}
