import type { Phase } from '../lib/types.js';
import { counted } from '../lib/words.js';
import { clip, span, wrap, type Line, type Span, type Tone } from './paint.js';
import type { Remaining } from '../lib/remaining.js';
import { remainingOf } from './remaining.js';
import { phasesOf } from '../lib/phases.js';
import { phaseSpans } from './steps.js';
import { age, duration } from '../lib/times.js';
import type { NodeView, SetView, View } from './view.js';

export interface TreeOptions {
  /** Columns of the terminal; Infinity: as wide as it becomes. */
  width: number;
  /** Whole image names. */
  isWide: boolean;
}

/** One declaration as a picture: what goes on, and below it a tree of its sets and their nodes. Pure. */
export function treeOf(view: View, { width, isWide }: TreeOptions): Line[] {
  const rows = rowsOf(view);
  const shapes = isWide ? [WIDEST] : SHAPES;
  const tables = shapes.map((shape) => tableOf(rows, shape));
  const lines = tables.find((table) => table.every((line) => lengthOf(line) <= width)) ?? tables.at(-1) ?? [];
  return [...headOf(view, width), [], ...lines.map((line) => clip(line, width))];
}

/** The sign and tone of a phase: the same wherever a phase is shown. */
export function signOf(phase: Phase | undefined): { sign: string; tone: Tone } {
  switch (phase) {
    case 'Stable':
      return { sign: '✔', tone: 'good' };
    case 'Aborted':
    case 'Degraded':
      return { sign: '✖', tone: 'bad' };
    case 'Paused':
    case 'AwaitingPromotion':
      return { sign: '‖', tone: 'busy' };
    case 'Idle':
      return { sign: '·', tone: 'faint' };
    case undefined:
    case 'Progressing':
    case 'Delaying':
    case 'Draining':
      return { sign: '◌', tone: 'busy' };
  }
}

const LABEL_WIDTH = 12;

function headOf(view: View, width: number): Line[] {
  const { name, namespace, status, nowMs } = view;
  const { sign, tone } = signOf(status.phase);
  const { upgrade, history = [] } = status;
  const last = history[0];
  const room = Math.max(20, width - LABEL_WIDTH);
  const entry = (label: string, text: string, textTone: Tone = 'plain'): Line[] =>
    wrap(text, room).map((line, at) => [
      span((at === 0 ? label : '').padEnd(LABEL_WIDTH), 'faint'),
      span(line, textTone),
    ]);
  const remaining = remainingOf(view);
  return [
    ...entry('Name', name, 'strong'),
    ...entry('Namespace', namespace),
    ...entry('Phase', `${sign} ${status.phase ?? 'not seen by the controller yet'}`, tone),
    ...(status.message ? entry('Message', status.message) : []),
    ...(upgrade
      ? entry('Upgrade', `${upgrade.from} → ${upgrade.to}`)
      : last
        ? entry(
            'Last',
            `${last.from} → ${last.to}: ${last.result} ${age(Date.parse(last.finishedAt), nowMs)} ago`,
          )
        : []),
    ...(upgrade ? entry('Asked for', askedFor(upgrade, nowMs)) : []),
    ...(upgrade ? phaseLines(phaseSpans(phasesOf(upgrade, nowMs)), room) : []),
    ...(remaining ? entry('Left', inWords(remaining, nowMs)) : []),
  ];
}

/** The phases side by side, as many in a line as there is room for. */
function phaseLines(phases: readonly Span[], room: number): Line[] {
  const lines: Span[][] = [];
  let used = Infinity;
  for (const phase of phases) {
    used += phase.text.length + 2;
    if (used > room + 2) {
      lines.push([]);
      used = phase.text.length + 2;
    }
    const line = lines.at(-1) ?? [];
    line.push(...(line.length === 0 ? [] : [span('  ')]), phase);
  }
  return lines.map((line, at) => [span((at === 0 ? 'Phases' : '').padEnd(LABEL_WIDTH), 'faint'), ...line]);
}

function askedFor(
  { requestedBy, startedAt }: { requestedBy: string; startedAt: string },
  nowMs: number,
): string {
  return [requestedBy && `by ${requestedBy}`, `${age(Date.parse(startedAt), nowMs)} ago`]
    .filter(Boolean)
    .join(', ');
}

/** What is left, and when it will be over. */
export function inWords({ clients, nodes, seconds, from }: Remaining, nowMs: number): string {
  const who = `${counted(clients, 'client')} on ${counted(nodes, 'node')}`;
  switch (from) {
    case 'now': {
      const end = new Date(nowMs + seconds * 1000).toTimeString().slice(0, 8);
      return `${who}, about ${duration(seconds)} (until ${end})`;
    }
    case 'switch':
      return `${who}, about ${duration(seconds)} from the switch on`;
    case 'resume':
      return `${who}, about ${duration(seconds)} once resumed`;
  }
}

/** The cells of a row; the image last, for it is what is shortened. */
interface Row {
  branch: string;
  icon: Span;
  name: Span;
  cells: Span[];
  image: string;
}

const HEADERS = ['STATE', 'CLIENTS', 'SESSIONS', 'RATE', 'AGE', 'IMAGE'] as const;
type Header = (typeof HEADERS)[number];
const RIGHT_ALIGNED: ReadonlySet<Header> = new Set<Header>(['CLIENTS', 'SESSIONS', 'RATE', 'AGE']);

/** What is shown of the table: the columns that are left out, and how an image is written. */
interface Shape {
  without: readonly Header[];
  image: (image: string) => string;
}

const withoutRegistry = (image: string): string => image.slice(image.lastIndexOf('/') + 1);
const tagOnly = (image: string): string => image.slice(image.lastIndexOf(':') + 1);
const WIDEST: Shape = { without: [], image: (image) => image };

/** From the widest to the narrowest: what is missed least goes first, and the version stays. */
const SHAPES: readonly Shape[] = [
  { without: [], image: withoutRegistry },
  { without: [], image: tagOnly },
  { without: ['AGE'], image: tagOnly },
  { without: ['AGE', 'SESSIONS'], image: tagOnly },
  { without: ['AGE', 'SESSIONS', 'RATE'], image: tagOnly },
];

function rowsOf(view: View): Row[] {
  const { name, status, sets, nowMs, createdAtMs } = view;
  const { sign, tone } = signOf(status.phase);
  const total = (set: SetView, of: (node: NodeView) => number | undefined): string => sumOf([set], of);
  const rows: Row[] = [
    {
      branch: '',
      icon: span('◆', 'strong'),
      name: span(name, 'strong'),
      cells: [
        span([sign, status.phase ?? 'Unknown', status.nodes ?? ''].join(' '), tone),
        span(sumOf(sets, clientsOf)),
        span(sumOf(sets, sessionsOf)),
        span(''),
        span(age(createdAtMs, nowMs), 'faint'),
      ],
      image: '',
    },
  ];
  for (const [at, set] of sets.entries()) {
    const isLast = at === sets.length - 1;
    const colour = colourOf(set, view);
    rows.push({
      branch: isLast ? '└─' : '├─',
      icon: span('#', colour),
      name: span(set.name, colour),
      cells: [
        roleOf(set),
        span(total(set, clientsOf)),
        span(total(set, sessionsOf)),
        span(''),
        span(age(set.createdAtMs, nowMs), 'faint'),
      ],
      image: set.image,
    });
    for (const [index, node] of set.nodes.entries()) {
      rows.push({
        branch: `${isLast ? '  ' : '│ '}${index === set.nodes.length - 1 ? '└─' : '├─'}`,
        icon: span('□', colour),
        name: span(node.pod),
        cells: [
          stateOf(node),
          span(textOf(clientsOf(node))),
          span(textOf(sessionsOf(node))),
          span(rateOf(node)),
          span(age(node.createdAtMs, nowMs), 'faint'),
        ],
        image: '',
      });
    }
  }
  return rows;
}

/** Blue is left, green is gone to; outside an upgrade there are no colours. */
function colourOf({ roles }: SetView, { status }: View): Tone {
  if (!status.upgrade) return roles.includes('kept') ? 'faint' : 'plain';
  if (roles.includes('wanted')) return 'green';
  return roles.includes('kept') ? 'faint' : 'blue';
}

/** What is active is wanted too, unless another is; that one says so. */
function roleOf({ roles: [role = 'kept'], ready, size, nodes }: SetView): Span {
  const signs = { active: '✔', wanted: '◌', leaving: '◌', kept: '·' } as const;
  const tones = { active: 'good', wanted: 'busy', leaving: 'busy', kept: 'faint' } as const;
  const count = size === 0 && nodes.length === 0 ? '' : ` ${ready}/${size}`;
  return span(`${signs[role]} ${role}${count}`, tones[role]);
}

function stateOf({ ready, reason, deletedAtMs, load, evacuation }: NodeView): Span {
  const isRunning = load !== undefined;
  if (evacuation?.state === 'prohibiting') return span('✔ drained', 'good');
  if (evacuation) return span(`◌ ${evacuation.state}`, 'busy');
  if (deletedAtMs !== undefined) return span(isRunning ? '◌ draining' : '◌ stopping', 'busy');
  if (ready) return span(isRunning ? '✔ running' : '✔ ready', 'good');
  return span(`${HOPELESS.test(reason) ? '✖' : '◌'} ${reason}`, HOPELESS.test(reason) ? 'bad' : 'busy');
}

/** Kubernetes' words for what waiting does not mend. */
const HOPELESS = /BackOff|Err|Error|Invalid|Unschedulable/;

function clientsOf({ load }: NodeView): number | undefined {
  return load?.clients;
}

function sessionsOf({ load }: NodeView): number | undefined {
  return load?.sessions;
}

function rateOf({ evacuation }: NodeView): string {
  switch (evacuation?.state) {
    case 'evicting_conns':
      return `${evacuation.connection_eviction_rate}/s`;
    case 'evicting_sessions':
      return `${evacuation.session_eviction_rate}/s`;
    case 'waiting_health_check':
    case 'waiting_takeover':
    case 'prohibiting':
    case undefined:
      return '';
  }
}

function sumOf(sets: SetView[], of: (node: NodeView) => number | undefined): string {
  const known = sets.flatMap(({ nodes }) => nodes.map(of)).filter((count) => count !== undefined);
  return known.length === 0 ? '' : String(known.reduce((sum, count) => sum + count, 0));
}

function textOf(count: number | undefined): string {
  return count === undefined ? '' : String(count);
}

/** Room for what comes and goes while nodes drain, so that the columns stand still. */
const LEAST_WIDTH: Partial<Record<Header, number>> = {
  STATE: '◌ evicting_sessions'.length,
  RATE: '1000/s'.length,
};

function tableOf(rows: Row[], { without, image }: Shape): Line[] {
  const first = rows.map(({ branch, icon, name }): Line => [span(branch, 'faint'), icon, span(' '), name]);
  const nameWidth = Math.max(4, ...first.map(lengthOf));
  const cells = rows.map((row) => [...row.cells, span(image(row.image))]);
  const shown = HEADERS.map((header, at) => {
    const texts = [header, ...cells.map((row) => row[at]?.text ?? '')];
    return { header, at, width: Math.max(LEAST_WIDTH[header] ?? 0, ...texts.map(({ length }) => length)) };
  }).filter(({ header }) => !without.includes(header));
  const join = (name: Line, row: readonly Span[]): Line => [
    ...name,
    span(' '.repeat(nameWidth - lengthOf(name))),
    ...shown.flatMap(({ header, at, width }) => {
      const { text, tone } = row[at] ?? span('');
      return [span('  '), span(RIGHT_ALIGNED.has(header) ? text.padStart(width) : text.padEnd(width), tone)];
    }),
  ];
  return [
    join(
      [span('NAME', 'faint')],
      HEADERS.map((header) => span(header, 'faint')),
    ),
    ...rows.map((_, at) => join(first[at] ?? [], cells[at] ?? [])),
  ];
}

function lengthOf(line: Line): number {
  return line.reduce((sum, { text }) => sum + text.length, 0);
}
