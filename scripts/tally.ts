/** Counts of one runner: everything that did not pass counts as failed. */
export interface Tally {
  passed: number;
  failed: number;
}

/** What jest writes with `--json`; only the counts that matter here. */
interface JestSummary {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  numRuntimeErrorTestSuites: number;
  numTotalTests: number;
  success: boolean;
}

/**
 * Sums up one jest run. Skipped and todo tests and suites that did not start count as failed, and so does a run without a summary, without a
 * test, or that jest itself calls unsuccessful though no test failed.
 */
export function tallyOf(summary: unknown): Tally {
  if (!isSummary(summary) || summary.numTotalTests === 0) return { passed: 0, failed: 1 };
  const failed =
    summary.numFailedTests +
    summary.numPendingTests +
    summary.numTodoTests +
    summary.numRuntimeErrorTestSuites;
  return { passed: summary.numPassedTests, failed: failed === 0 && !summary.success ? 1 : failed };
}

export function sum(tallies: Tally[]): Tally {
  return {
    passed: tallies.reduce((total, { passed }) => total + passed, 0),
    failed: tallies.reduce((total, { failed }) => total + failed, 0),
  };
}

function isSummary(value: unknown): value is JestSummary {
  return typeof value === 'object' && value !== null && 'numTotalTests' in value && 'success' in value;
}
