import type { ServerResponse } from 'node:http';
import { BEAT_MS, type PageMessage } from '../../lib/page/messages.js';

export interface StreamOptions {
  /** Makes what is to be told now, and the mark that a listener who comes back goes on from; `after` is that of before. */
  make: (after: string) => Promise<{ message: PageMessage; mark: string }>;
  beat: () => Promise<PageMessage>;
  /** The mark of an earlier connection; empty: none. */
  after: string;
  /** Calls back whenever something has changed. @returns what ends it */
  listen: (changed: () => void) => () => void;
  /** What is to be told could not be made: a fault of the program. */
  onTrouble: (error: unknown) => void;
}

/** Whoever looks is told once a second at most: more is not read, and a drain changes all the time. */
const GAP_MS = 1_000;

/**
 * Tells one listener by server-sent events until the connection ends or the signal: at once, on changes, and on beats. A listener that
 * does not take what it is sent is told nothing more until it has.
 */
export function stream(response: ServerResponse, options: StreamOptions, signal: AbortSignal): void {
  let { after } = options;
  let isOver = false;
  let isBusy = false;
  let isDirty = true;
  let timer: NodeJS.Timeout | undefined;
  let beatAtMs = 0;

  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  });
  // A browser whose connection breaks tries again after this long.
  response.write('retry: 2000\n\n');
  const unlisten = options.listen(() => {
    isDirty = true;
    arm();
  });
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    unlisten();
    signal.removeEventListener('abort', end);
    response.end();
  };
  signal.addEventListener('abort', end);
  response.on('close', end);
  response.on('error', end);
  void turn();

  /** The next turn: after the gap if there is news, else at the next beat. */
  function arm(): void {
    if (isOver || isBusy) return;
    clearTimeout(timer);
    const sinceMs = performance.now() - beatAtMs;
    timer = setTimeout(() => void turn(), Math.max(0, (isDirty ? GAP_MS : BEAT_MS) - sinceMs));
  }

  async function turn(): Promise<void> {
    isBusy = true;
    const isNews = isDirty;
    isDirty = false;
    try {
      if (!response.writableNeedDrain) {
        const { message, mark } = isNews
          ? await options.make(after)
          : { message: await options.beat(), mark: after };
        if (isOver) return;
        after = mark;
        response.write(`id: ${mark}\nevent: ${message.kind}\ndata: ${JSON.stringify(message)}\n\n`);
      } else if (isNews) {
        isDirty = true;
      }
    } catch (error) {
      if (!isOver) options.onTrouble(error);
      return end(); // the listener comes back
    } finally {
      isBusy = false;
      beatAtMs = performance.now();
    }
    arm();
  }
}
