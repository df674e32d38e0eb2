/**
 * The most events in any window of a length, wherever it begins. The window is half open: events exactly `windowMs`
 * apart are not in one.
 * @param timesMs in any order
 */
export function peakInWindow(timesMs: readonly number[], windowMs: number): number {
  const sorted = [...timesMs].sort((a, b) => a - b);
  let peak = 0;
  let first = 0;
  sorted.forEach((time, last) => {
    while (time - (sorted[first] ?? time) >= windowMs) first++;
    peak = Math.max(peak, last - first + 1);
  });
  return peak;
}

/**
 * How unequal numbers are: standard deviation over mean, 0 for equal ones.
 * @returns 0 as well when there is nothing to spread
 */
export function coefficientOfVariation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 0 || mean === 0) return 0;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return Math.sqrt(variance) / mean;
}
