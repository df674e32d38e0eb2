import { expect, it } from '@jest/globals';
import { warningsIn } from '../../plugin/kube.js';

it('warnings are read from the header, quotes and commas in them', () => {
  expect(warningsIn('299 - "a \\"b\\", c", 299 - "d"')).toEqual(['a "b", c', 'd']);
  expect(warningsIn(undefined)).toEqual([]);
});
