import { spawn } from 'node:child_process';

/** How a command ended. `code` is -1 when a signal ended it. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The command is killed after this; it then counts as ended by a signal. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Called with each piece of output as it comes. */
  readonly onOutput?: (piece: string) => void;
}

/** A command that could not be started, or ended with another code than 0. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  constructor(
    readonly command: string,
    readonly finished: Finished,
  ) {
    const said = (finished.stderr.trim() || finished.stdout.trim()).slice(-4000);
    super(`\`${command}\` ended with ${finished.code}: ${said || '(no output)'}`);
  }
}

/** Runs a command to its end, however it ends. @throws CommandError when it cannot be started */
export function tryRun(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const { promise, resolve, reject } = Promise.withResolvers<Finished>();
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    ...(options.env && { env: options.env }),
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs }),
    ...(options.signal && { signal: options.signal }),
  });
  const out: string[] = [];
  const err: string[] = [];
  for (const [stream, pieces] of [
    [child.stdout, out],
    [child.stderr, err],
  ] as const) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      pieces.push(piece);
      options.onOutput?.(piece);
    });
  }
  child.on('error', (cause) => {
    reject(new CommandError(command, { code: -1, stdout: '', stderr: cause.message }));
  });
  child.on('close', (code) => {
    resolve({ code: code ?? -1, stdout: out.join(''), stderr: err.join('') });
  });
  // A command may end without reading what it is given.
  child.stdin.on('error', () => undefined).end(options.stdin ?? '');
  return promise;
}

/** Runs a command to its end. @returns what it wrote to its output @throws CommandError unless it ends with 0 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const finished = await tryRun(command, args, options);
  if (finished.code !== 0) throw new CommandError([command, ...args].join(' '), finished);
  return finished.stdout;
}
