import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Json, JsonObject } from '../../lib/json.js';
import { ANNOTATION } from '../../lib/names.js';
import { commandLine } from '../../plugin/command-line.js';
import { blueGreenVersion } from '../../scripts/reference.js';
import { at, FIND_HELM_MS } from '../charts/render.js';
import { resolvePrograms } from '../cluster/programs.js';
import { settingsFrom } from '../cluster/settings.js';
import { commandsOf, readPage, wordsOf } from './markdown.js';
import { faults, hasField } from './schema.js';

// kubectl and helm are asked, on machines with other work.
jest.setTimeout(120_000);

const run = promisify(execFile);
const pages = [...globSync('*.md'), ...globSync('docs/**/*.md')].sort().map(readPage);
const commands = pages.flatMap((page) => commandsOf(page).map((words) => ({ file: page.file, words })));
const of = (program: string): { file: string; words: string[]; line: string }[] => {
  const calls = commands.filter(({ words }) => words[0] === program);
  const known = new Map(
    calls.map(({ file, words }) => [`${file} ${words.join(' ')}`, { file, words, line: words.join(' ') }]),
  );
  return [...known.values()];
};

let programs: { kubectl: string; helm: string };
let schema: Json;
beforeAll(async () => {
  const { cacheDir } = settingsFrom(process.env);
  programs = await resolvePrograms(['kubectl', 'helm'], { env: process.env, cacheDir, say: () => undefined });
  schema = at(await blueGreenVersion(), 'schema', 'openAPIV3Schema');
}, FIND_HELM_MS);

it('a line is split as a shell splits it', () => {
  expect(wordsOf(`FOO=1 kubectl patch x -p '{"a b":"#"}' && make plugin   # why`)).toEqual([
    ['FOO=1', 'kubectl', 'patch', 'x', '-p', '{"a b":"#"}'],
    ['make', 'plugin'],
  ]);
});

it('every program that a page calls is one that people have', () => {
  const known = ['kubectl', 'helm', 'make', 'npm', 'docker', 'source'];
  expect(
    [...new Set(commands.map(({ words }) => words[0]))].filter((name) => !known.includes(name ?? '')),
  ).toEqual([]);
});

const helps = new Map<string, Promise<string>>();
/** The help of the longest command that the words begin with; a program that does not know it fails. */
async function helpOf(program: 'kubectl' | 'helm', words: string[]): Promise<string> {
  const names = words.slice(0, words.findIndex((word) => !/^[a-z]+$/.test(word)) >>> 0).slice(0, 3);
  const ask = (args: string[]): Promise<string> => {
    const key = [program, ...args].join(' ');
    const known = helps.get(key);
    if (known) return known;
    const asked = run(programs[program], args, { env: { ...process.env, HOME: homedir() } }).then(
      ({ stdout }) => stdout,
    );
    helps.set(key, asked);
    return asked;
  };
  let known = names.slice(0, 1);
  let help = await ask([...known, '--help']);
  for (const name of names.slice(1)) {
    if (!new RegExp(`^\\s+${name}\\s{2,}`, 'm').test(help)) break;
    known = [...known, name];
    help = await ask([...known, '--help']);
  }
  const globals = program === 'kubectl' ? await ask(['options']) : '';
  return help + globals;
}

describe('kubectl and helm', () => {
  const calls = [...of('kubectl').filter(({ words }) => words[1] !== 'sluice'), ...of('helm')];

  it('are called', () => {
    expect(calls.length).toBeGreaterThan(30);
  });

  it.each(calls)('$file: $line', async ({ words }) => {
    // What follows -- is a command of the pod's.
    const [program, ...rest] = words.slice(0, words.indexOf('--') >>> 0);
    const help = await helpOf(program as 'kubectl' | 'helm', rest);
    const long = rest.flatMap((word) => /^--[a-z][a-z-]*/.exec(word) ?? []);
    const short = rest.filter((word) => /^-[a-zA-Z]$/.test(word));
    expect(long.filter((flag) => !new RegExp(`${flag}(?![a-z-])`).test(help))).toEqual([]);
    expect(short.filter((flag) => !new RegExp(`\\s${flag},`).test(help))).toEqual([]);
  });

  it.each(
    of('helm').filter(
      ({ words }) => words.includes('charts/sluice') && /^(install|upgrade)$/.test(words[1] ?? ''),
    ),
  )('$file: the chart takes the values of $line', async ({ words }) => {
    const sets = words.flatMap((word, index) => (word === '--set' ? ['--set', words[index + 1] ?? ''] : []));
    const args = ['template', 'sluice', 'charts/sluice', '--kube-version', '1.34.4', ...sets];
    await expect(
      run(programs.helm, args, { env: { ...process.env, HOME: homedir() } }),
    ).resolves.toBeTruthy();
  });

  it.each(of('kubectl').filter(({ words }) => words[1] === 'patch' && words[2] === 'bluegreen'))(
    '$file: $line fits the resource',
    ({ words }) => {
      const patch = words[words.indexOf('-p') + 1] ?? '';
      expect(faults(JSON.parse(patch) as JsonObject, schema)).toEqual([]);
    },
  );

  it.each(of('kubectl').filter(({ words }) => words[1] === 'explain'))(
    '$file: $line is there',
    ({ words }) => {
      const path = (words[2] ?? '').replace(/^bluegreens?\.?/, '');
      expect(path === '' || hasField(path, schema)).toBe(true);
    },
  );
});

it('triggers that are set are triggers', () => {
  const set = of('kubectl')
    .filter(({ words }) => words[1] === 'annotate')
    .flatMap(({ words }) => words.flatMap((word) => /^(sluice\.dev\/[a-z-]+)=/.exec(word)?.[1] ?? []));
  expect(new Set(set)).toEqual(new Set([ANNOTATION.promote, ANNOTATION.abort, ANNOTATION.retry]));
});

// The name alone is that of the plugin.
it.each(of('kubectl').filter(({ words }) => words[1] === 'sluice' && words.length > 2))(
  '$file: $line',
  async ({ words }) => {
    let acted = 0;
    const said: string[] = [];
    const program = commandLine({
      act: () => Promise.resolve(void (acted += 1)),
      write: () => undefined,
      writeError: (text) => void said.push(text),
      columns: 100,
      version: '',
    });
    await program.parseAsync(words.slice(2), { from: 'user' }).catch((error: unknown) => {
      if (!(error instanceof Error)) throw error;
      said.push(error.message);
    });
    expect({ acted, said }).toEqual({ acted: 1, said: [] });
  },
);

it.each(of('make'))('$file: $line is a target', ({ words }) => {
  const targets = readFileSync('Makefile', 'utf8').matchAll(/^([a-z][a-z -]*):/gm);
  const known = [...targets].flatMap(([, names = '']) => names.split(' '));
  expect(words.slice(1).filter((word) => !word.includes('=') && !known.includes(word))).toEqual([]);
});

it.each(of('npm').filter(({ words }) => words[1] === 'run'))('$file: $line is a script', ({ words }) => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object };
  expect(Object.keys(scripts)).toContain(words.find((word, index) => index > 1 && !word.startsWith('-')));
});
