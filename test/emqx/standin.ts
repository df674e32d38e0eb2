import { help } from './help.js';
import { consoleLog, reasonOf } from './log.js';
import { StandIn } from './node.js';
import { readSettings } from './settings.js';

if (process.argv.includes('--help')) {
  process.stdout.write(help);
} else {
  void run();
}

async function run(): Promise<void> {
  try {
    const node = new StandIn(readSettings(process.env), consoleLog);
    const end = () => void node.stop().then(() => process.exit(0));
    process.once('SIGTERM', end);
    process.once('SIGINT', end);
    await node.start();
  } catch (error) {
    consoleLog('error', 'cannot_start', { reason: reasonOf(error) });
    process.exit(1);
  }
}
