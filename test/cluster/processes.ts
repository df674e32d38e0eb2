import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process as `/proc` shows it. */
export interface Process {
  readonly pid: number;
  /** In clock ticks since boot: with it, a pid that was given out again is told from the one meant. */
  readonly startTime: string;
  readonly argv: readonly string[];
}

/** Every process of the machine that can still be read; kernel threads and zombies have an empty `argv`. */
export function processes(): Process[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => processOf(Number(entry)) ?? []);
}

/** @returns the process, or nothing when there is none of that id */
export function processOf(pid: number): Process | undefined {
  try {
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    // Fields after the name, which may itself hold spaces and brackets: field 22 is the start time.
    const startTime = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19];
    return startTime === undefined ? undefined : { pid, startTime, argv };
  } catch {
    return undefined;
  }
}

/** What `/proc/<pid>/ns/<kind>` names, or nothing when the process is gone. */
export function namespaceOf(pid: number, kind: 'pid' | 'net' | 'mnt'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}

export function isAlive({ pid, startTime }: Process): boolean {
  return processOf(pid)?.startTime === startTime;
}

/** Kills with SIGKILL and waits until the process is gone. @throws Error when it still is there after 10 s */
export async function end(doomed: Process): Promise<void> {
  for (let tries = 0; tries < 500 && isAlive(doomed); tries += 1) {
    try {
      process.kill(doomed.pid, 'SIGKILL');
    } catch {
      return;
    }
    await sleep(20);
  }
  if (isAlive(doomed)) throw new Error(`process ${doomed.pid} (${doomed.argv.join(' ')}) does not end`);
}
