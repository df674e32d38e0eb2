/** One line a happening, on standard output, in the manner of EMQX's console log. */
export type Log = (
  level: 'info' | 'warning' | 'error',
  message: string,
  values?: Readonly<Record<string, unknown>>,
) => void;

export const consoleLog: Log = (level, message, values = {}) => {
  const rest = Object.entries(values).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  process.stdout.write(`${new Date().toISOString()} [${level}] ${[`msg: ${message}`, ...rest].join(', ')}\n`);
};

/** The text of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
