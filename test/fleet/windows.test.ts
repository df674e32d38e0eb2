import { describe, expect, it } from '@jest/globals';
import { coefficientOfVariation, peakInWindow } from './windows.js';

describe('peakInWindow', () => {
  it.each([
    { times: [], windowMs: 1000, peak: 0 },
    { times: [5], windowMs: 1000, peak: 1 },
    { times: [0, 999], windowMs: 1000, peak: 2 },
    { times: [0, 1000], windowMs: 1000, peak: 1 },
    // Three in the second that begins at 0.6 s, though no clock second has more than two.
    { times: [100, 600, 1100, 1500], windowMs: 1000, peak: 3 },
    { times: [1500, 100, 1100, 600], windowMs: 1000, peak: 3 },
    { times: [0, 1000, 2000, 3000, 4000, 5000], windowMs: 5000, peak: 5 },
  ])('$times in $windowMs ms: $peak', ({ times, windowMs, peak }) => {
    expect(peakInWindow(times, windowMs)).toBe(peak);
  });
});

describe('coefficientOfVariation', () => {
  it.each([
    { values: [], variation: 0 },
    { values: [0, 0], variation: 0 },
    { values: [1000, 1000, 1000], variation: 0 },
    { values: [0, 2000], variation: 1 },
    { values: [900, 1000, 1100], variation: 0.0816 },
  ])('$values: $variation', ({ values, variation }) => {
    expect(coefficientOfVariation(values)).toBeCloseTo(variation, 4);
  });
});
