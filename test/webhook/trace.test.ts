import { expect, it } from '@jest/globals';
import { begunBy, type Begun } from '../../webhook/trace.js';

const RANDOM = `${'1'.repeat(32)}${'2'.repeat(16)}`;
const PARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}`;
const NEW = { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` };
const CONTINUED = { traceparent: `00-${'a'.repeat(32)}-${'2'.repeat(16)}-01` };

it.each<{ what: string; parent: string | undefined; begun: Begun }>([
  { what: 'no parent', parent: undefined, begun: NEW },
  { what: 'a sampled parent', parent: `${PARENT}-01`, begun: { ...CONTINUED, parentSpan: 'b'.repeat(16) } },
  { what: 'a parent that nobody records', parent: `${PARENT}-00`, begun: CONTINUED },
  { what: 'a parent without a trace', parent: `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`, begun: NEW },
  { what: 'a parent without a span', parent: `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`, begun: NEW },
  { what: 'nonsense', parent: 'yes', begun: NEW },
])('with $what, a request begins $begun.traceparent', ({ parent, begun }) => {
  expect(begunBy(parent, RANDOM)).toEqual(begun);
});
