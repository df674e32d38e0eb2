import type { Picture } from '../../lib/page/messages.js';
import { h, type Element, type Node } from '../h.js';
import type { Route, State } from '../state.js';
import { curvesOf } from './curves.js';
import { eventsOf } from './events.js';
import { figuresOf } from './figures.js';
import { historyOf } from './history.js';
import { nodesOf } from './nodes.js';
import { phasesList } from './phases.js';
import { stepsOf } from './steps.js';
import { badge, toneOfPhase } from './words.js';

/** One BlueGreen: the picture of its upgrade, what it has told, and what was before. Pure. */
export function oneOf(state: State, { namespace, name }: Extract<Route, { kind: 'one' }>): Node[] {
  const { one } = state;
  const title = h('h1', { tabindex: '-1' }, name, h('span', { class: 'under' }, `namespace ${namespace}`));
  if (!one) return [head(title), h('p', { class: 'faint' }, 'Waiting for the controller…')];
  const { picture, events } = one;
  if (!picture) {
    const words = `There is no BlueGreen ${name} in namespace ${namespace}.`;
    const back = h('p', {}, h('a', { href: '#/' }, 'All BlueGreens'));
    return [head(title), h('div', { class: 'card empty' }, h('p', {}, words), back)];
  }
  return [
    head(title, picture),
    figuresOf(state, picture),
    ...(picture.upgrade ? [phasesList(picture.upgrade, state.nowMs)] : []),
    nodesOf(picture),
    ...curvesOf(state, picture),
    ...(picture.upgrade ? [stepsOf(picture.upgrade, state)] : []),
    eventsOf(events, state.nowMs),
    historyOf(picture.history, state),
  ];
}

/** The title stays where it is from the first moment on: it may have the focus. */
function head(title: Element, picture?: Picture): Element {
  if (!picture) return h('div', { class: 'head' }, h('div', { class: 'titles' }, title));
  const { phase, message, upgrade } = picture;
  return h(
    'div',
    { class: 'head' },
    h('div', { class: 'titles' }, title, badge(toneOfPhase(phase), phase ?? 'not seen yet')),
    h('p', { class: 'message' }, message || 'The controller has not looked at it yet.'),
    upgrade &&
      h(
        'p',
        { class: 'faint' },
        'From ',
        h('span', { class: 'name blue' }, upgrade.from),
        ' to ',
        h('span', { class: 'name green' }, upgrade.to),
        upgrade.requestedBy !== '' && `, asked for by ${upgrade.requestedBy}`,
      ),
  );
}
