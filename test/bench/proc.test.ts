import { describe, expect, it } from '@jest/globals';
import {
  cpuAccountOf,
  cpuSecondsOf,
  memoryOf,
  parseBusySeconds,
  parseCpuSeconds,
  parseSmapsRollup,
  peakRssKbOf,
} from './proc.js';

const ROLLUP = `55d0c0a00000-7ffd0a1f2000 ---p 00000000 00:00 0                          [rollup]
Rss:               44012 kB
Pss:               21000 kB
Pss_Dirty:          9000 kB
Shared_Clean:      30000 kB
`;

describe('proc', () => {
  it('reads resident and shared memory', () => {
    expect(parseSmapsRollup(ROLLUP)).toEqual({ rssKb: 44012, pssKb: 21000 });
  });

  it('says so when a kernel gives no such figures', () => {
    expect(() => parseSmapsRollup('')).toThrow('smaps_rollup has no Rss');
  });

  it('adds user and system time, whatever the process is called', () => {
    const stat = '12 (a) b (c)) S 1 12 12 0 -1 4194560 100 0 0 0 250 50 7 9 20 0 11 0 1000 0 0';
    expect(parseCpuSeconds(stat)).toBe(3);
  });

  it('counts what is not idle, on all cores', () => {
    const stat = 'cpu  100 20 30 9000 800 5 15 30 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n';
    expect(parseBusySeconds(stat)).toBe(2);
  });

  it('finds the CPU account of a cgroup of either version', () => {
    const first = cpuAccountOf('5:cpu,cpuacct:/pods/a\n3:pids:/pods/a\n0::/unified\n');
    expect([first.file, first.read('1500000000\n')]).toEqual([
      '/sys/fs/cgroup/cpuacct/pods/a/cpuacct.usage',
      1.5,
    ]);
    const second = cpuAccountOf('0::/pods/a\n');
    expect([second.file, second.read('usage_usec 2500000\nuser_usec 1\n')]).toEqual([
      '/sys/fs/cgroup/pods/a/cpu.stat',
      2.5,
    ]);
  });

  it('measures this process, and counts one that has ended as nothing', () => {
    const { rssKb, pssKb } = memoryOf([process.pid, 2 ** 22 + 1]);
    expect(pssKb).toBeGreaterThan(1000);
    expect(rssKb).toBeGreaterThanOrEqual(pssKb);
    expect(peakRssKbOf(process.pid)).toBeGreaterThanOrEqual(pssKb);
    expect(cpuSecondsOf(process.pid)).toBeGreaterThan(0);
  });
});
