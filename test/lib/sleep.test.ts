import { describe, expect, it } from '@jest/globals';
import { sleep } from '../../lib/sleep.js';

describe('sleep', () => {
  it('ends early, and without an error, when its signal is aborted meanwhile', async () => {
    const stop = new AbortController();
    const slept = sleep(3_600_000, stop.signal);
    stop.abort();
    await expect(slept).resolves.toBeUndefined();
  });

  it('does not begin when its signal is aborted already', async () => {
    await expect(sleep(3_600_000, AbortSignal.abort())).resolves.toBeUndefined();
  });

  it('waits no less than it was told', async () => {
    const began = performance.now();
    await sleep(30);
    expect(performance.now() - began).toBeGreaterThanOrEqual(29);
  });
});
