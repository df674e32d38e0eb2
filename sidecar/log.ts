/** What the sidecar's modules log with: a constant message and named values. Pino's own logger fits too. */
export interface Log {
  info: Say;
  warn: Say;
  error: Say;
}

interface Say {
  (message: string): void;
  (values: object, message: string): void;
}

/** In order; a level lets itself and those after it through. */
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * Writes the same lines as `lib/log.ts`, without pino: it would be 2 MB in every EMQX pod.
 * @param level pino's level name; any other counts as `info`
 */
export function makeLog(
  program: string,
  level: string | undefined,
  write: (line: string) => void = (line) => void process.stdout.write(line),
): Log {
  const least = LEVELS.includes(level ?? '') ? LEVELS.indexOf(level ?? '') : LEVELS.indexOf('info');
  const say =
    (name: 'info' | 'warn' | 'error'): Say =>
    (values: object | string, message?: string) => {
      if (LEVELS.indexOf(name) < least) return;
      const [named, msg] = typeof values === 'string' ? [{}, values] : [values, message];
      const line = { level: name, time: new Date().toISOString(), program, ...named, msg };
      write(
        `${JSON.stringify(line, (_key, value: unknown) => (value instanceof Error ? plain(value) : value))}\n`,
      );
    };
  return { info: say('info'), warn: say('warn'), error: say('error') };
}

/** What JSON would leave out of an error. */
function plain(error: Error): object {
  const { name, message, stack, cause } = error;
  return { ...error, type: name, message, stack, ...(cause === undefined ? {} : { cause }) };
}
