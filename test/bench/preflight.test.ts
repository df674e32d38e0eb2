import { describe, expect, it } from '@jest/globals';
import { readAnswer, type ReviewAnswer } from './ask.js';
import { isSameAnswer } from './preflight.js';

const trace = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
const answer = (ops: unknown[], parts: Partial<ReviewAnswer> = {}): ReviewAnswer => ({
  uid: '1',
  isAllowed: true,
  ops,
  warnings: ['moved'],
  ...parts,
});
const op = (value: unknown) => ({ op: 'add', path: '/metadata/annotations', value });

describe('isSameAnswer', () => {
  it('does not mind fresh trace ids, nor the order of keys', () => {
    const other = answer([{ value: { b: '1', a: trace('b') }, path: '/metadata/annotations', op: 'add' }]);
    expect(isSameAnswer(answer([op({ a: trace('a'), b: '1' })]), other)).toBe(true);
  });

  it.each([
    ['another value', answer([op({ a: '2' })])],
    ['no trace', answer([op({})])],
    ['another operation', answer([{ ...op({ a: '1' }), op: 'replace' }])],
    ['one more', answer([op({ a: '1' }), op({ a: '1' })])],
    ['another warning', answer([op({ a: '1' })], { warnings: [] })],
    ['a refusal', answer([op({ a: '1' })], { isAllowed: false })],
  ])('sees %s', (_what, other) => expect(isSameAnswer(answer([op({ a: '1' })]), other)).toBe(false));
});

describe('readAnswer', () => {
  it('decodes the patch', () => {
    const patch = Buffer.from('[{"op":"remove","path":"/a"}]').toString('base64');
    const body = JSON.stringify({ response: { uid: '1', allowed: true, patchType: 'JSONPatch', patch } });
    expect(readAnswer(body)).toEqual(answer([{ op: 'remove', path: '/a' }], { warnings: [] }));
  });

  it('refuses what is no AdmissionReview', () => {
    expect(() => readAnswer('{"message":"no"}')).toThrow('no AdmissionReview');
  });
});
