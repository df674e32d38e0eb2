import { expect, it } from '@jest/globals';
import { childTraceparent, isTraceparent } from '../../webhook/trace.js';

const RANDOM = `${'1'.repeat(32)}${'2'.repeat(16)}`;
const PARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}`;

it.each<{ what: string; parent: string | undefined; child: string }>([
  { what: 'no parent', parent: undefined, child: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` },
  { what: 'a sampled parent', parent: `${PARENT}-01`, child: `00-${'a'.repeat(32)}-${'2'.repeat(16)}-01` },
  { what: 'an unsampled parent', parent: `${PARENT}-00`, child: `00-${'a'.repeat(32)}-${'2'.repeat(16)}-00` },
  {
    what: 'a parent without a trace',
    parent: `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
    child: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
  },
  { what: 'nonsense', parent: 'yes', child: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` },
])('with $what, the child is $child', ({ parent, child }) => {
  expect(childTraceparent(parent, RANDOM)).toBe(child);
  expect(isTraceparent(child)).toBe(true);
});
