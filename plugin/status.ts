import { EXIT, NotFound } from './failure.js';
import { KubeError } from './kube.js';
import { duration } from '../lib/times.js';
import { verdictOf, type Verdict } from './verdict.js';
import type { View } from './view.js';

export interface StatusTools {
  /** Reads the declaration anew. */
  look: () => Promise<View>;
  /** Waits between two looks; rejects when the user interrupts. */
  pause: (ms: number) => Promise<void>;
  /** Milliseconds of a clock that only goes on. */
  now: () => number;
  say: (line: string) => void;
}

const POLL_MS = 1000;
/** A failure that is older than an edit just made goes with the controller's next pass, within a second or two. */
const SETTLE_MS = 5000;

/**
 * Waits until what was asked for is done or has failed, and says each change on a line of its own.
 * @param options watch false: one look; timeoutMs counts from now
 * @returns the exit code
 * @throws KubeError when the first look fails; later ones are tried again until the time is up
 */
export async function waitForEnd(
  tools: StatusTools,
  { watch, timeoutMs }: { watch: boolean; timeoutMs: number },
): Promise<number> {
  const { look, pause, now, say } = tools;
  const began = now();
  let said = '';
  let failedSince: number | undefined;
  let view = await look();
  let isFresh = true;
  const tell = (what: string, line: string): void => {
    if (said !== what) say(line);
    said = what;
  };
  for (;;) {
    const verdict = verdictOf(view);
    if (verdict.kind === 'done') return end(verdict, view, say);
    failedSince = verdict.kind === 'failed' ? (failedSince ?? now()) : undefined;
    if (failedSince !== undefined && (!watch || now() - failedSince >= SETTLE_MS))
      return end(verdict, view, say);
    // Figures change with every look; a line for each would bury what matters.
    if (verdict.kind === 'running' && isFresh) tell(verdict.about, verdict.message);
    if (!watch) return EXIT.notYet;
    if (now() - began >= timeoutMs) {
      say(`the time is up after ${duration(timeoutMs / 1000)}: ${verdict.message}`);
      return EXIT.notYet;
    }
    await pause(Math.min(POLL_MS, Math.max(0, timeoutMs - (now() - began))));
    try {
      view = await look();
      isFresh = true;
    } catch (error) {
      if (error instanceof NotFound && view.declaration?.isLabelled === false) {
        say(letGo(view.name));
        return EXIT.ok;
      }
      if (!(error instanceof KubeError)) throw error;
      isFresh = false;
      tell(error.message, `${error.message}; trying again`);
    }
  }
}

function letGo(name: string): string {
  return `${name} is handed back: Sluice has let go of it`;
}

function end(verdict: Verdict, { name, status }: View, say: (line: string) => void): number {
  const isDone = verdict.kind === 'done';
  const outcome =
    status.phase === 'Idle'
      ? letGo(name)
      : `${name} is done: ${status.active ?? ''} serves with ${status.nodes ?? ''} nodes`;
  say(isDone ? outcome : `${name} has failed: ${verdict.message}`);
  return isDone ? EXIT.ok : EXIT.no;
}
