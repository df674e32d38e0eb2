import { clip, paint, type Line } from './paint.js';
import type { Output } from './request.js';

/** What it is written to. */
export interface Screen {
  write: (text: string) => void;
  isTerminal: boolean;
  isColoured: boolean;
  /** Asked anew for each drawing: windows change their size. */
  columns: () => number;
  rows: () => number;
}

/** The standard output: colours on a terminal alone, and not where NO_COLOR is set or the terminal knows none. */
export function screenOn(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Screen {
  const isTerminal = stream.isTTY === true;
  const { NO_COLOR = '', TERM = '' } = environment;
  return {
    write: (text) => void stream.write(text),
    isTerminal,
    isColoured: isTerminal && NO_COLOR === '' && TERM !== 'dumb',
    // A terminal that does not say its size has 0.
    columns: () => (isTerminal ? stream.columns || 80 : Infinity),
    rows: () => (isTerminal ? stream.rows || 24 : Infinity),
  };
}

export function print(screen: Screen, lines: readonly Line[]): void {
  screen.write(lines.map((line) => `${paint(line, screen.isColoured)}\n`).join(''));
}

/**
 * Shows pictures one after the other: drawn over itself on a terminal, cut to its height; else each that differs from the one before,
 * after a line of its own.
 */
export function liveOn(screen: Screen): (lines: readonly Line[]) => void {
  let drawn = 0;
  let before = '';
  return (lines) => {
    const room = screen.rows() - 1;
    const fitting =
      lines.length > room ? [...lines.slice(0, room - 1), [{ text: '…', tone: 'faint' as const }]] : lines;
    // A line that wraps would take two of the terminal's, and the next picture would not cover it.
    const text = fitting.map((line) => paint(clip(line, screen.columns()), screen.isColoured));
    if (!screen.isTerminal) {
      const whole = text.join('\n');
      if (whole !== before) screen.write(`${before === '' ? '' : '---\n'}${whole}\n`);
      before = whole;
      return;
    }
    const up = drawn > 0 ? `\u001b[${drawn}A` : '';
    screen.write(`${up}\r${text.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
    drawn = text.length;
  };
}

/** Writes documents one after the other, each that differs from the one before: a stream of JSON, or of YAML. */
export function documentsOn(screen: Screen, output: Output): (text: string) => void {
  let before = '';
  return (text) => {
    if (text === before) return;
    screen.write(`${before !== '' && output === 'yaml' ? '---\n' : ''}${text}\n`);
    before = text;
  };
}
