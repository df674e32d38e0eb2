import { expect, it } from '@jest/globals';
import { whyTooOld } from '../../plugin/node-version.js';

it.each([
  ['20.20.2', true],
  ['22.18.0', true],
  ['22.19.0', false],
  ['24.0.0', false],
])('Node %s is too old: %s', (version, isTooOld) => expect(whyTooOld(version) !== undefined).toBe(isTooOld));
