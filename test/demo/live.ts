import { podOf } from '../fleet/observations.js';
import type { NodeSeen } from '../fleet/observations.js';
import type { Scene } from './scene.js';

type Seen = Pick<Scene, 'blueGreen' | 'nodes' | 'endpoints' | 'second'>;

/** Where the live view is drawn. */
export interface Screen {
  write(text: string): void;
  isTerminal: boolean;
  columns: number;
}

const REDRAW_MS = 500;
/** Without a terminal: a line this often is enough to follow, and few enough to read afterwards. */
const LINE_MS = 5000;
const BAR_WIDTH = 30;

/**
 * Shows the upgrade as it goes on: drawn over itself on a terminal, else a line every few seconds.
 * @param clients all of them, for the length of the bars
 * @returns what ends it
 */
export function showLive(scene: Scene, screen: Screen, clients: number): () => void {
  let drawn = 0;
  const erase = () => {
    if (drawn > 0) screen.write(`\u001b[${drawn}A\u001b[J`);
    drawn = 0;
  };
  const draw = () => {
    if (!screen.isTerminal) {
      screen.write(`${lineOf(scene)}\n`);
      return;
    }
    const lines = blockOf(scene, clients).map((line) => line.slice(0, screen.columns));
    erase();
    screen.write(`${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  const timer = setInterval(draw, screen.isTerminal ? REDRAW_MS : LINE_MS);
  return () => {
    clearInterval(timer);
    erase();
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

/** The state as a block: phase and message, one bar a node, what the fleet feels. */
export function blockOf(seen: Seen, clients: number): string[] {
  const { phase = '', message = '' } = seen.blueGreen ?? {};
  const nodes = nodesOf(seen);
  const names = Math.max(0, ...nodes.map(({ node }) => podOf(node).length));
  return [
    ...(phase === '' ? [] : [`  ${phase}  ${message}`]),
    ...nodes.map((node) => {
      const bar = '█'.repeat(Math.min(BAR_WIDTH, Math.ceil((node.clients / clients) * BAR_WIDTH)));
      const count = String(node.clients).padStart(5);
      return `  ${podOf(node.node).padEnd(names)}  ${count} ${bar.padEnd(BAR_WIDTH, '·')}${stateOf(node)}`;
    }),
    `  ${ratesOf(seen)}`,
  ];
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
    `-${second.disconnects.length}/s`,
    `+${second.connects.length}/s`,
    `${second.refusals.length} refused`,
    `${second.delivered} messages/s`,
  ];
  if (endpoints) parts.push(`${endpoints.ready.length} endpoints`);
  return parts.join(', ');
}
