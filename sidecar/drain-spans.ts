import { sleep } from '../lib/sleep.js';
import { parseTraceparent } from '../lib/telemetry/traceparent.js';
import type { Tracing } from '../lib/telemetry/tracing.js';
import { drainSpan, type PodIdentity } from './drain-span.js';
import { parseGate } from './gate-state.js';
import type { Log } from './log.js';
import type { Counts } from './observer.js';
import type { Settings } from './settings.js';
import type { Share } from './share.js';
import { statesIn } from './states.js';

export interface DrainSpansParts {
  pod: PodIdentity;
  share: Share;
  settings: Pick<Settings, 'current'>;
  /** Loads what sends; it is asked once, when a drain that is traced begins. Undefined: nothing is sent after all. */
  open: () => Promise<Pick<Tracing, 'send'> | undefined>;
  /** How many the running evacuation had to hand over; undefined while none is seen. */
  counts: () => Counts | undefined;
  /** Milliseconds since the epoch. */
  wallMs?: () => number;
  log: Log;
}

/** Sends the span of this node's drain, if that is part of an upgrade which is traced. Nothing waits for it but the end of the program. */
export interface DrainSpans {
  /** To be called every second or so. Never throws. @returns whether a drain goes on that is traced */
  look(): boolean;
  /** The pod ends: sends what is still to be sent. Never fails, and takes no longer than {@link CLOSE_MS}. */
  close(): Promise<void>;
}

/** The pod is kept for as long as this where the receiver does not answer; its clients have gone before. */
export const CLOSE_MS = 2_000;
const AGAIN_MS = 3_000;

export function makeDrainSpans(parts: DrainSpansParts): DrainSpans {
  const { share, log, wallMs = Date.now } = parts;
  let opening: ReturnType<DrainSpansParts['open']> | undefined;
  let underWay: Promise<void> | undefined;
  /** The start of EMQX whose drain has been sent. */
  let sentBoot = '';
  let notBeforeMs = 0;
  let isTroubleTold = false;

  /** What has been seen of this start's drain; it is noted, for the program may be started again in the middle. */
  function begun(boot: string): { beganMs: number; counts: Counts } {
    const before = share.line('drain-began');
    const [of, ...noted] = before.split(' ');
    const [ms = wallMs(), clients = 0, sessions = 0] = of === boot ? noted.map(Number) : [];
    const seen = parts.counts();
    const beganMs = Math.round(ms);
    // an evacuation that is begun anew has fewer
    const counts = {
      clients: Math.max(seen?.clients ?? 0, clients),
      sessions: Math.max(seen?.sessions ?? 0, sessions),
    };
    const line = `${boot} ${beganMs} ${counts.clients} ${counts.sessions}`;
    if (line !== before) share.write('drain-began', `${line}\n`);
    return { beganMs, counts };
  }

  /** @param isLast the pod ends, drained or not */
  function step(isLast: boolean): boolean {
    const { boot, state } = parseGate(share.read('gate'));
    if (state.kind === 'idle' || boot === '' || boot !== share.line('boot')) return false;
    begun(boot);
    const upgrade = parseTraceparent(parts.settings.current().traceparent);
    if (!upgrade || underWay || boot === sentBoot) return false;
    // Loaded while there is time.
    opening ??= parts.open();
    opening.catch(() => undefined);
    if (state.kind === 'draining' && !isLast) return true;
    if (!isLast && performance.now() < notBeforeMs) return false;
    const endedMs = state.kind === 'draining' ? wallMs() : (share.writtenMs('gate') ?? wallMs());
    underWay = (async () => {
      const tracing = await opening;
      const drain = { upgrade, boot, ...begun(boot), endedMs, gate: state, states: statesIn(share) };
      await tracing?.send([drainSpan(parts.pod, drain)]);
      sentBoot = boot;
    })()
      .catch((error: unknown) => {
        notBeforeMs = performance.now() + AGAIN_MS;
        warn(error);
      })
      .finally(() => (underWay = undefined));
    return false;
  }

  function look(isLast: boolean): boolean {
    try {
      return step(isLast);
    } catch (error) {
      warn(error);
      return false;
    }
  }

  function warn(error: unknown): void {
    if (!isTroubleTold)
      log.warn(
        { err: error },
        'the span of this drain is not sent yet; it is tried again while the pod is there',
      );
    isTroubleTold = true;
  }

  return {
    look: () => look(false),
    async close() {
      const sending = underWay;
      const rest = async (): Promise<void> => {
        await sending;
        look(true);
        await underWay;
      };
      await atMost(CLOSE_MS, rest());
    },
  };
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  await Promise.race([work.catch(() => undefined), sleep(ms, over.signal)]);
  over.abort();
}
