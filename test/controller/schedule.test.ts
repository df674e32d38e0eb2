import { describe, expect, it } from '@jest/globals';
import { makeSchedule, type Next } from '../../controller/schedule.js';

interface Pass {
  key: string;
  end: (next: Next) => void;
}

/** A schedule whose passes end when the test says so. */
function scene({ concurrency = 2, gapMs = 1 } = {}) {
  const stopping = new AbortController();
  const begun: Pass[] = [];
  const waiting: (() => void)[] = [];
  const schedule = makeSchedule(
    {
      concurrency,
      gapMs,
      pass: (key) =>
        new Promise((end) => {
          begun.push({ key, end });
          for (const tell of waiting.splice(0)) tell();
        }),
    },
    stopping.signal,
  );
  const nth = async (index: number): Promise<Pass> => {
    for (;;) {
      const pass = begun[index];
      if (pass) return pass;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { schedule, begun, nth, stop: () => stopping.abort(new Error('over')) };
}

describe('a schedule', () => {
  it('begins at once when a key is woken, and never has two passes of one key', async () => {
    const { schedule, begun, nth, stop } = scene();
    schedule.wake('a');
    expect(begun.map(({ key }) => key)).toEqual(['a']);
    schedule.wake('a');
    schedule.wake('a');
    expect(begun).toHaveLength(1);
    begun[0]?.end({ afterMs: 60_000 });
    expect((await nth(1)).key).toBe('a'); // one pass for both
    begun[1]?.end('forget');
    stop();
    await schedule.idle();
    expect(begun).toHaveLength(2);
  });

  it('comes back by itself when it said so', async () => {
    const { schedule, nth, stop } = scene();
    schedule.wake('a');
    (await nth(0)).end({ afterMs: 5 });
    (await nth(1)).end({ afterMs: 0 });
    (await nth(2)).end('forget');
    stop();
    await schedule.idle();
  });

  it('has no more passes at once than it may, and a slow key keeps no other waiting', async () => {
    const { schedule, begun, nth, stop } = scene({ concurrency: 2 });
    for (const key of ['slow', 'a', 'b', 'c']) schedule.wake(key);
    expect(begun.map(({ key }) => key)).toEqual(['slow', 'a']);
    (await nth(1)).end('forget');
    (await nth(2)).end('forget');
    expect((await nth(3)).key).toBe('c');
    stop();
    for (const { end } of begun) end('forget');
    await schedule.idle();
  });

  it('does nothing more once it is stopped', async () => {
    const { schedule, begun, stop } = scene();
    schedule.wake('a');
    stop();
    schedule.wake('b');
    begun[0]?.end({ afterMs: 0 });
    await schedule.idle();
    expect(begun).toHaveLength(1);
  });
});
