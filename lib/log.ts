import { pino, type Logger } from 'pino';

export type { Logger };

/**
 * The program's logger: one JSON object a line on standard output, with a constant message and named values.
 * Secrets are never logged; whoever logs names the values one by one.
 * @param program `webhook`, `controller` or `sidecar`
 * @param level pino's level name; from `SLUICE_LOG_LEVEL`
 */
export function makeLogger(program: string, level = process.env['SLUICE_LOG_LEVEL'] ?? 'info'): Logger {
  return pino({
    level,
    base: { program },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  });
}
