import { pino, type Logger, type LoggerOptions } from 'pino';

export type { Logger };

/**
 * The program's logger: one JSON object a line on standard output, with a constant message and named values.
 * Secrets are never logged; whoever logs names the values one by one.
 * @param program `webhook`, `controller` or `sidecar`
 * @param level pino's level name; from `SLUICE_LOG_LEVEL`
 * @param to takes each line; standard output if not said
 */
export function makeLogger(
  program: string,
  level = process.env['SLUICE_LOG_LEVEL'] ?? 'info',
  to?: { write(line: string): void },
): Logger {
  const options: LoggerOptions = {
    level,
    base: { program },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  };
  return to ? pino(options, to) : pino(options);
}
