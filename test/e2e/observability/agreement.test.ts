import { describe, expect, it } from '@jest/globals';
import { countsIn, disagreements, missing, phasesIn, type Reading } from './agreement.js';

const truth: Reading[] = [
  { atMs: 10_000, phase: 'Delaying', clientsLeft: 300 },
  { atMs: 15_000, phase: 'Draining', clientsLeft: 300 },
  { atMs: 16_000, phase: 'Draining', clientsLeft: 260 },
  { atMs: 17_000, phase: 'Stable', clientsLeft: 0 },
];
const wrong = (...readings: Reading[]): Reading[] => disagreements(truth, readings, 1_000);

describe('a tool', () => {
  it.each<{ what: string; reading: Reading }>([
    { what: 'what is so', reading: { atMs: 16_500, phase: 'Draining', clientsLeft: 260 } },
    { what: 'what was so a poll ago', reading: { atMs: 16_900, phase: 'Draining', clientsLeft: 300 } },
    { what: 'what others hear a poll later', reading: { atMs: 15_100, phase: 'Draining', clientsLeft: 260 } },
    { what: 'the phase alone', reading: { atMs: 12_000, phase: 'Delaying' } },
    { what: 'the end', reading: { atMs: 60_000, phase: 'Stable', clientsLeft: 0 } },
  ])('may show $what', ({ reading }) => expect(wrong(reading)).toEqual([]));

  it.each<{ what: string; reading: Reading }>([
    { what: 'another count', reading: { atMs: 16_500, phase: 'Draining', clientsLeft: 280 } },
    { what: 'a count of long ago', reading: { atMs: 17_500, phase: 'Draining', clientsLeft: 300 } },
    { what: 'another phase', reading: { atMs: 12_000, phase: 'Draining' } },
    {
      what: "one moment's phase with another's count",
      reading: { atMs: 17_100, phase: 'Stable', clientsLeft: 260 },
    },
    {
      what: 'anything before there was anything',
      reading: { atMs: 8_000, phase: 'Delaying', clientsLeft: 300 },
    },
  ])('may not show $what', ({ reading }) => expect(wrong(reading)).toEqual([reading]));
});

describe('what was shown', () => {
  it('is a row of phases, each once for as long as it lasts', () => {
    expect(phasesIn(truth)).toEqual(['Delaying', 'Draining', 'Stable']);
  });

  it('leaves out what was too short to be looked at', () => {
    expect(phasesIn(truth, 3_000)).toEqual(['Delaying', 'Stable']);
  });

  it('may have more, but not fewer, nor in another order', () => {
    const phases = ['Delaying', 'Draining', 'Stable'];
    expect(missing(phases, ['Delaying', 'Progressing', 'Draining', 'Progressing', 'Stable'])).toEqual([]);
    expect(missing(phases, ['Delaying', 'Stable'])).toEqual(['Draining', 'Stable']);
    expect(missing(phases, ['Draining', 'Delaying', 'Stable'])).toEqual(['Draining', 'Stable']);
  });

  it('has so many counts', () => expect(countsIn(truth)).toBe(3));
});
