import { readFileSync } from 'node:fs';

/** What processes hold in memory, in kB as `/proc` and `ps` say it. */
export interface Memory {
  /** Resident pages, those that others share counted whole. */
  rssKb: number;
  /** The same with each shared page divided by the number of its users. */
  pssKb: number;
}

/** Ticks per second in `/proc/PID/stat`: Linux shows them to programs at 100 Hz on every machine. */
const USER_HZ = 100;

/** Memory of several processes together. A process that has ended meanwhile holds nothing. */
export function memoryOf(pids: readonly number[]): Memory {
  const each = pids.map((pid) => {
    try {
      return parseSmapsRollup(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
    } catch {
      return { rssKb: 0, pssKb: 0 };
    }
  });
  return {
    rssKb: each.reduce((sum, { rssKb }) => sum + rssKb, 0),
    pssKb: each.reduce((sum, { pssKb }) => sum + pssKb, 0),
  };
}

/** Reads `/proc/PID/smaps_rollup`. @throws Error when it has no such lines */
export function parseSmapsRollup(text: string): Memory {
  const kb = (name: string): number => {
    const [, value] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text) ?? [];
    if (value === undefined) throw new Error(`smaps_rollup has no ${name}`);
    return Number(value);
  };
  return { rssKb: kb('Rss'), pssKb: kb('Pss') };
}

/** Most that the process has ever had resident, in kB (`VmHWM`). */
export function peakRssKbOf(pid: number): number {
  const [, value = 'NaN'] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(value);
}

/** Seconds of CPU that the process has used so far, its threads included. */
export function cpuSecondsOf(pid: number): number {
  return parseCpuSeconds(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** Reads `/proc/PID/stat`; the name in its second field may hold spaces and brackets. */
export function parseCpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' '); // from field 3 on
  return (Number(fields[11]) + Number(fields[12])) / USER_HZ;
}

/** Seconds of CPU that all programs and the kernel have used so far, on all cores together. */
export function busySeconds(): number {
  return parseBusySeconds(readFileSync('/proc/stat', 'utf8'));
}

/** Reads `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; who waits is not busy. */
export function parseBusySeconds(stat: string): number {
  const [user = NaN, nice = NaN, system = NaN, , , irq = 0, softirq = 0, steal = 0] = (
    /^cpu +(.*)$/m.exec(stat)?.[1] ?? ''
  )
    .split(' ')
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / USER_HZ;
}

/** Seconds of CPU that everything in the process's cgroup has used so far; processes that have ended count too. */
export function cgroupCpuSecondsOf(pid: number): number {
  const { file, read } = cpuAccountOf(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
  return read(readFileSync(file, 'utf8'));
}

/**
 * Where a cgroup's CPU time is kept, and how to read it: of version 1 in nanoseconds, of version 2 among others.
 * @param cgroup contents of `/proc/PID/cgroup`
 */
export function cpuAccountOf(cgroup: string): { file: string; read: (text: string) => number } {
  for (const line of cgroup.trim().split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers.split(',').includes('cpuacct')) {
      return {
        file: `/sys/fs/cgroup/cpuacct${path}/cpuacct.usage`,
        read: (text) => Number(text) / 1e9,
      };
    }
  }
  const path = /^0::(.*)$/m.exec(cgroup)?.[1] ?? '';
  return {
    file: `/sys/fs/cgroup${path}/cpu.stat`,
    read: (text) => Number(/^usage_usec (\d+)$/m.exec(text)?.[1]) / 1e6,
  };
}
