import type { Sample } from '../../lib/page/samples.js';
import { duration } from '../../lib/times.js';
import { h, type Element } from '../h.js';
import type { Line } from './lines.js';
import { grouped } from './words.js';

/** Rows of the table beside the curves: enough to follow, few enough to be read out. */
const MOST_ROWS = 12;

/** The curves for who reads or hears rather than looks. Pure. */
export function curvesTable(samples: readonly Sample[], lines: readonly Line[], zeroMs: number): Element {
  const every = Math.max(1, Math.ceil(samples.length / MOST_ROWS));
  const rows = samples.filter((_, index) => (samples.length - 1 - index) % every === 0);
  return h(
    'details',
    {},
    h('summary', {}, 'The same as a table'),
    h(
      'div',
      { class: 'scrolls', tabindex: '0', role: 'region', 'aria-label': 'Clients of each node over time' },
      h(
        'table',
        { class: 'plain' },
        h('caption', {}, 'Clients of each node over time'),
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', { scope: 'col' }, 'Time'),
            ...lines.map(({ name }) => h('th', { scope: 'col', class: 'number' }, name)),
          ),
        ),
        h(
          'tbody',
          {},
          ...rows.map(({ atMs }) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, timeWord(atMs, zeroMs)),
              ...lines.map(({ points }) => {
                const point = points.find((one) => one.atMs === atMs);
                return h('td', { class: 'number' }, point ? grouped(point.value) : '–');
              }),
            ),
          ),
        ),
      ),
    ),
  );
}

function timeWord(atMs: number, zeroMs: number): string {
  const seconds = (atMs - zeroMs) / 1000;
  return seconds < 0 ? `−${duration(-seconds)}` : duration(seconds);
}
