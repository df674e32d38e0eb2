import { h, type Element, type Node } from '../h.js';
import type { State } from '../state.js';
import { listOf } from './list.js';
import { oneOf } from './one.js';
import { duration } from '../../lib/times.js';
import { clock, toneOfPhase } from './words.js';

/** The page of a state. Pure. */
export function pageOf(state: State): Node[] {
  return [
    h('a', { class: 'skip', href: '#content' }, 'Skip to content'),
    header(state),
    h(
      'main',
      { id: 'content', tabindex: '-1' },
      state.route.kind === 'all' ? listOf(state) : oneOf(state, state.route),
    ),
    ...footer(state),
    // What is worth an interruption, and no figure that changes each second.
    h('p', { class: 'heard', role: 'status' }, newsOf(state)),
  ];
}

/** The document's title: the tab alone tells how it goes. */
export function titleOf({ route, one, all }: State): string {
  if (route.kind === 'all') {
    const upgrading = all?.blueGreens.filter(({ isUpgrading }) => isUpgrading).length ?? 0;
    return upgrading > 0 ? `(${upgrading}) Sluice` : 'Sluice';
  }
  const phase = one?.picture?.phase;
  return `${phase ? `${toneOfPhase(phase).sign} ${phase} · ` : ''}${route.name} · Sluice`;
}

function newsOf({ route, one, link }: State): string {
  if (link === 'lost' || link === 'refused') return 'Connection lost. Trying again.';
  const { picture } = one ?? {};
  if (route.kind === 'all' || !picture?.phase) return '';
  return [`${picture.name}: ${picture.phase}.`, picture.gist].join(' ').trim();
}

const LINKS: Record<State['link'], { word: string; tone: string }> = {
  connecting: { word: 'connecting', tone: 'quiet' },
  live: { word: 'live', tone: 'good' },
  lost: { word: 'reconnecting', tone: 'bad' },
  refused: { word: 'refused; trying again', tone: 'bad' },
};

function header({ route, link }: State): Element {
  const { word, tone } = LINKS[link];
  return h(
    'header',
    { class: 'top' },
    h(
      'nav',
      { 'aria-label': 'Where you are' },
      h(
        'a',
        { href: '#/', class: 'brand', 'aria-current': route.kind === 'all' && 'page' },
        mark(),
        'Sluice',
      ),
      route.kind === 'one' &&
        h('span', { class: 'crumb' }, h('span', { 'aria-hidden': 'true' }, '/'), ` ${route.namespace} `),
      route.kind === 'one' &&
        h('span', { class: 'crumb' }, h('span', { 'aria-hidden': 'true' }, '/'), ` ${route.name}`),
    ),
    h('span', { class: `link ${tone}` }, h('span', { class: 'dot', 'aria-hidden': 'true' }), word),
  );
}

/** The sign of the house: two waters. */
function mark(): Element {
  return h(
    'svg',
    { class: 'mark', viewBox: '0 0 24 24', width: 24, height: 24, 'aria-hidden': 'true', focusable: 'false' },
    h('path', { class: 'blue', d: 'M3 9c3-2.7 6-2.7 9 0s6 2.7 9 0' }),
    h('path', { class: 'green', d: 'M3 16c3-2.7 6-2.7 9 0s6 2.7 9 0' }),
  );
}

function footer({ origin, nowMs }: State): Element[] {
  if (!origin) return [];
  const { replica, leader, deafSinceMs } = origin;
  const leads =
    leader === undefined
      ? 'who leads cannot be read'
      : leader === ''
        ? 'no controller leads: nothing goes on, and what is shown may be old'
        : leader === replica
          ? 'it leads'
          : `${leader} leads`;
  return [
    h(
      'footer',
      {},
      deafSinceMs !== undefined &&
        h(
          'p',
          { class: 'warning' },
          `The API server has not been heard for ${duration((nowMs - deafSinceMs) / 1000)}: what is shown is of then.`,
        ),
      h(
        'p',
        leader === '' ? { class: 'warning' } : {},
        `Told by ${replica}; ${leads}. ${clock(nowMs)} UTC. Read-only.`,
      ),
    ),
  ];
}
