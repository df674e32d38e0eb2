/** What a tool showed at one moment, or what the BlueGreen said from then on. */
export interface Reading {
  atMs: number;
  phase: string;
  /** Absent: it does not show it, or not at that moment. */
  clientsLeft?: number;
}

/**
 * Readings that show what was not so within `pollMs` before or after: a tool that looks once in that time may be so late, and one that is
 * told by the controller itself may know so early. Pure.
 * @param truth whatever the BlueGreen said, in its order; each holds until the next
 */
export function disagreements(
  truth: readonly Reading[],
  readings: readonly Reading[],
  pollMs: number,
): Reading[] {
  return readings.filter(
    ({ atMs, phase, clientsLeft }) =>
      !truth.some((said, index) => {
        const untilMs = truth[index + 1]?.atMs ?? Infinity;
        const isNear = said.atMs <= atMs + pollMs && untilMs >= atMs - pollMs;
        return (
          isNear && said.phase === phase && (clientsLeft === undefined || said.clientsLeft === clientsLeft)
        );
      }),
  );
}

/** Phases in the order in which they began; one that has lasted for less than `leastMs` may have been between two looks. Pure. */
export function phasesIn(readings: readonly Reading[], leastMs = 0): string[] {
  const begun = readings.filter(({ phase }, index) => phase !== readings[index - 1]?.phase);
  return begun
    .filter(({ atMs }, index) => (begun[index + 1]?.atMs ?? Infinity) - atMs >= leastMs)
    .map(({ phase }) => phase);
}

/** Those of a row of phases that another row has not in that order, from the first on that is missing. Pure. */
export function missing(expected: readonly string[], seen: readonly string[]): string[] {
  let found = 0;
  for (const phase of seen) if (phase === expected[found]) found += 1;
  return expected.slice(found);
}

/** How many different counts of clients left were shown. Pure. */
export function countsIn(readings: readonly Reading[]): number {
  return new Set(readings.map(({ clientsLeft }) => clientsLeft)).size;
}
