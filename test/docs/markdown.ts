/** What the tests of the documentation read of a page. */
import { readFileSync } from 'node:fs';

export interface Fence {
  /** The word behind the backticks; empty without one. */
  language: string;
  text: string;
  /** Of its first line, from 1. */
  line: number;
}

export interface Page {
  file: string;
  fences: Fence[];
  /** The text with everything between fences taken out, line by line. */
  prose: string;
}

/** Reads a page as GitHub does, as far as fences go. */
export function readPage(file: string): Page {
  const fences: Fence[] = [];
  let open: Fence | undefined;
  const prose = readFileSync(file, 'utf8')
    .split('\n')
    .map((text, index) => {
      const fence = /^\s*```(\S*)/.exec(text);
      if (fence && open) {
        fences.push(open);
        open = undefined;
        return '';
      }
      if (fence) {
        open = { language: fence[1] ?? '', text: '', line: index + 2 };
        return '';
      }
      if (!open) return text;
      open.text += `${text}\n`;
      return '';
    });
  if (open) throw new Error(`${file}: the fence before line ${open.line} is not closed`);
  return { file, fences, prose: prose.join('\n') };
}

/** Targets of links and pictures. */
export function linksOf({ prose }: Page): string[] {
  const written = [...prose.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].map(([, link = '']) => link);
  const sources = [...prose.matchAll(/\s(?:src|srcset|href)="([^"]+)"/g)].map(([, link = '']) => link);
  return [...written, ...sources];
}

/** The anchors that GitHub gives to the headings. */
export function anchorsOf({ prose }: Page): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of prose.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '');
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\-_ ]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** What stands between single backticks. */
export function spansOf({ prose }: Page): string[] {
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
}

/** The commands that a page tells people to give, each as its words: `$ …` of consoles, every line of scripts, those between backticks. */
export function commandsOf(page: Page): string[][] {
  const inline = spansOf(page).filter((span) => /^(kubectl|helm|make|npm run) [^…]+$/.test(span));
  return [...fencedCommands(page), ...inline.flatMap(wordsOf)];
}

function fencedCommands({ fences }: Page): string[][] {
  return fences.flatMap(({ language, text }) => {
    const joined = text.replace(/\\\n\s*/g, '').split('\n');
    if (language === 'console') {
      return joined.filter((line) => line.startsWith('$ ')).flatMap((line) => wordsOf(line.slice(2)));
    }
    return language === 'sh' ? joined.flatMap(wordsOf) : [];
  });
}

/** The simple commands of a line, as a shell splits it; quotes, comments, `&&`, `;` and `|` are known. */
export function wordsOf(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const [token] of line.matchAll(/'[^']*'|"[^"]*"|#.*|&&|[;|]|(?:[^\s'"|;&]|'[^']*'|"[^"]*")+/g)) {
    if (token.startsWith('#')) break;
    if (['&&', ';', '|'].includes(token)) commands.push([]);
    else commands.at(-1)?.push(token.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  }
  return commands.filter((words) => words.length > 0);
}
