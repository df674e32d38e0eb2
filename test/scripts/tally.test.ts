import { describe, expect, it } from '@jest/globals';
import { sum, tallyOf } from '../../scripts/tally.js';

const clean = {
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
  numTotalTests: 5,
  success: true,
};

describe('tallyOf', () => {
  it.each([
    { when: 'all passed', summary: clean, failed: 0 },
    { when: 'a test failed', summary: { ...clean, numFailedTests: 2, success: false }, failed: 2 },
    { when: 'a test was skipped', summary: { ...clean, numPendingTests: 1 }, failed: 1 },
    { when: 'a test is only planned', summary: { ...clean, numTodoTests: 1 }, failed: 1 },
    {
      when: 'a suite did not start',
      summary: { ...clean, numRuntimeErrorTestSuites: 1, success: false },
      failed: 1,
    },
    { when: 'jest failed for another reason', summary: { ...clean, success: false }, failed: 1 },
  ])('counts $failed as failed when $when', ({ summary, failed }) => {
    expect(tallyOf(summary)).toEqual({ passed: 5, failed });
  });

  it.each([undefined, null, {}, 'text', { ...clean, numTotalTests: 0, numPassedTests: 0 }])(
    'counts a run without tests or summary as failed: %j',
    (summary) => expect(tallyOf(summary)).toEqual({ passed: 0, failed: 1 }),
  );
});

it('sums over all runners', () => {
  expect(
    sum([
      { passed: 1, failed: 0 },
      { passed: 2, failed: 3 },
    ]),
  ).toEqual({ passed: 3, failed: 3 });
});
