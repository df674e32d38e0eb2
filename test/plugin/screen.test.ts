import { describe, expect, it } from '@jest/globals';
import { span } from '../../plugin/paint.js';
import { documentsOn, liveOn, screenOn, type Screen } from '../../plugin/screen.js';

function screen(more: Partial<Screen>): { screen: Screen; written: string[] } {
  const written: string[] = [];
  const write = (text: string): void => void written.push(text);
  return {
    written,
    screen: { write, isTerminal: true, isColoured: false, columns: () => 80, rows: () => 4, ...more },
  };
}
const lines = (...texts: string[]) => texts.map((text) => [span(text)]);

describe('live pictures', () => {
  it('on a terminal are drawn over the one before, cut to its height', () => {
    const { screen: terminal, written } = screen({});
    const show = liveOn(terminal);
    show(lines('a', 'b'));
    show(lines('c', 'd', 'e', 'f', 'g'));
    expect(written).toEqual([
      '\ra\u001b[K\nb\u001b[K\n\u001b[J',
      '\u001b[2A\rc\u001b[K\nd\u001b[K\n…\u001b[K\n\u001b[J',
    ]);
  });

  it('elsewhere are written when they differ', () => {
    const { screen: file, written } = screen({ isTerminal: false, rows: () => Infinity });
    const show = liveOn(file);
    show(lines('a'));
    show(lines('a'));
    show(lines('b'));
    expect(written).toEqual(['a\n', '---\nb\n']);
  });
});

describe('documents', () => {
  it.each([
    { output: 'json' as const, written: ['a\n', 'b\n'] },
    { output: 'yaml' as const, written: ['a\n', '---\nb\n'] },
  ])('of $output are written when they differ', ({ output, written: expected }) => {
    const { screen: file, written } = screen({ isTerminal: false });
    const show = documentsOn(file, output);
    for (const text of ['a', 'a', 'b']) show(text);
    expect(written).toEqual(expected);
  });
});

describe('colours', () => {
  const on = (isTTY: boolean, environment: NodeJS.ProcessEnv): boolean =>
    screenOn({ isTTY } as NodeJS.WriteStream, environment).isColoured;

  it.each([
    ['a terminal', true, {}, true],
    ['a file', false, {}, false],
    ['a terminal with NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['a terminal with an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
  ])('on %s', (_, isTTY, environment, isColoured) => expect(on(isTTY, environment)).toBe(isColoured));
});
