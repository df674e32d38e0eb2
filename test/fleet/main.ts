/** The fleet program: see {@link USAGE}. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { mqttDial } from './dial.js';
import { runFleet } from './fleet.js';
import type { FleetRecord } from './records.js';
import { USAGE, UsageError, parseFleetSettings } from './settings.js';
import type { FleetSettings } from './settings.js';

/** Files that the process needs besides its clients' sockets. */
const SPARE_FILES = 100;

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
process.on('SIGINT', () => stop.abort());
// Whoever read the records has gone: what is left to do is to close the connections.
process.stdout.on('error', () => stop.abort());

try {
  const settings = parseFleetSettings(process.argv.slice(2), Date.now());
  if (settings === 'help') process.stdout.write(USAGE);
  else await run(settings);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\nfleet --help says how to use it.\n`);
  process.exitCode = 2;
}

async function run(settings: FleetSettings): Promise<void> {
  const limit = openFilesLimit();
  if (limit < settings.clients + SPARE_FILES) {
    throw new UsageError(
      `${settings.clients} clients need ${settings.clients + SPARE_FILES} open files; the limit is ${limit} (ulimit -n)`,
    );
  }
  if (settings.out !== '') writeFileSync(settings.out, '');
  const write = (record: FleetRecord) => {
    const line = `${JSON.stringify(record)}\n`;
    process.stdout.write(line);
    if (settings.out !== '') appendFileSync(settings.out, line);
  };
  await runFleet(settings, { dial: mqttDial(settings), write, signal: stop.signal });
}

/** Node raises its soft limit to the hard one when it starts, so the limit in force is read from the kernel. */
function openFilesLimit(): number {
  const line = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  const limit = Number(line?.[1]);
  return Number.isNaN(limit) ? Infinity : limit;
}
