import type { UpgradePicture } from '../../lib/page/messages.js';
import { isOpen, phasesOf, secondsOf, wordOf } from '../../lib/phases.js';
import { duration } from '../../lib/times.js';
import { UPGRADE_PHASES, type UpgradeStep } from '../../lib/types.js';
import { h, type Element } from '../h.js';
import type { State } from '../state.js';
import { chart, frameOf, timeAxisOf, timeTicksOf, type Frame, type TimeAxis } from './frame.js';
import { grouped } from './words.js';

const ROW = 24;
const THICK = { phase: 18, node: 12 };
/** A phase is named inside its bar where there is room: pixels for a letter, and around the word. */
const LETTER = 6.5;
const AROUND = 10;
const SHORTEST = 3;
/** Rows of nodes that are drawn; the table has all. */
const MOST_ROWS = 40;

/** The timeline: phases in one row, and below it each node's start and drain. Pure. */
export function stepsOf(upgrade: UpgradePicture, state: State): Element {
  const { steps } = upgrade;
  const pods = [...new Set(steps.flatMap(({ pod }) => pod ?? []))];
  const drawn = pods.slice(0, MOST_ROWS);
  const width = Math.max(280, Math.min(state.width, 1120) - 32);
  const isNarrow = width < 560;
  const frame: Frame = {
    ...frameOf(width, (drawn.length + 1) * ROW + 40),
    left: isNarrow ? 76 : 150,
    right: 12,
    top: 4,
  };
  const endMs = upgrade.finishedAtMs ?? state.nowMs;
  const axis = timeAxisOf(
    frame,
    { fromMs: upgrade.startedAtMs, toMs: Math.max(endMs, upgrade.startedAtMs + 1000) },
    upgrade.startedAtMs,
  );
  const nowMs = endMs;
  return h(
    'section',
    { 'aria-labelledby': 'timeline', 'data-key': 'timeline' },
    h('h2', { id: 'timeline' }, 'Timeline'),
    steps.length === 0
      ? h('p', { class: 'faint' }, 'No steps were recorded.')
      : h(
          'div',
          { class: 'card charts' },
          chart(
            {
              id: 'steps',
              title: 'Phases, and the start and drain of each node',
              description: phasesOf({ steps }, nowMs)
                .filter((phase) => phase.state !== 'next')
                .map(({ name, seconds }) => `${wordOf(name)} ${duration(seconds)}`)
                .join(', '),
              frame,
            },
            ...timeTicksOf(frame, axis),
            rowOf(
              'phases',
              0,
              steps.filter((step) => step.pod === undefined),
              { frame, axis, nowMs, isNarrow },
              upgrade,
            ),
            ...drawn.map((pod, at) =>
              rowOf(
                pod,
                at + 1,
                steps.filter((step) => step.pod === pod),
                { frame, axis, nowMs, isNarrow },
                upgrade,
              ),
            ),
          ),
          h(
            'ul',
            { class: 'legend' },
            ...(['start', 'drain', 'leave'] as const).map((name) =>
              h('li', {}, h('span', { class: `swatch step ${name}`, 'aria-hidden': 'true' }), name),
            ),
          ),
          pods.length > drawn.length &&
            h('p', { class: 'faint' }, `${pods.length - drawn.length} more nodes are in the table.`),
          stepsTable(upgrade, nowMs),
        ),
  );
}

interface Place {
  frame: Frame;
  axis: TimeAxis;
  nowMs: number;
  isNarrow: boolean;
}

function rowOf(
  name: string,
  at: number,
  steps: readonly UpgradeStep[],
  { frame, axis, nowMs, isNarrow }: Place,
  { from, to }: UpgradePicture,
): Element {
  const isPhases = at === 0;
  const thick = isPhases ? THICK.phase : THICK.node;
  const y = frame.top + at * ROW + (ROW - thick) / 2;
  const set = [to, from].find((one) => name.startsWith(`${one}-`));
  const colour = set === undefined ? '' : set === to ? 'green' : 'blue';
  const label = isNarrow && set !== undefined ? `${colour} ${name.slice(set.length + 1)}` : name;
  return h(
    'g',
    {},
    h(
      'text',
      { class: `tick ${colour}`, x: frame.left - 8, y: y + thick / 2 + 4, 'text-anchor': 'end' },
      label,
    ),
    ...steps.flatMap((step) => {
      const x = axis.x(Math.max(Date.parse(step.startedAt), axis.span.fromMs));
      const end = axis.x(step.endedAt === undefined ? nowMs : Date.parse(step.endedAt));
      const width = Math.max(SHORTEST, end - x);
      const index = UPGRADE_PHASES.findIndex((phase) => phase === step.name);
      const kind = isPhases ? `phase ${index % 2 === 0 ? 'even' : 'odd'}` : step.name;
      const word = wordOf(step.name);
      const hasRoom = isPhases && width > word.length * LETTER + AROUND;
      return [
        h(
          'rect',
          {
            class: `step ${kind}${isOpen(step) ? ' open' : ''}`,
            x: x.toFixed(1),
            y,
            width: width.toFixed(1),
            height: thick,
            rx: 3,
          },
          h('title', {}, `${word} ${duration(secondsOf(step, nowMs))}`),
        ),
        ...(hasRoom
          ? [
              h(
                'text',
                {
                  class: 'inside',
                  x: (x + width / 2).toFixed(1),
                  y: y + thick / 2 + 4,
                  'text-anchor': 'middle',
                },
                word,
              ),
            ]
          : []),
      ];
    }),
  );
}

/** Every step of an upgrade, by when it began. Pure. */
export function stepsTable({ steps, startedAtMs }: UpgradePicture, nowMs: number): Element {
  const sorted = [...steps].sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
  return h(
    'details',
    {},
    h('summary', {}, 'Every step as a table'),
    h(
      'div',
      { class: 'scrolls', tabindex: '0', role: 'region', 'aria-label': 'Steps of the upgrade' },
      h(
        'table',
        { class: 'plain' },
        h('caption', {}, 'Steps of the upgrade, by when they began'),
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ...['At', 'Step', 'Pod', 'Took', 'Clients', 'Sessions', 'Outcome'].map((text) =>
              h('th', { scope: 'col' }, text),
            ),
          ),
        ),
        h(
          'tbody',
          {},
          ...sorted.map((step) =>
            h(
              'tr',
              {},
              h('td', { class: 'number' }, duration((Date.parse(step.startedAt) - startedAtMs) / 1000)),
              h('th', { scope: 'row' }, wordOf(step.name)),
              h('td', {}, step.pod ?? ''),
              h('td', { class: 'number' }, duration(secondsOf(step, nowMs))),
              h('td', { class: 'number' }, step.clients === undefined ? '' : grouped(step.clients)),
              h('td', { class: 'number' }, step.sessions === undefined ? '' : grouped(step.sessions)),
              h('td', {}, outcomeOf(step)),
            ),
          ),
        ),
      ),
    ),
  );
}

function outcomeOf({ outcome, sessionsLost, endedAt }: UpgradeStep): string {
  const lost = sessionsLost === undefined ? '' : `: ${sessionsLost} sessions lost`;
  return `${outcome ?? (endedAt === undefined ? 'goes on' : '')}${lost}`;
}
