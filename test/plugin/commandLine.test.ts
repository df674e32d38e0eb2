import { describe, expect, it } from '@jest/globals';
import { commandLine } from '../../plugin/command-line.js';
import { cobraText, offerFor, type Offer } from '../../plugin/completion.js';
import type { Request } from '../../plugin/request.js';

/** What a command line asks for, and what is said about it. */
async function read(...words: string[]): Promise<{ request?: Request; said: string }> {
  let request: Request | undefined;
  let said = '';
  const say = (text: string): void => {
    said += text;
  };
  const act = (asked: Request): Promise<void> => {
    request = asked;
    return Promise.resolve();
  };
  const program = commandLine({ act, write: say, writeError: say, columns: 80, version: '1.2.3' });
  await program.parseAsync(words, { from: 'user' }).catch(() => undefined);
  return { said, ...(request && { request }) };
}

const program = commandLine({
  act: () => Promise.resolve(),
  write: () => undefined,
  writeError: () => undefined,
  columns: 80,
  version: '1.2.3',
});
const names = program.commands.map((command) => command.name());

describe('the command line', () => {
  it.each<[string, object]>([
    ['get', { kind: 'get', place: {}, everywhere: false, output: 'text', watch: false }],
    ['-n mqtt get emqx -w', { kind: 'get', place: { namespace: 'mqtt' }, name: 'emqx', watch: true }],
    ['get -A -o wide', { kind: 'get', everywhere: true, output: 'wide' }],
    [
      'get sts/emqx --context a --kubeconfig b',
      { kind: 'get', name: 'emqx', place: { context: 'a', kubeconfig: 'b' } },
    ],
    ['status', { kind: 'status', watch: true, timeoutMs: Infinity }],
    ['status emqx --no-watch --timeout 1h30m', { kind: 'status', watch: false, timeoutMs: 5_400_000 }],
    ['status --timeout=90', { kind: 'status', timeoutMs: 90_000 }],
    ['status --timeout=0s', { kind: 'status', timeoutMs: Infinity }],
    ['history emqx -o yaml', { kind: 'history', name: 'emqx', output: 'yaml' }],
    ['trace --link https://traces/{id}', { kind: 'trace', link: 'https://traces/{id}', output: 'text' }],
    ['pause bluegreen.sluice.dev/emqx', { kind: 'pause', name: 'emqx' }],
    ['restart emqx -n mqtt', { kind: 'restart', name: 'emqx', place: { namespace: 'mqtt' } }],
    ['undo emqx --to bcdfghjkl', { kind: 'undo', name: 'emqx', to: 'bcdfghjkl' }],
    [
      'plan -f a.yaml --filename b.yaml --server-side',
      { kind: 'plan', files: ['a.yaml', 'b.yaml'], serverSide: true },
    ],
    ['lint -f - --from 5.8.8', { kind: 'lint', files: ['-'], from: '5.8.8' }],
    ['completion zsh', { kind: 'completion', shell: 'zsh' }],
  ])('%s', async (text, request) => {
    expect((await read(...text.split(' '))).request).toMatchObject(request);
  });

  it.each([
    ['frob', "error: unknown command 'frob'"],
    ['histroy', 'Did you mean history?'],
    ['get --frob', "error: unknown option '--frob'"],
    ['get a b', "error: too many arguments for 'get'"],
    ['pause', "error: missing required argument 'name'"],
    ['lint', "error: required option '-f, --filename <file...>' not specified"],
    ['pause emqx -w', "error: unknown option '-w'"],
    ['get -o table', 'Allowed choices are json, yaml, wide.'],
    ['status --timeout soon', 'It is a time such as 90s, 10m or 1h.'],
    ['completion tcsh', 'Allowed choices are bash, zsh, fish.'],
  ])('%s is refused', async (text, message) => {
    const { said, request } = await read(...text.split(' '));
    expect(request).toBeUndefined();
    expect(said).toContain(message);
    expect(said).toContain('see kubectl sluice --help');
  });
});

describe('help', () => {
  it('of the program names every command', async () => {
    const { said } = await read('--help');
    for (const name of names) expect(said).toContain(`\n  ${name} `);
  });

  it.each(names)('of %s has its usage, the place, and examples that are understood', async (name) => {
    const { said } = await read(name, '--help');
    expect(said).toContain(`Usage: kubectl sluice ${name} [options]`);
    expect(said).toContain('--kubeconfig <file>');
    const examples = said.slice(said.indexOf('Examples:')).match(/kubectl sluice .*/g) ?? [];
    expect(examples).not.toHaveLength(0);
    for (const example of examples) {
      const [own = ''] = example.replace('kubectl sluice ', '').split(/ [<>] /);
      expect((await read(...own.split(' '))).request?.kind).toBe(name);
    }
  });
});

describe('completion', () => {
  it.each<[string[], Offer]>([
    [[''], { kind: 'words', words: names }],
    [['-n', 'mqtt', 'get', ''], { kind: 'names' }],
    [['get', 'emqx', ''], { kind: 'words', words: [] }],
    [['get', '-o', ''], { kind: 'words', words: ['json', 'yaml', 'wide'] }],
    [['trace', '-o', ''], { kind: 'words', words: ['json', 'yaml'] }],
    [['plan', '-f', 'em'], { kind: 'files' }],
    [['get', '--kubeconfig', ''], { kind: 'files' }],
    [['completion', ''], { kind: 'words', words: ['bash', 'zsh', 'fish'] }],
    [
      ['undo', '--'],
      { kind: 'words', words: ['--to', '--namespace', '--context', '--kubeconfig', '--help'] },
    ],
  ])('after %j', (words, offer) => expect(offerFor(program, words)).toEqual(offer));

  it('is written as cobra does', () => {
    expect(cobraText(['pause', 'plan', 'get'], 'p', false)).toBe('pause\nplan\n:4');
    expect(cobraText([], '', true)).toBe(':0');
  });
});
