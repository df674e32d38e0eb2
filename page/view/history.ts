import type { UpgradePicture } from '../../lib/page/messages.js';
import { age, duration } from '../../lib/times.js';
import { h, type Element } from '../h.js';
import type { State } from '../state.js';
import { stepsTable } from './steps.js';
import { badge, moment, toneOfResult } from './words.js';

/** Upgrades that have ended, the latest first. Pure. */
export function historyOf(history: readonly UpgradePicture[], { nowMs }: State): Element {
  return h(
    'section',
    { 'aria-labelledby': 'history', 'data-key': 'history' },
    h('h2', { id: 'history' }, 'Past upgrades'),
    history.length === 0
      ? h('p', { class: 'faint' }, 'None yet.')
      : h('ol', { class: 'card history' }, ...history.map((one) => item(one, nowMs))),
  );
}

function item(upgrade: UpgradePicture, nowMs: number): Element {
  const { id, from, to, result, reason, requestedBy, startedAtMs, finishedAtMs = nowMs } = upgrade;
  return h(
    'li',
    { 'data-key': `${id} ${startedAtMs}` },
    h(
      'p',
      {},
      badge(toneOfResult(result), result ?? 'goes on'),
      ' ',
      h('span', { class: 'name' }, from),
      ' → ',
      h('span', { class: 'name' }, to),
    ),
    h(
      'p',
      { class: 'faint' },
      moment(finishedAtMs, `${age(finishedAtMs, nowMs)} ago`),
      `, took ${duration((finishedAtMs - startedAtMs) / 1000)}`,
      requestedBy !== '' && `, asked for by ${requestedBy}`,
      reason !== undefined && `: ${reason}`,
    ),
    upgrade.steps.length > 0 && tableOf(upgrade, finishedAtMs),
  );
}

/** Hundreds of rows that do not change any more: made once for each record that was told. */
const tables = new WeakMap<UpgradePicture, Element>();

function tableOf(upgrade: UpgradePicture, finishedAtMs: number): Element {
  const table = tables.get(upgrade) ?? stepsTable(upgrade, finishedAtMs);
  tables.set(upgrade, table);
  return table;
}
