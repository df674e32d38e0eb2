import type { Picture, UpgradePicture } from '../../lib/page/messages.js';
import { evictionsOf, type Sample } from '../../lib/page/samples.js';
import { h, type Element } from '../h.js';
import type { State } from '../state.js';
import { curvesTable } from './curves-table.js';
import { chart, frameOf, timeAxisOf, timeTicksOf, type Frame, type TimeAxis } from './frame.js';
import { linesOf, type Line } from './lines.js';
import { apart, scale, ticksTo, type Span } from './scale.js';
import { clock, grouped } from './words.js';

/** What is shown around an upgrade, milliseconds. */
const BEFORE_MS = 10_000;
const AFTER_MS = 60_000;
/** What is shown where there is no upgrade. */
const AT_REST_MS = 15 * 60_000;
/** The start of a curve that nobody would miss. */
const LATE_MS = 10_000;
/** Lines that are named beside their ends. */
const MOST_NAMED = 10;

/** Connections per node and evictions per second, over the same time; nothing while there are no samples. Pure. */
export function curvesOf(state: State, picture: Picture): Element[] {
  const { upgrade, zeroMs, span } = windowOf(state, picture);
  const samples = within(state.samples, span);
  const heading = h('h2', { id: 'curves' }, 'Clients over time');
  if (samples.length === 0) {
    const words = 'There are no samples yet: they are taken while the controller looks at the nodes.';
    return [
      h(
        'section',
        { 'aria-labelledby': 'curves', 'data-key': 'curves' },
        heading,
        h('p', { class: 'faint' }, words),
      ),
    ];
  }
  const width = Math.max(280, Math.min(state.width, 1120) - 32);
  const lines = linesOf(samples, picture, upgrade);
  const first = state.samples[0]?.atMs ?? 0;
  const isLate = first > Math.max(span.fromMs, upgrade?.startedAtMs ?? 0) + LATE_MS;
  return [
    h(
      'section',
      { 'aria-labelledby': 'curves', 'data-key': 'curves' },
      heading,
      h(
        'div',
        { class: 'card charts' },
        legend(lines, upgrade),
        connections({ lines, span, zeroMs, width, upgrade }),
        evictions(samples, { span, zeroMs, width }, picture),
        h(
          'p',
          { class: 'faint' },
          `Times are counted from ${upgrade ? "the upgrade's start" : 'now'}, ${clock(zeroMs)} UTC.`,
        ),
        isLate &&
          h(
            'p',
            { class: 'note' },
            `The curves begin at ${clock(first)} UTC: the controller that serves this page counts since then, and keeps nothing on disk.`,
          ),
        curvesTable(samples, lines, zeroMs),
      ),
    ),
  ];
}

/** The upgrade in progress, or one that has just ended; else the last minutes. */
function windowOf(
  { nowMs }: State,
  { upgrade, history }: Picture,
): { upgrade?: UpgradePicture; zeroMs: number; span: Span } {
  const last = history[0];
  const shown =
    upgrade ??
    (last?.finishedAtMs !== undefined && nowMs - last.finishedAtMs < AT_REST_MS ? last : undefined);
  if (!shown) return { zeroMs: nowMs, span: { fromMs: nowMs - AT_REST_MS, toMs: nowMs } };
  const toMs = shown.finishedAtMs === undefined ? nowMs : Math.min(nowMs, shown.finishedAtMs + AFTER_MS);
  return { upgrade: shown, zeroMs: shown.startedAtMs, span: { fromMs: shown.startedAtMs - BEFORE_MS, toMs } };
}

/** Those in the window; lines come in from the last before it, and go on to its end. */
function within(samples: readonly Sample[], { fromMs, toMs }: Span): Sample[] {
  const inside = samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  const before = samples.findLast(({ atMs }) => atMs < fromMs);
  const last = inside.at(-1) ?? before;
  return [
    ...(before ? [{ ...before, atMs: fromMs }] : []),
    ...inside,
    ...(last ? [{ ...last, atMs: toMs }] : []),
  ];
}

function legend(lines: readonly Line[], upgrade: UpgradePicture | undefined): Element {
  const colours = (['blue', 'green'] as const).filter((colour) =>
    lines.some((line) => line.colour === colour),
  );
  const nameOf = { blue: upgrade?.from ?? 'blue', green: upgrade?.to ?? 'nodes that serve' };
  return h(
    'ul',
    { class: 'legend' },
    ...colours.map((colour) =>
      h(
        'li',
        {},
        h('span', { class: `swatch ${colour}`, 'aria-hidden': 'true' }),
        h('span', { class: 'heard' }, `${colour}: `),
        nameOf[colour],
      ),
    ),
  );
}

function connections({
  lines,
  span,
  zeroMs,
  width,
  upgrade,
}: {
  lines: readonly Line[];
  span: Span;
  zeroMs: number;
  width: number;
  upgrade: UpgradePicture | undefined;
}): Element {
  const frame = frameOf(width, width < 560 ? 220 : 280);
  const axis = timeAxisOf(frame, span, zeroMs);
  const ticks = ticksTo(Math.max(1, ...lines.flatMap(({ points }) => points.map(({ value }) => value))), 4);
  const y = scale([0, ticks.at(-1) ?? 1], [frame.height - frame.bottom, frame.top]);
  const ends = lines.map(({ points }) => `${points.at(-1)?.value ?? 0}`);
  return chart(
    {
      id: 'connections',
      title: 'Clients connected to each node',
      description: lines
        .map(({ name, points }, at) => `${name}: from ${points[0]?.value ?? 0} to ${ends[at]}`)
        .join('; '),
      frame,
    },
    ...timeTicksOf(frame, axis),
    ...valueTicks(frame, ticks, y),
    ...marks(frame, axis, upgrade),
    ...lines.map(({ colour, dash, points }) =>
      h('polyline', {
        class: `line ${colour}`,
        'stroke-dasharray': dash || undefined,
        points: points
          .map(({ atMs, value }) => `${axis.x(atMs).toFixed(1)},${y(value).toFixed(1)}`)
          .join(' '),
      }),
    ),
    ...names(frame, axis, y, lines),
  );
}

function valueTicks(
  { width, left, right }: Frame,
  ticks: readonly number[],
  y: (value: number) => number,
): Element[] {
  return ticks.flatMap((tick) => [
    h('line', {
      class: tick === 0 ? 'axis' : 'grid',
      x1: left,
      x2: width - right,
      y1: y(tick).toFixed(1),
      y2: y(tick).toFixed(1),
    }),
    h(
      'text',
      { class: 'tick', x: left - 8, y: (y(tick) + 4).toFixed(1), 'text-anchor': 'end' },
      grouped(tick),
    ),
  ]);
}

/** The moment of the switch, from which on new clients reach green alone. */
function marks(
  { top, height, bottom }: Frame,
  { x, span }: TimeAxis,
  upgrade: UpgradePicture | undefined,
): Element[] {
  const at = Date.parse(upgrade?.steps.find(({ name }) => name === 'switch')?.startedAt ?? '');
  if (Number.isNaN(at) || at < span.fromMs || at > span.toMs) return [];
  const place = x(at).toFixed(1);
  return [
    h('line', { class: 'mark', x1: place, x2: place, y1: top, y2: height - bottom }),
    h('text', { class: 'tick', x: place, y: top - 6, 'text-anchor': 'middle' }, 'switch'),
  ];
}

function names(
  frame: Frame,
  { x }: TimeAxis,
  y: (value: number) => number,
  lines: readonly Line[],
): Element[] {
  if (frame.right < 100 || lines.length > MOST_NAMED) return [];
  const ends = lines.map(({ points }) => points.at(-1) ?? { atMs: 0, value: 0 });
  const places = apart(
    ends.map(({ value }) => y(value)),
    14,
    [frame.top, frame.height - frame.bottom],
  );
  return lines.map(({ short, colour }, at) =>
    h(
      'text',
      {
        class: `name ${colour}`,
        x: (Math.max(x(ends[at]?.atMs ?? 0), frame.width - frame.right) + 8).toFixed(1),
        y: ((places[at] ?? 0) + 4).toFixed(1),
      },
      `${short}  ${grouped(ends[at]?.value ?? 0)}`,
    ),
  );
}

function evictions(
  samples: readonly Sample[],
  { span, zeroMs, width }: { span: Span; zeroMs: number; width: number },
  { pace: { connEvictRate }, upgrade }: Picture,
): Element {
  const frame = frameOf(width, 132);
  const axis = timeAxisOf(frame, span, zeroMs);
  const rates = evictionsOf(samples);
  const most = Math.max(0, ...rates.map(({ perSecond }) => perSecond));
  const ticks = ticksTo(Math.max(connEvictRate, most) * 1.1, 2);
  const y = scale([0, ticks.at(-1) ?? 1], [frame.height - frame.bottom, frame.top]);
  const limit = y(connEvictRate);
  const base = (frame.height - frame.bottom).toFixed(1);
  const points = rates.map(({ atMs, perSecond }) => `${axis.x(atMs).toFixed(1)},${y(perSecond).toFixed(1)}`);
  const [first, last] = [rates[0], rates.at(-1)];
  const area =
    first &&
    last &&
    [`${axis.x(first.atMs).toFixed(1)},${base}`, ...points, `${axis.x(last.atMs).toFixed(1)},${base}`].join(
      ' ',
    );
  return h(
    'div',
    {},
    h('h3', {}, 'Evicted per second'),
    chart(
      {
        id: 'evictions',
        title: 'Clients evicted per second',
        description: `At most ${grouped(most)} per second, of a rate of ${grouped(connEvictRate)} per second${upgrade ? '' : ' that an upgrade would keep to'}.`,
        frame,
      },
      ...timeTicksOf(frame, axis),
      ...valueTicks(frame, ticks, y),
      area ? h('polygon', { class: 'area', points: area }) : undefined,
      h('line', {
        class: 'limit',
        x1: frame.left,
        x2: frame.width - frame.right,
        y1: limit.toFixed(1),
        y2: limit.toFixed(1),
      }),
      h(
        'text',
        { class: 'tick limits', x: frame.left + 6, y: (limit - 5).toFixed(1) },
        `connEvictRate ${grouped(connEvictRate)}/s`,
      ),
    ),
  );
}
