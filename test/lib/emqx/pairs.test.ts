import { describe, expect, it } from '@jest/globals';
import { whyUnlisted } from '../../../lib/emqx/pairs.js';
import { parseVersion } from '../../../lib/emqx/version.js';

describe('may share a cluster', () => {
  const why = (from: string, to: string): string | undefined => {
    const [a, b] = [parseVersion(from), parseVersion(to)];
    if (!a || !b) throw new Error('no version');
    return whyUnlisted(a, b);
  };
  it.each([
    ['5.8.8', '5.8.9'],
    ['5.8.9', '5.8.8'],
    ['5.0.4', '5.9.0'],
    ['5.3.2', '5.9.2'],
    ['5.4.0', '5.10.0'],
    ['5.5.1', '5.6.0'],
    ['5.8.6', '5.9.0'],
    ['5.8.9', '5.10.1'],
    ['5.8.9', '5.10'],
    ['6.0.0', '6.1.0'],
    ['4.4.14', '4.4.24'],
  ])('%s to %s', (from, to) => expect(why(from, to)).toBeUndefined());

  it.each([
    ['4.4.24', '5.8.9', /EMQX 4 and later/],
    ['5.3.2', '5.10.1', /5.9 first/],
    ['5.8.7', '5.9.0', /need 5.9.1/],
    ['5.8.9', '5.10.0', /need 5.10.1/],
    ['5.7.2', '6.0.0', /from 5.8 on/],
    ['5.8.0', '6.0.0', /durable sessions are not carried over/],
    ['5.10.3', '6.2.1', /durable sessions are not carried over/],
    ['5.9.0', '5.8.9', /no way down/],
    ['6.0.0', '5.10.1', /no way down/],
    ['5.10.0', '5.11.0', /does not list/],
    ['6.0.0', '7.0.0', /does not list/],
    ['4.3.1', '4.4.0', /does not list/],
  ])('not %s to %s', (from, to, reason) => expect(why(from, to)).toMatch(reason));
});
