import { columns } from './columns.js';
import { span, type Line } from './paint.js';
import { remainingOf } from './remaining.js';
import { age, duration } from '../lib/times.js';
import { signOf } from './tree.js';
import type { View } from './view.js';

/** A line for each declaration. Pure. */
export function summaryOf(views: readonly View[], { isWide }: { isWide: boolean }): Line[] {
  const headers = [
    'NAMESPACE',
    'NAME',
    'PHASE',
    'ACTIVE',
    'WANTED',
    'NODES',
    'CLIENTS LEFT',
    'TIME LEFT',
    'AGE',
    'MESSAGE',
  ];
  const rows = views.map((view): Line => {
    const { status, nowMs } = view;
    const { sign, tone } = signOf(status.phase);
    const remaining = remainingOf(view);
    return [
      span(view.namespace),
      span(view.name, 'strong'),
      span(`${sign} ${status.phase ?? 'Unknown'}`, tone),
      span(status.active ?? ''),
      span(status.wanted === status.active ? '' : (status.wanted ?? '')),
      span(status.nodes ?? ''),
      span(remaining ? String(remaining.clients) : ''),
      span(remaining ? duration(remaining.seconds) : ''),
      span(age(view.createdAtMs, nowMs), 'faint'),
      span(isWide ? (status.message ?? '') : ''),
    ];
  });
  return columns(headers, rows);
}
