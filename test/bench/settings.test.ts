import { describe, expect, it } from '@jest/globals';
import { BENCH_USAGE, benchSettings, BenchSettingsError, PARTS } from './settings.js';

describe('benchSettings', () => {
  it('measures everything by default', () => {
    expect(benchSettings({})).toMatchObject({ parts: PARTS, edits: 60, declarations: 100, isKept: false });
  });

  it('takes an empty variable as unset, as make passes it', () => {
    expect(benchSettings({ ONLY: '', ROUNDS: '', KEEP: '', OUT: '' })).toEqual(benchSettings({}));
  });

  it.each([
    [{ ONLY: 'reaction,webhook' }, { parts: ['webhook', 'reaction'] }],
    [
      { ROUNDS: '3', ROUND_SECONDS: '2' },
      { rounds: 3, roundSeconds: 2 },
    ],
    [{ KEEP: '1' }, { isKept: true }],
    [{ KEEP: '0' }, { isKept: false }],
  ])('%j', (env, settings) => expect(benchSettings(env)).toMatchObject(settings));

  it('names everything that is wrong in one error', () => {
    const read = () => benchSettings({ ONLY: 'webhook,gate', EDITS: '0', ROUNDS: 'x' });
    expect(read).toThrow(BenchSettingsError);
    expect(read).toThrow(/ONLY.*gate.*\n.*ROUNDS.*\n.*EDITS/);
  });

  it('has a line of help for every variable that it reads', () => {
    const read = new Set<string>();
    const env = new Proxy({}, { get: (_, name) => void read.add(String(name)) });
    benchSettings(env);
    for (const name of read) expect(BENCH_USAGE).toContain(`${name}=`);
    expect(read.size).toBeGreaterThan(7);
  });
});
