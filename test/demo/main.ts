/** `make demo`: see {@link DEMO_USAGE}. */
import { reportTable } from '../fleet/table.js';
import { GivenError } from '../cluster/index.js';
import { runDemo } from './demo.js';
import { terminalOn } from './live.js';
import { DEMO_USAGE, DemoSettingsError, demoSettings } from './settings.js';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
}

const { stdout, stderr } = process;
const { say, show } = terminalOn({
  write: (text) => stderr.write(text),
  isTerminal: stderr.isTTY,
  columns: () => stderr.columns ?? 120,
});

try {
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) stdout.write(DEMO_USAGE);
  else {
    const settings = demoSettings(process.env);
    const report = await runDemo(settings, {
      env: process.env,
      say,
      show,
      signal: stop.signal,
    });
    stdout.write(reportTable(report, stdout.isTTY));
    say(`${settings.outDir}/report.json`);
    for (const broken of report.brokenPromises) say(`broken promise: ${broken}`);
    process.exitCode = report.brokenPromises.length === 0 ? 0 : 1;
  }
} catch (error) {
  const isUsers = error instanceof DemoSettingsError || error instanceof GivenError;
  say(isUsers ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = isUsers ? 2 : 1;
}
