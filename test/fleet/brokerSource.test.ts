import { describe, expect, it } from '@jest/globals';
import { firstOf } from './brokerSource.js';
import type { BrokerEvent, BrokerSource } from './brokerSource.js';

const connects = (count: number): BrokerEvent[] => [
  { kind: 'broker-connects', fromMs: 1, atMs: 1, pod: 'emqx-0', count },
];
/** Gives what it has, a call at a time; `undefined` is a refusal. */
function sourceOf(...answers: (BrokerEvent[] | undefined)[]): BrokerSource {
  return () => {
    const answer = answers.shift();
    return answer ? Promise.resolve(answer) : Promise.reject(new Error('refused'));
  };
}

describe('firstOf', () => {
  it('stays with the preferred source once it has answered', async () => {
    const source = firstOf(sourceOf(connects(1), undefined, connects(2)), sourceOf(connects(9)));
    expect(await source()).toEqual(connects(1));
    await expect(source()).rejects.toThrow('refused');
    expect(await source()).toEqual(connects(2));
  });

  it('takes the other where the preferred one is missing', async () => {
    const source = firstOf(sourceOf(undefined, undefined, connects(1)), sourceOf([], connects(9)));
    expect(await source()).toEqual([]);
    expect(await source()).toEqual(connects(9));
  });

  it('decides nothing about a node that answers nobody', async () => {
    const source = firstOf(sourceOf(undefined, connects(1)), sourceOf(undefined));
    await expect(source()).rejects.toThrow('refused');
    expect(await source()).toEqual(connects(1));
  });

  it('is not taken in by a node that starts between the two questions', async () => {
    const source = firstOf(sourceOf(undefined, connects(1), connects(2)), sourceOf(connects(9), connects(9)));
    expect(await source()).toEqual(connects(1));
    expect(await source()).toEqual(connects(2));
  });
});
