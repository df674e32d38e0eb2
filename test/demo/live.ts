import { podOf } from '../fleet/observations.js';
import type { NodeSeen } from '../fleet/observations.js';
import type { Scene } from './scene.js';

type Seen = Pick<Scene, 'blueGreen' | 'nodes' | 'endpoints' | 'second'>;

/** What it is drawn on. */
export interface Screen {
  write(text: string): void;
  isTerminal: boolean;
  /** Asked anew for each drawing: windows change their size. */
  columns(): number;
}

/** Lines that stay, and below them the state as it is now. */
export interface Terminal {
  /** Writes a line above the live view. */
  say: (line: string) => void;
  /**
   * Shows the upgrade as it goes on: drawn over itself on a terminal, else a line every few seconds.
   * @param clients all of them, for the length of the bars
   * @returns what ends it
   */
  show: (scene: Scene, clients: number) => () => void;
}

const REDRAW_MS = 500;
/** Without a terminal: a line this often is enough to follow, and few enough to read afterwards. */
const LINE_MS = 5000;
const BAR_WIDTH = 30;
const INDENT = '  ';

/** Whoever writes while the live view is shown must do it through what this returns, else one erases the other. */
export function terminalOn(screen: Screen): Terminal {
  let drawn = 0;
  const erase = () => {
    if (drawn > 0) screen.write(`\u001b[${drawn}A\u001b[J`);
    drawn = 0;
  };
  const draw = (scene: Scene, clients: number) => {
    if (!screen.isTerminal) {
      screen.write(`${lineOf(scene)}\n`);
      return;
    }
    const columns = screen.columns();
    const lines = blockOf(scene, clients, columns);
    erase();
    screen.write(`${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  return {
    say: (line) => {
      erase();
      screen.write(`${line}\n`);
    },
    show: (scene, clients) => {
      const timer = setInterval(() => draw(scene, clients), screen.isTerminal ? REDRAW_MS : LINE_MS);
      return () => {
        clearInterval(timer);
        erase();
      };
    },
  };
}

/** The state in one line. */
export function lineOf(seen: Seen): string {
  const perNode = nodesOf(seen).map((node) => `${podOf(node.node)} ${node.clients}${stateOf(node)}`);
  return [
    new Date().toISOString().slice(11, 19),
    seen.blueGreen?.phase ?? '',
    perNode.join(', '),
    ratesOf(seen),
    seen.blueGreen?.message ?? '',
  ]
    .filter((part) => part !== '')
    .join('  ');
}

/** The state as a block: phase and message, one bar a node, what the fleet feels. No line is longer than `columns`. */
export function blockOf(seen: Seen, clients: number, columns: number): string[] {
  const { phase = '', message = '' } = seen.blueGreen ?? {};
  const nodes = nodesOf(seen);
  const names = Math.max(0, ...nodes.map(({ node }) => podOf(node).length));
  const rest = [
    ...nodes.map((node) => {
      const bar = '█'.repeat(Math.min(BAR_WIDTH, Math.ceil((node.clients / clients) * BAR_WIDTH)));
      const count = String(node.clients).padStart(5);
      return `  ${podOf(node.node).padEnd(names)}  ${count} ${bar.padEnd(BAR_WIDTH, '·')}${stateOf(node)}`;
    }),
    `  ${ratesOf(seen)}`,
  ];
  const head = phase === '' ? [] : wrap(`${phase}  ${message}`, columns - INDENT.length);
  return [...head.map((line) => `${INDENT}${line}`), ...rest.map((line) => line.slice(0, columns))];
}

/** Lines of at most `width` characters, broken at spaces where there are any: what to do stands at a message's end. */
function wrap(text: string, width: number): string[] {
  if (text.length <= width) return [text];
  const space = text.lastIndexOf(' ', width);
  const end = space > 0 ? space : width;
  return [text.slice(0, end), ...wrap(text.slice(end).trimStart(), width)];
}

function nodesOf({ nodes }: Seen): NodeSeen[] {
  return [...(nodes?.nodes ?? [])].sort((a, b) => a.node.localeCompare(b.node));
}

function stateOf({ state, isRunning }: NodeSeen): string {
  if (!isRunning) return ' (not joined)';
  return state === 'none' ? '' : ` (${state})`;
}

function ratesOf({ second, endpoints }: Seen): string {
  if (!second) return '';
  const parts = [
    `${second.connected} connected`,
    `${second.disconnects.length} disconnects/s`,
    `${second.connects.length} connects/s`,
    `${second.refusals.length} refused`,
    `${second.delivered} messages/s`,
  ];
  if (endpoints) parts.push(`${endpoints.ready.length} endpoints`);
  return parts.join(', ');
}
