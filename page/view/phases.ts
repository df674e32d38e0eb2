import type { UpgradePicture } from '../../lib/page/messages.js';
import { phasesOf, wordOf, type PhaseView } from '../../lib/phases.js';
import { duration } from '../../lib/times.js';
import { h, type Element } from '../h.js';

const SIGNS = { done: '✔', now: '◌', next: '·' } as const;
const SAID = { done: 'done', now: 'in progress', next: 'to come' } as const;

/** The phases of an upgrade, those to come too. Pure. */
export function phasesList({ steps }: UpgradePicture, nowMs: number): Element {
  const phases = phasesOf({ steps }, nowMs);
  return h(
    'section',
    { 'aria-labelledby': 'phases', 'data-key': 'phases' },
    h('h2', { id: 'phases' }, 'Phases'),
    phases.length === 0
      ? h('p', { class: 'faint' }, 'No steps were recorded.')
      : h('ol', { class: 'phases' }, ...phases.map(item)),
  );
}

function item({ name, state, seconds }: PhaseView): Element {
  return h(
    'li',
    { class: state, 'aria-current': state === 'now' && 'step' },
    h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[state]),
    h('span', { class: 'what' }, wordOf(name)),
    h('span', { class: 'heard' }, ` ${SAID[state]} `),
    h('span', { class: 'took' }, state === 'next' ? '' : duration(seconds)),
  );
}
