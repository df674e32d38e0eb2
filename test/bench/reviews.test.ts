import { describe, expect, it } from '@jest/globals';
import { decide } from '../../webhook/decide.js';
import { parseReview } from '../../webhook/review.js';
import { options } from '../webhook/reviews.js';
import { comparedReviews, editReview } from './reviews.js';

describe('editReview', () => {
  it('has the size of a review of a set that people have', () => {
    const bytes = Buffer.byteLength(JSON.stringify(editReview()));
    expect(bytes).toBeGreaterThan(13_000);
    expect(bytes).toBeLessThan(14_000);
  });

  it('is an edit of a template that gets a patch and a warning', async () => {
    const answer = await decide(parseReview(JSON.stringify(editReview())), options());
    expect(answer).toMatchObject({
      kind: 'admit',
      ops: [{ op: 'replace' }, { op: 'replace' }, { op: 'replace' }],
    });
    expect(answer).toMatchObject({ warnings: [expect.stringContaining('redirected to green StatefulSet')] });
  });
});

describe('comparedReviews', () => {
  it('asks for many different answers', async () => {
    const answers = await Promise.all(
      comparedReviews().map(async ({ review }) =>
        JSON.stringify(await decide(parseReview(JSON.stringify(review)), options())),
      ),
    );
    expect(new Set(answers).size).toBeGreaterThan(9);
  });
});
