import { spawn } from 'node:child_process';

/** A program that writes lines for as long as it is left alone. */
export interface Lines {
  /** In the order in which they came. */
  readonly seen: readonly { atMs: number; text: string }[];
  /** @throws Error when it had ended before: something may have been missed */
  stop(): Promise<void>;
}

/** Starts a program, and notes when each line of its came. */
export function linesOf(
  command: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Lines {
  const child = spawn(command, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const seen: { atMs: number; text: string }[] = [];
  let rest = '';
  let complaint = '';
  let isStopped = false;
  let failure: Error | undefined;
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    const parts = (rest + piece).split('\n');
    rest = parts.pop() ?? '';
    for (const text of parts) seen.push({ atMs: Date.now(), text });
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (complaint += piece));
  const kill = (): boolean => child.kill('SIGTERM');
  process.once('exit', kill);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => (failure = error));
    child.once('close', () => {
      if (!isStopped) failure ??= new Error(`${command} ${words.join(' ')} ended early: ${complaint}`);
      resolve();
    });
  });
  return {
    seen,
    async stop() {
      isStopped = true;
      process.removeListener('exit', kill);
      kill();
      await ended;
      if (failure) throw failure;
    },
  };
}
