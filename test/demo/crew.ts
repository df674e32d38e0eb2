import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { PodTarget } from '../fleet/emqxWatch.js';
import { parseFleetRecord } from '../fleet/records.js';
import type { Observation } from '../fleet/observations.js';
import type { Scene } from './scene.js';

/** How the fleet's and the observer's programs are started; on the local cluster, or as a Job in the user's. */
export interface Stage {
  /** @param args the fleet's own arguments */
  startFleet(args: readonly string[]): Promise<Running>;
  startWatch(): Promise<Running>;
  /** Takes away what was started and is still there. */
  clear(): Promise<void>;
}

/** A program whose lines can be read. */
export interface Running {
  child: ChildProcess;
  /** Asks it to end; it then writes what it still has to say. */
  stop(): Promise<void>;
}

/** Feeds the fleet's lines to the scene. @returns resolves when the program has ended and all lines are in */
export function readFleet(running: Running, scene: Scene): Promise<void> {
  return readLines(running.child, (line) => {
    const record = parseFleetRecord(line);
    if (record) scene.record(record);
  });
}

/** Feeds the observer's lines to the scene. @returns as {@link readFleet} */
export function readWatch(running: Running, scene: Scene): Promise<void> {
  return readLines(running.child, (line) => {
    if (line.startsWith('{')) scene.observe(JSON.parse(line) as Observation);
  });
}

/** Tells the observer which pods there are, now and at every change. @returns what ends it */
export function pointWatch({ child }: Running, scene: Scene): () => void {
  let told = '';
  const tell = () => {
    const targets: PodTarget[] = [...scene.pods.values()].map(({ name, address }) => ({ name, address }));
    const line = `${JSON.stringify(targets)}\n`;
    if (line === told || !child.stdin?.writable) return;
    told = line;
    child.stdin.write(line);
  };
  tell();
  return scene.onChange(tell);
}

function readLines(child: ChildProcess, take: (line: string) => void): Promise<void> {
  // A program that ends early is noticed by what it did not say; its broken pipe says no more.
  child.stdin?.on('error', () => undefined);
  if (!child.stdout) throw new Error('the program was started without a pipe for its output');
  const lines = createInterface({ input: child.stdout });
  lines.on('line', take);
  return new Promise((resolve) => lines.once('close', resolve));
}
