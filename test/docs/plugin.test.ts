import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { DOCS, withCommands } from '../../scripts/plugin.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

it(`${DOCS} has the help of every command; npm run plugin writes it`, () => {
  const documentation = readFileSync(join(ROOT, DOCS), 'utf8');
  expect(documentation).toBe(withCommands(documentation));
});
