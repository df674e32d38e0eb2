import { duration } from '../../lib/times.js';
import { h, type Element } from '../h.js';
import { scale, timeTicks, type Span } from './scale.js';

/** Where a chart draws, CSS pixels; all charts of a page have the same left and right, so that their times are below each other. */
export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Room for figures at the left, for names at the right where there is enough, and for times below. */
export function frameOf(width: number, height: number): Frame {
  return { width, height, left: 44, right: width < 560 ? 12 : 132, top: 18, bottom: 24 };
}

export interface TimeAxis {
  span: Span;
  /** What the times are counted from. */
  zeroMs: number;
  x: (atMs: number) => number;
}

export function timeAxisOf({ width, left, right }: Frame, span: Span, zeroMs: number): TimeAxis {
  return { span, zeroMs, x: scale([span.fromMs, span.toMs], [left, width - right]) };
}

/** Lines and words of the time axis. */
export function timeTicksOf(
  { width, height, left, right, top, bottom }: Frame,
  { span, zeroMs, x }: TimeAxis,
): Element[] {
  const most = Math.max(2, Math.floor((width - left - right) / 80));
  return timeTicks(span, zeroMs, most).flatMap((seconds) => {
    const at = x(zeroMs + seconds * 1000).toFixed(1);
    const word = seconds < 0 ? `−${duration(-seconds)}` : duration(seconds);
    return [
      h('line', { class: 'grid', x1: at, x2: at, y1: top, y2: height - bottom }),
      h('text', { class: 'tick', x: at, y: height - bottom + 16, 'text-anchor': 'middle' }, word),
    ];
  });
}

/** A chart: its name and what it shows are read out in place of the lines. */
export function chart(
  { id, title, description, frame }: { id: string; title: string; description: string; frame: Frame },
  ...children: (Element | undefined)[]
): Element {
  const { width, height } = frame;
  return h(
    'svg',
    {
      class: 'chart',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-labelledby': `${id}-title ${id}-desc`,
    },
    h('title', { id: `${id}-title` }, title),
    h('desc', { id: `${id}-desc` }, description),
    ...children,
  );
}
