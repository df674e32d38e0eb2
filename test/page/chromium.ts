import { chromium, type Browser } from 'playwright-core';
import { ensurePackages } from '../cluster/packages.js';

/** Opens Debian's Chromium, installed first where it is not there; `CHROMIUM` names another. */
export async function openBrowser(): Promise<Browser> {
  const named = process.env['CHROMIUM'];
  if (named === undefined)
    await ensurePackages(process.env, (line) => void process.stderr.write(`${line}\n`));
  return chromium.launch({
    executablePath: named ?? '/usr/bin/chromium',
    // Root has no sandbox, and all that is opened is our own.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}
