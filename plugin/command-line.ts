import { Argument, Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { SHELLS, type Named, type Place, type Request } from './request.js';

export interface CommandLineTools {
  /** Does what was asked for. */
  act: (request: Request) => Promise<void>;
  /** To the standard output: help, the version. */
  write: (text: string) => void;
  /** To the standard error: what is wrong with the command line. */
  writeError: (text: string) => void;
  /** Width of the help; Infinity where it is no terminal. */
  columns: number;
  version: string;
}

/**
 * Every command of `kubectl sluice`; its help, its completion and docs/kubectl-sluice.md are made from this. `parseAsync` rejects with a
 * `CommanderError` where the words make no sense, and also after it has shown help.
 */
export function commandLine({ act, write, writeError, columns, version }: CommandLineTools) {
  const program = new Command('kubectl sluice')
    .description('Follow and steer blue-green upgrades of EMQX StatefulSets.')
    .option('-n, --namespace <namespace>', "namespace (default: the context's)")
    .option('--context <context>', 'context of the kubeconfig')
    .option('--kubeconfig <file>', 'kubeconfig (default: $KUBECONFIG, else ~/.kube/config)')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'this text')
    .helpCommand('help [command]', 'what a command does')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: write,
      writeErr: writeError,
      getOutHelpWidth: () => Math.min(columns, HELP_WIDTH),
      getErrHelpWidth: () => Math.min(columns, HELP_WIDTH),
    })
    .exitOverride()
    .addHelpText(
      'after',
      textOf(
        'Exit codes:',
        '0  done',
        '1  no: refused, failed, or faults found',
        '2  could not be asked: a wrong command line, no cluster, no such object',
        '3  not over yet',
      ),
    );
  program.showHelpAfterError('see kubectl sluice --help, or kubectl sluice COMMAND --help');

  program
    .command('get')
    .summary('Show an upgrade as a tree, live with -w')
    .description('Show an upgrade as a tree: the StatefulSet, its revision sets, their nodes')
    .argument('[name]', NAME, withoutKind)
    .option('-A, --all-namespaces', 'every namespace, a line for each StatefulSet')
    .option('-w, --watch', 'go on showing it until interrupted')
    .addOption(new Option('-o, --output <format>', 'how to write it').choices(FORMATS))
    .addHelpText(
      'after',
      textOf(
        'Without a name: the tree of the only one in the namespace, or a line for each.',
        'Clients and sessions are as EMQX counts them; the time left is what rates, waits and counts demand.',
      ) + examples('get', 'get emqx -w', 'get -A', 'get emqx -o json'),
    )
    .action((name, { allNamespaces = false, watch = false, output }, command) =>
      act({
        kind: 'get',
        place: placeOf(command),
        name,
        everywhere: allNamespaces,
        watch,
        output: output ?? 'text',
      }),
    );

  program
    .command('status')
    .description('Wait until what was asked for is done')
    .argument('[name]', NAME, withoutKind)
    .option('--timeout <time>', 'give up waiting after 90s, 10m, 1h … (default: never)', timeOf)
    .option('--no-watch', 'look once, do not wait')
    .addHelpText(
      'after',
      textOf(
        'Exit codes:',
        '0  done',
        '1  failed, aborted, or a person has to act',
        '2  could not be asked',
        '3  the time is up; with --no-watch: not over yet',
      ) +
        textOf('It goes on waiting while the upgrade is paused, or is to be promoted by a person.') +
        examples('status emqx --timeout=15m', 'status emqx --no-watch'),
    )
    .action((name, { watch, timeout = Infinity }, command) =>
      act({ kind: 'status', place: placeOf(command), name, watch, timeoutMs: timeout }),
    );

  program
    .command('history')
    .summary('List upgrades, the latest first')
    .description('List the upgrade in progress and those that have ended, the latest first')
    .argument('[name]', NAME, withoutKind)
    .addOption(new Option('-o, --output <format>', 'how to write it').choices(FORMATS))
    .option(
      '--steps',
      'each with what was done when: its phases, and the start, drain and leave of each node',
    )
    .addHelpText('after', examples('history emqx', 'history emqx --steps', 'history emqx -o wide'))
    .action((name, { output, steps = false }, command) =>
      act({ kind: 'history', place: placeOf(command), name, output: output ?? 'text', steps }),
    );

  program
    .command('trace')
    .summary('Tell under which id an upgrade is traced')
    .description('Tell under which id the upgrade in progress, else the latest one, is traced')
    .argument('[name]', NAME, withoutKind)
    .addOption(
      new Option('--link <url>', 'address of a trace in your tracing tool, with {id} in place of its id').env(
        'SLUICE_TRACE_LINK',
      ),
    )
    .addOption(new Option('-o, --output <format>', 'how to write it').choices(DATA_FORMATS))
    .addHelpText('after', examples('trace emqx', "trace emqx --link 'https://jaeger.example.com/trace/{id}'"))
    .action((name, { link, output }, command) =>
      act({ kind: 'trace', place: placeOf(command), name, link, output: output ?? 'text' }),
    );

  const action = (kind: Named, summary: string, description = summary) =>
    program
      .command(kind)
      .summary(summary)
      .description(description)
      .argument('<name>', NAME, withoutKind)
      .addHelpText('after', examples(`${kind} emqx`))
      .action((name, _, command) => act({ kind, place: placeOf(command), name }));

  action('pause', 'Take no further step', 'Take no further step; nothing that runs already is undone');
  action('resume', 'Go on after a pause');
  action(
    'promote',
    'Switch to the new revision',
    'Switch the Services to the new revision, where spec.promotion.auto is false',
  );
  action(
    'abort',
    'Give the upgrade in progress up',
    'Refuse the revision that is being upgraded to; what it was to replace serves on',
  );
  action('retry', 'Try an aborted upgrade, or a drain that took too long, once more');
  action(
    'restart',
    'Replace every node by a new one',
    'Replace every node by a new one, which is an upgrade like any other',
  );

  program
    .command('undo')
    .summary('Go back to an earlier template')
    .description('Give the StatefulSet an earlier template again, which is an upgrade like any other')
    .argument('<name>', NAME, withoutKind)
    .option('--to <revision>', 'its hash, or the name of its set (default: the one before the present one)')
    .addHelpText(
      'after',
      textOf('kubectl sluice get lists the revisions that are kept.') +
        examples('undo emqx', 'undo emqx --to q4cb5ftws'),
    )
    .action((name, { to }, command) => act({ kind: 'undo', place: placeOf(command), name, to }));

  program
    .command('plan')
    .summary('Tell what applying files would do: upgrade or not, how long, how many pods')
    .description(
      'Tell what applying files would do: whether it starts an upgrade, why, how long, how many pods',
    )
    .requiredOption('-f, --filename <file...>', 'manifests; - reads the standard input')
    .option('--server-side', 'as kubectl apply --server-side would do it')
    .addOption(new Option('-o, --output <format>', 'how to write it').choices(DATA_FORMATS))
    .addHelpText(
      'after',
      textOf('The API server is asked by kubectl apply --dry-run=server: nothing is changed.') +
        examples('plan -f emqx.yaml', 'plan -f - < emqx.yaml'),
    )
    .action(({ filename, serverSide = false, output }, command) =>
      act({ kind: 'plan', place: placeOf(command), files: filename, serverSide, output: output ?? 'text' }),
    );

  program
    .command('lint')
    .summary('Check manifests, without a cluster')
    .description('Check manifests for what Sluice refuses or does not do as one might think; asks no cluster')
    .requiredOption('-f, --filename <file...>', 'manifests; - reads the standard input')
    .option('--from <image>', 'image, or version, that runs now: whether both may share a cluster is checked')
    .addOption(new Option('-o, --output <format>', 'how to write it').choices(DATA_FORMATS))
    .addHelpText(
      'after',
      textOf('Exit codes:', '0  no error (there may be warnings)', '1  errors') +
        examples('lint -f emqx.yaml bluegreen.yaml', 'lint -f emqx.yaml --from emqx/emqx-enterprise:5.8.8'),
    )
    .action(({ filename, from, output }) =>
      act({ kind: 'lint', files: filename, from, output: output ?? 'text' }),
    );

  program
    .command('completion')
    .description('Print a completion script')
    .addArgument(new Argument('<shell>', 'whose script').choices(SHELLS))
    .addHelpText(
      'after',
      textOf(
        'It completes kubectl-sluice. kubectl sluice is completed by kubectl itself, which asks the program',
        'kubectl_complete-sluice; it is installed beside this one.',
      ) + examples('completion bash > /etc/bash_completion.d/kubectl-sluice'),
    )
    .action((shell) => act({ kind: 'completion', shell }));

  return program;
}

/** Longer lines are hard to read. */
const HELP_WIDTH = 100;
const NAME = 'the StatefulSet; statefulset/NAME and bluegreen/NAME are taken too';
const FORMATS = ['json', 'yaml', 'wide'] as const;
const DATA_FORMATS = ['json', 'yaml'] as const;

function textOf(...lines: string[]): string {
  const [first = '', ...rest] = lines;
  return first.endsWith(':')
    ? `\n${[first, ...rest.map((line) => `  ${line}`)].join('\n')}\n`
    : `\n${lines.join('\n')}\n`;
}

function examples(...words: string[]): string {
  return textOf('Examples:', ...words.map((each) => `kubectl sluice ${each}`));
}

function placeOf(command: { optsWithGlobals(): Place }): Place {
  const { namespace, context, kubeconfig } = command.optsWithGlobals();
  return { namespace, context, kubeconfig };
}

/** Kinds that may stand before the name, as kubectl's own commands take them. */
function withoutKind(name: string): string {
  return name.replace(/^(statefulsets?|sts|bluegreens?|bg)(\.[a-z0-9.]+)?\//, '');
}

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `90s`, `1h30m`, or seconds alone; 0 means never, as kubectl has it. */
function timeOf(text: string): number {
  if (!/^(\d+|(\d+[smh])+)$/.test(text))
    throw new InvalidArgumentError('It is a time such as 90s, 10m or 1h.');
  const parts = text.matchAll(/(\d+)([smh]?)/g);
  const ms = [...parts].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit || 's'] ?? 0),
    0,
  );
  return ms === 0 ? Infinity : ms;
}
