/** `make bench`: see {@link BENCH_USAGE}. */
import { runBench } from './bench.js';
import { BENCH_USAGE, benchSettings, BenchSettingsError } from './settings.js';
import { benchTable } from './table.js';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
}

const { stdout, stderr } = process;
const say = (line: string): void => void stderr.write(`${line}\n`);

try {
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) stdout.write(BENCH_USAGE);
  else {
    const settings = benchSettings(process.env);
    const report = await runBench(settings, { say, signal: stop.signal });
    stdout.write(benchTable(report));
    say(`${settings.outDir}/report.json`);
    for (const missed of report.missed) say(`missed: ${missed}`);
    process.exitCode = report.missed.length === 0 && report.failures.length === 0 ? 0 : 1;
  }
} catch (error) {
  const isUsers = error instanceof BenchSettingsError;
  say(isUsers ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = isUsers ? 2 : 1;
}
