/** What a piece of text says, not which colour it has. */
export type Tone = 'good' | 'busy' | 'bad' | 'faint' | 'strong' | 'blue' | 'green' | 'plain';

/** SGR codes of the sixteen colours that every terminal's own theme makes legible, on light and dark. */
const CODES: Record<Tone, string> = {
  good: '32',
  busy: '33',
  bad: '31',
  faint: '2',
  strong: '1',
  blue: '94',
  green: '32',
  plain: '',
};

export interface Span {
  text: string;
  tone: Tone;
}

export type Line = readonly Span[];

/** A piece of a line: breaks are spaces in it, and no text of the cluster's writes control characters. */
export function span(text: string, tone: Tone = 'plain'): Span {
  return { text: harmless(text.replace(/[\t\r\n]+/g, ' ')), tone };
}

/**
 * Text as a terminal may be given it. Messages repeat what containers, registries and users say, and control characters among that would
 * move the cursor, rename the window, or worse: they are shown as kubectl shows them. Tabs and line breaks stay.
 */
export function harmless(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    if (character === '\n' || character === '\t') return character;
    const code = character.charCodeAt(0);
    return code < 0x80 ? `^${String.fromCharCode(code ^ 0x40)}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Writes a line, with colours or without: without them no word is lost, for each tone goes with a word or a sign. */
export function paint(line: Line, isColoured: boolean): string {
  const written = line.map(({ text, tone }) =>
    isColoured && CODES[tone] !== '' && text.trim() !== '' ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text,
  );
  return written.join('').trimEnd();
}

/** A line of at most `width` characters; what is cut off ends in an ellipsis. */
export function clip(line: Line, width: number): Line {
  const length = line.reduce((sum, { text }) => sum + text.length, 0);
  if (length <= width) return line;
  let room = width - 1;
  const kept: Span[] = [];
  for (const { text, tone } of line) {
    if (room <= 0) break;
    kept.push({ text: text.slice(0, room), tone });
    room -= text.length;
  }
  return [...kept, span('…')];
}

/** Lines of at most `width` characters, broken at spaces where there are any: what to do stands at a message's end. */
export function wrap(text: string, width: number): string[] {
  if (text.length <= width) return [text];
  const space = text.lastIndexOf(' ', width);
  const end = space > 0 ? space : width;
  return [text.slice(0, end), ...wrap(text.slice(end).trimStart(), width)];
}
