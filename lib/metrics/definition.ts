/** One metric, by Prometheus' rules: base units, `_total` on counters, labels whose values are bounded by what exists. */
export interface Definition {
  name: string;
  /** What it counts or measures; docs/metrics.md shows it too. */
  help: string;
  kind: 'counter' | 'gauge' | 'histogram';
  labels: readonly string[];
  /** Upper bounds of a histogram's buckets, in its unit. */
  buckets?: readonly number[];
}

/** A program's metrics, each under a name that its code uses. */
export type Catalogue = Readonly<Record<string, Definition>>;

/** One value of one metric, by its name in the catalogue. */
export interface Sample<Name extends string = string> {
  metric: Name;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** The state of something that has one of a few: a sample for each of these, 1 for the present one and 0 for the others. */
export function oneOf<Name extends string>(
  metric: Name,
  { label, present, among }: { label: string; present: string | undefined; among: readonly string[] },
  labels: Readonly<Record<string, string>> = {},
): Sample<Name>[] {
  return among.map((state) => ({
    metric,
    labels: { ...labels, [label]: state },
    value: state === present ? 1 : 0,
  }));
}
