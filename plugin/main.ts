#!/usr/bin/env node
/** `kubectl sluice`: kubectl runs the program of this name on the PATH. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from './failure.js';
import { whyTooOld } from './node-version.js';
import { run } from './run.js';
import { screenOn } from './screen.js';

// A reader that has seen enough, such as `head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});
// Nothing is half done when the user has had enough.
process.on('SIGINT', () => process.exit(130));

process.exitCode = await main().catch((error: unknown) => {
  console.error(error);
  return EXIT.notAsked;
});

async function main(): Promise<number> {
  const tooOld = whyTooOld(process.versions.node);
  if (tooOld !== undefined) {
    console.error(`error: ${tooOld}`);
    return EXIT.notAsked;
  }
  const words = process.argv.slice(2);
  // kubectl asks the program of this other name when a shell completes `kubectl sluice`.
  const isCompletion = basename(process.argv[1] ?? '').startsWith('kubectl_complete');
  return run(isCompletion ? ['__complete', ...words] : words, {
    screen: screenOn(process.stdout, process.env),
    writeError: (text) => void process.stderr.write(text),
    pause: async (ms) => {
      await sleep(ms);
    },
    version: versionOf(),
  });
}

/** Of the package: its description lies beside the bundled program. */
function versionOf(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}
