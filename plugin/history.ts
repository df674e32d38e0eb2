import type { UpgradeStatus } from '../lib/types.js';
import { span, type Line, type Tone } from './paint.js';
import { columns } from './columns.js';
import { age, duration } from '../lib/times.js';
import { stepLines } from './steps.js';
import type { View } from './view.js';

const TONES: Record<string, Tone> = {
  succeeded: 'good',
  aborted: 'bad',
  superseded: 'busy',
  rolledBack: 'busy',
};

/**
 * The upgrade in progress and those that have ended, a line each. Pure.
 * @param shape hasSteps: below each, what was done when
 */
export function historyOf(
  { status, nowMs }: View,
  { isWide, hasSteps }: { isWide: boolean; hasSteps: boolean },
): Line[] {
  const { upgrade, history = [] } = status;
  const upgrades = [...(upgrade ? [upgrade] : []), ...history];
  const rows: Line[] = [
    ...(upgrade
      ? [row({ ...upgrade, result: 'in progress', seconds: secondsBetween(upgrade.startedAt, nowMs) }, nowMs)]
      : []),
    ...history.map((one) =>
      row({ ...one, seconds: secondsBetween(one.startedAt, Date.parse(one.finishedAt)) }, nowMs),
    ),
  ];
  if (rows.length === 0) return [[span('no upgrade yet')]];
  const headers = ['RESULT', 'FROM', 'TO', 'BEGAN', 'TOOK', 'BY', 'REASON', 'TRACE'];
  const shown = isWide ? headers : headers.slice(0, -1);
  const [head = [], ...lines] = columns(
    shown,
    rows.map((cells) => cells.slice(0, shown.length)),
  );
  if (!hasSteps) return [head, ...lines];
  const stepsOf = (one: UpgradeStatus): Line[] =>
    stepLines(one, nowMs).map((line) => [span('    '), ...line]);
  return [head, ...upgrades.flatMap((one, at) => [lines[at] ?? [], ...stepsOf(one)])];
}

interface Entry {
  id: string;
  result: string;
  from: string;
  to: string;
  startedAt: string;
  requestedBy: string;
  reason?: string;
  seconds: number;
}

function row(
  { id, result, from, to, startedAt, requestedBy, reason = '', seconds }: Entry,
  nowMs: number,
): Line {
  return [
    span(result, TONES[result] ?? 'busy'),
    span(from),
    span(to),
    span(`${age(Date.parse(startedAt), nowMs)} ago`, 'faint'),
    span(duration(seconds)),
    span(requestedBy),
    span(reason),
    span(id, 'faint'),
  ];
}

function secondsBetween(start: string, endMs: number): number {
  return (endMs - Date.parse(start)) / 1000;
}
