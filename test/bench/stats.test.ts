import { describe, expect, it } from '@jest/globals';
import { median, quantile } from './stats.js';

const TO_100 = Array.from({ length: 100 }, (_, index) => 100 - index);

describe('stats', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[7], 7],
    [[], NaN],
  ])('the median of %j is %d', (values, expected) => expect(median(values)).toBe(expected));

  it.each([
    [TO_100, 0.5, 50],
    [TO_100, 0.99, 99],
    [TO_100, 1, 100],
    [[1, 2], 0.99, 2],
    [[], 0.5, NaN],
  ])('the quantile of %j at %d is %d', (values, q, expected) => expect(quantile(values, q)).toBe(expected));
});
