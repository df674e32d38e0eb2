/**
 * Milliseconds since the epoch on a clock that only goes forward: what the wall clock said at start, and the time that
 * has passed since. A jump of the wall clock in mid-life changes nothing.
 */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}
