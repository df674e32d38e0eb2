import { expect, it } from '@jest/globals';
import { gapsOf, type Selector } from './services.js';

/** Versions of the client Service, by when they were seen; an empty revision is a selector without one. */
function seen(...versions: [atMs: number, revision: string, name?: string][]): Parameters<typeof gapsOf>[0] {
  return {
    seen: versions.map(([atMs, revision, name = 'emqx']) => ({
      atMs,
      type: 'MODIFIED',
      object: {
        metadata: { name },
        spec: { selector: { app: 'emqx', ...(revision && { 'sluice.dev/revision': revision }) } },
      } satisfies Selector,
    })),
    stop: () => Promise.resolve(),
  };
}

it.each<{ what: string; versions: ReturnType<typeof seen>; gaps: number[] }>([
  { what: 'is pinned all the time', versions: seen([0, 'a'], [10, 'b']), gaps: [] },
  { what: 'is pinned again', versions: seen([0, 'a'], [10, ''], [25, 'a']), gaps: [15] },
  {
    what: 'changes while it is not pinned',
    versions: seen([0, 'a'], [10, ''], [20, ''], [25, 'a']),
    gaps: [15],
  },
  { what: 'is twice not pinned', versions: seen([0, ''], [5, 'a'], [10, ''], [12, 'b']), gaps: [5, 2] },
  { what: 'is never pinned again', versions: seen([0, 'a'], [10, '']), gaps: [Number.POSITIVE_INFINITY] },
  { what: 'is pinned, beside one that is not', versions: seen([0, 'a'], [5, '', 'other']), gaps: [] },
])('a Service that $what: gaps $gaps', ({ versions, gaps }) => {
  expect(gapsOf(versions)).toEqual(gaps);
});
