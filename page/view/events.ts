import type { EventPicture } from '../../lib/page/messages.js';
import { age } from '../../lib/times.js';
import { h, type Element } from '../h.js';
import { badge, moment } from './words.js';

/** What `kubectl describe` lists below the BlueGreen, the latest first. Pure. */
export function eventsOf(events: readonly EventPicture[] | undefined, nowMs: number): Element {
  return h(
    'section',
    { 'aria-labelledby': 'events', 'data-key': 'events' },
    h('h2', { id: 'events' }, 'Events'),
    events === undefined
      ? h(
          'p',
          { class: 'faint' },
          'They could not be read: the API server did not answer, or does not let this replica list them.',
        )
      : events.length === 0
        ? h('p', { class: 'faint' }, 'None in the last hour, which is how long the API server keeps them.')
        : h('ul', { class: 'card events' }, ...events.map((event) => item(event, nowMs))),
  );
}

function item({ atMs, type, reason, message }: EventPicture, nowMs: number): Element {
  const isWarning = type === 'Warning';
  return h(
    'li',
    { 'data-key': `${atMs} ${reason} ${message}` },
    h('span', { class: 'when' }, moment(atMs, `${age(atMs, nowMs)} ago`)),
    isWarning ? badge({ sign: '!', tone: 'bad' }, reason) : badge({ sign: '·', tone: 'quiet' }, reason),
    h('span', { class: 'what' }, message),
  );
}
