import { CommanderError } from '@commander-js/extra-typings';
import { commandLine } from './command-line.js';
import { cobraText, completionScript, offerFor } from './completion.js';
import { asText } from './data.js';
import { EXIT, Failure } from './failure.js';
import { get } from './get.js';
import { historyOf } from './history.js';
import { connect, KubeError, type Kube } from './kube.js';
import { findingLines, lint } from './lint.js';
import { readManifests } from './manifests.js';
import { harmless, type Line } from './paint.js';
import { setPaused } from './pausing.js';
import { planEach } from './plan-files.js';
import { readView, readViews } from './read.js';
import type { Action, Asking, Output, Place, Request } from './request.js';
import { print, type Screen } from './screen.js';
import { waitForEnd } from './status.js';
import { restart, undo } from './templates.js';
import { traceLines, traceOf } from './trace.js';
import { pull } from './triggers.js';
import type { View } from './view.js';

/** What the program has of the world. */
export interface World {
  screen: Screen;
  /** Text on the standard error. */
  writeError: (text: string) => void;
  pause: (ms: number) => Promise<void>;
  version: string;
}

/**
 * Does what a command line asks for.
 * @param argv without the program's name
 * @returns the exit code, see {@link EXIT}
 */
export async function run(argv: readonly string[], given: World): Promise<number> {
  const world: World = { ...given, writeError: (text) => given.writeError(harmless(text)) };
  const { screen, writeError, version } = world;
  let code: number = EXIT.ok;
  const act = async (request: Request): Promise<void> => {
    code = await obey(request, world);
  };
  const columns = screen.columns();
  const program = commandLine({ act, write: screen.write, writeError, columns, version });
  if (argv[0] === '__complete') {
    const offer = offerFor(program, argv.slice(1));
    const words = offer.kind === 'words' ? offer.words : offer.kind === 'names' ? await namesFor(argv) : [];
    screen.write(`${cobraText(words, argv.at(-1) ?? '', offer.kind === 'files')}\n`);
    return EXIT.ok;
  }
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv.map(asFlag), { from: 'user' });
    return code;
  } catch (error) {
    // It has said what is wrong, or shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.notAsked;
    if (!(error instanceof Failure) && !(error instanceof KubeError)) throw error;
    writeError(`error: ${error.message}\n`);
    if (error instanceof Failure) return error.code;
    return error.status === 409 || error.status === 422 ? EXIT.no : EXIT.notAsked;
  }
}

/** As kubectl's own flags are written: `--watch=false`. */
function asFlag(word: string): string {
  return word.replace(/^--watch=false$/, '--no-watch').replace(/^(--[a-z-]+)=true$/, '$1');
}

async function obey(request: Request, { screen, pause, writeError }: World): Promise<number> {
  if (request.kind === 'completion') {
    screen.write(`${completionScript(request.shell)}\n`);
    return EXIT.ok;
  }
  if (request.kind === 'lint') {
    const findings = lint(readManifests(request.files), request);
    answer(screen, request.output, findings, () => findingLines(findings));
    return findings.some(({ severity }) => severity === 'error') ? EXIT.no : EXIT.ok;
  }
  return ask(request, { screen, pause, writeError, kube: await connected(request.place, writeError) });
}

type Tools = Pick<World, 'screen' | 'pause' | 'writeError'> & { kube: Kube };

async function ask(request: Asking, tools: Tools): Promise<number> {
  const { screen, pause, kube } = tools;
  const look = (): Promise<View> => readView(kube, { namespace: kube.namespace, ...nameIn(request) });
  switch (request.kind) {
    case 'get':
      await get(request, tools);
      return EXIT.ok;
    case 'status':
      return waitForEnd(
        { look, pause, now: () => performance.now(), say: (line) => screen.write(`${harmless(line)}\n`) },
        request,
      );
    case 'history': {
      const view = await look();
      const { upgrade = null, history = [] } = view.status;
      const shape = { isWide: request.output === 'wide', hasSteps: request.steps };
      answer(screen, request.output, { upgrade, history }, () => historyOf(view, shape));
      return EXIT.ok;
    }
    case 'trace': {
      const trace = traceOf(await look(), request.link);
      answer(screen, request.output, trace, () => traceLines(trace));
      return EXIT.ok;
    }
    case 'plan': {
      const { data, lines } = await planEach(kube, request);
      answer(screen, request.output, data, () => lines);
      return EXIT.ok;
    }
    case 'pause':
    case 'resume':
    case 'promote':
    case 'abort':
    case 'retry':
    case 'restart':
    case 'undo':
      screen.write(`${harmless(await change(request, { kube, view: await look(), pause }))}\n`);
      return EXIT.ok;
  }
}

function change(
  request: Action,
  { kube, view, pause }: { kube: Kube; view: View; pause: World['pause'] },
): Promise<string> {
  switch (request.kind) {
    case 'pause':
    case 'resume':
      return setPaused(kube, view, request.kind === 'pause');
    case 'promote':
    case 'abort':
    case 'retry':
      return pull(kube, { trigger: request.kind, before: view, pause });
    case 'restart':
      return restart(kube, view, new Date().toISOString());
    case 'undo':
      return undo(kube, view, request.to);
  }
}

/** Data for programs, or the same in words. */
function answer(screen: Screen, output: Output, data: unknown, inWords: () => readonly Line[]): void {
  const text = asText(data, output);
  if (text === undefined) print(screen, inWords());
  else screen.write(`${text}\n`);
}

function connected(place: Place, writeError: World['writeError']): Promise<Kube> {
  return connect(place, (text) => writeError(`Warning: ${text}\n`));
}

function nameIn(request: Asking): { name?: string } {
  return 'name' in request && request.name !== undefined ? { name: request.name } : {};
}

/** Names that a shell may offer; whatever goes wrong, there is only nothing to offer. */
async function namesFor(words: readonly string[]): Promise<string[]> {
  const valueOf = (...options: string[]): string | undefined => {
    const at = words.findIndex((word) => options.includes(word));
    return at === -1 ? undefined : words[at + 1];
  };
  try {
    const kube = await connect(
      {
        namespace: valueOf('-n', '--namespace'),
        context: valueOf('--context'),
        kubeconfig: valueOf('--kubeconfig'),
      },
      () => undefined,
    );
    return (await readViews(kube, { namespace: kube.namespace })).map(({ name }) => name);
  } catch {
    return [];
  }
}
