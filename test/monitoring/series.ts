import type { Catalogue } from '../../lib/metrics/definition.js';

/** Names of all series that the metrics of a catalogue have. */
export function seriesOf(catalogue: Catalogue): string[] {
  return Object.values(catalogue).flatMap(({ name, kind }) =>
    kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
}
