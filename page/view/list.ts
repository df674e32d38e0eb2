import type { Summary } from '../../lib/page/messages.js';
import { age } from '../../lib/times.js';
import { counted } from '../../lib/words.js';
import { h, type Element, type Node } from '../h.js';
import { linkTo, type State } from '../state.js';
import { badge, grouped, toneOfPhase } from './words.js';

/** All BlueGreens: those in an upgrade first. Pure. */
export function listOf({ all, nowMs }: State): Node[] {
  const title = h('h1', { tabindex: '-1' }, 'Blue-green upgrades');
  if (!all) return [title, h('p', { class: 'faint' }, 'Waiting for the controller…')];
  const { blueGreens, more } = all;
  if (blueGreens.length === 0) return [title, nothingYet()];
  const sorted = [...blueGreens].sort((a, b) => rankOf(a) - rankOf(b));
  const upgrading = blueGreens.filter(({ isUpgrading }) => isUpgrading).length;
  return [
    title,
    h(
      'p',
      { class: 'faint' },
      `${counted(blueGreens.length + more, 'BlueGreen')}, ${upgrading === 0 ? 'none' : upgrading} in an upgrade.`,
    ),
    h(
      'div',
      { class: 'card scrolls', tabindex: '0', role: 'region', 'aria-label': 'All BlueGreens' },
      h(
        'table',
        { class: 'list' },
        h('caption', { class: 'heard' }, 'All BlueGreens, those in an upgrade first'),
        h(
          'thead',
          {},
          h('tr', {}, ...HEADERS.map(([text, kind]) => h('th', { scope: 'col', class: kind }, text))),
        ),
        h('tbody', {}, ...sorted.map((one) => row(one, nowMs))),
      ),
    ),
    more > 0 &&
      h('p', { class: 'faint' }, `${more} more are not listed; add #/namespace/name to the address.`),
  ].filter((part) => part !== false);
}

const HEADERS: readonly (readonly [string, string])[] = [
  ['Name', ''],
  ['Phase', ''],
  ['Nodes', 'number'],
  ['Clients left', 'number'],
  ['What goes on', 'wide'],
  ['Age', 'number age'],
];

function row(one: Summary, nowMs: number): Element {
  const { namespace, name, phase, nodes, clientsLeft, message, createdAtMs } = one;
  return h(
    'tr',
    { 'data-key': `${namespace}/${name}` },
    h('th', { scope: 'row' }, h('a', { href: linkTo(one) }, name), h('span', { class: 'under' }, namespace)),
    h('td', {}, badge(toneOfPhase(phase), phase ?? 'not seen yet')),
    h('td', { class: 'number' }, nodes),
    h('td', { class: 'number' }, one.isUpgrading ? grouped(clientsLeft) : '–'),
    h('td', { class: 'wide' }, message),
    h('td', { class: 'number age' }, age(createdAtMs, nowMs)),
  );
}

/** Who needs a look comes first. */
function rankOf({ phase, isUpgrading }: Summary): number {
  if (phase === 'Degraded' || phase === 'Aborted') return 0;
  return isUpgrading || !['Stable', 'Idle'].includes(phase ?? '') ? 1 : 2;
}

function nothingYet(): Element {
  return h(
    'div',
    { class: 'card empty' },
    h('p', {}, 'No StatefulSet is under Sluice yet. This puts one there, and restarts nothing:'),
    h('pre', {}, h('code', {}, 'kubectl label statefulset NAME sluice.dev/upgrade=blue-green')),
  );
}
