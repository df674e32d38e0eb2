import type { Phase, UpgradeResult } from '../../lib/types.js';
import type { NodeState } from '../../lib/page/messages.js';
import { h, type Element } from '../h.js';

/** How something does, for its colour; a sign and a word always say it too. */
export type Tone = 'good' | 'busy' | 'bad' | 'quiet';

/** A sign and a tone for each phase, as the terminal has them. */
export function toneOfPhase(phase: Phase | undefined): { sign: string; tone: Tone } {
  switch (phase) {
    case 'Stable':
      return { sign: '✔', tone: 'good' };
    case 'Aborted':
    case 'Degraded':
      return { sign: '✖', tone: 'bad' };
    case 'Paused':
    case 'AwaitingPromotion':
      return { sign: '‖', tone: 'busy' };
    case undefined:
    case 'Idle':
      return { sign: '·', tone: 'quiet' };
    case 'Progressing':
    case 'Delaying':
    case 'Draining':
      return { sign: '◌', tone: 'busy' };
  }
}

/** EMQX's own words for the states that are its own. */
export function toneOfState(state: NodeState, isBad: boolean): { sign: string; tone: Tone } {
  if (isBad) return { sign: '✖', tone: 'bad' };
  switch (state) {
    case 'serving':
    case 'joined':
      return { sign: '✔', tone: 'good' };
    case 'drained':
      return { sign: '✔', tone: 'quiet' };
    case 'waiting':
    case 'stopped':
      return { sign: '·', tone: 'quiet' };
    case 'starting':
    case 'draining':
    case 'waiting_health_check':
    case 'evicting_conns':
    case 'waiting_takeover':
    case 'evicting_sessions':
    case 'prohibiting':
      return { sign: '◌', tone: 'busy' };
  }
}

export function toneOfResult(result: UpgradeResult | undefined): { sign: string; tone: Tone } {
  switch (result) {
    case 'succeeded':
      return { sign: '✔', tone: 'good' };
    case 'aborted':
      return { sign: '✖', tone: 'bad' };
    case 'superseded':
    case 'rolledBack':
      return { sign: '↺', tone: 'quiet' };
    case undefined:
      return { sign: '◌', tone: 'busy' };
  }
}

/** A sign, which is not read out, and the word that says the same. */
export function badge({ sign, tone }: { sign: string; tone: Tone }, word: string): Element {
  return h(
    'span',
    { class: `badge ${tone}` },
    h('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
    word,
  );
}

/** `12,345`. */
export function grouped(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** The time of day in UTC, whatever the browser's zone: logs and kubectl say it so. */
export function clock(atMs: number): string {
  return Number.isFinite(atMs) ? new Date(atMs).toISOString().slice(11, 19) : '';
}

/** A moment for people and programs. */
export function moment(atMs: number, word: string): Element {
  return h('time', { datetime: Number.isFinite(atMs) ? new Date(atMs).toISOString() : '' }, word);
}
