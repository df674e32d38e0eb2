import type { Colour, NodePicture, Picture } from '../../lib/page/messages.js';
import { counted } from '../../lib/words.js';
import { h, type Element } from '../h.js';
import { badge, grouped, toneOfState } from './words.js';

/** The nodes of both colours, each with its clients as a bar; all bars have one scale. Pure. */
export function nodesOf({ pods, upgrade, active }: Picture): Element {
  const most = Math.max(1, ...pods.map(({ clients }) => clients));
  const groups = (['blue', 'green'] as const)
    .map((colour) => ({ colour, own: pods.filter((pod) => pod.colour === colour) }))
    .filter(({ own, colour }) => own.length > 0 || (upgrade !== undefined && colour === 'green'));
  return h(
    'section',
    { 'aria-labelledby': 'nodes', 'data-key': 'nodes' },
    h('h2', { id: 'nodes' }, 'Nodes and their clients'),
    h(
      'div',
      { class: 'groups' },
      ...groups.map(({ colour, own }) =>
        group(
          {
            colour,
            name: upgrade ? (colour === 'blue' ? upgrade.from : upgrade.to) : active,
            isUpgrading: upgrade !== undefined,
          },
          own,
          most,
        ),
      ),
      groups.length === 0 && h('p', { class: 'faint' }, 'No node has told of itself yet.'),
    ),
  );
}

function group(
  { colour, name, isUpgrading }: { colour: Colour; name: string; isUpgrading: boolean },
  pods: NodePicture[],
  most: number,
): Element {
  const clients = pods.reduce((sum, pod) => sum + pod.clients, 0);
  const versions = [...new Set(pods.map(({ version }) => version).filter(Boolean))].join(', ');
  const role = !isUpgrading ? 'serves' : colour === 'blue' ? 'blue, to be left' : 'green, to serve';
  return h(
    'div',
    { class: `card group ${colour}`, 'data-key': colour },
    h(
      'table',
      { class: 'nodes' },
      h(
        'caption',
        {},
        h('span', { class: `name ${colour}` }, name),
        h(
          'span',
          { class: 'total' },
          h('strong', {}, grouped(clients)),
          clients === 1 ? ' client' : ' clients',
        ),
        h(
          'span',
          { class: 'under' },
          [role, counted(pods.length, 'node'), versions && `EMQX ${versions}`].filter(Boolean).join(' · '),
        ),
      ),
      h(
        'thead',
        { class: 'heard' },
        h(
          'tr',
          {},
          ...['Node', 'State', 'Clients', 'Sessions'].map((text) => h('th', { scope: 'col' }, text)),
        ),
      ),
      h('tbody', {}, ...pods.map((pod) => row(pod, name, most))),
    ),
    pods.length === 0 && h('p', { class: 'faint' }, 'Not made yet.'),
  );
}

const BAR = { width: 100, height: 6 };

function row(
  { pod, colour, state, clients, sessions, isBad }: NodePicture,
  set: string,
  most: number,
): Element {
  const short = pod.startsWith(`${set}-`) ? pod.slice(set.length) : pod;
  const length = (clients / most) * BAR.width;
  return h(
    'tr',
    { 'data-key': pod },
    h('th', { scope: 'row', title: pod }, short),
    h('td', { class: 'state' }, badge(toneOfState(state, isBad), state)),
    h(
      'td',
      { class: 'clients' },
      h(
        'div',
        {},
        h(
          'svg',
          {
            class: `bar ${colour}`,
            viewBox: `0 0 ${BAR.width} ${BAR.height}`,
            preserveAspectRatio: 'none',
            'aria-hidden': 'true',
            focusable: 'false',
          },
          h('rect', { class: 'trough', width: BAR.width, height: BAR.height }),
          h('rect', { class: 'fill', width: length.toFixed(2), height: BAR.height }),
        ),
        h('span', {}, grouped(clients)),
      ),
    ),
    h(
      'td',
      { class: 'number sessions', title: 'Sessions, those of disconnected clients included' },
      grouped(sessions),
    ),
  );
}
