import type { IncomingMessage } from 'node:http';
import { expect, it } from '@jest/globals';
import { followServer } from '../../controller/clock.js';
import type { WireRequest } from '../../controller/kube/transport.js';

const there = Date.parse('2031-05-01T12:00:00Z');

/** A clock behind these answers, one after the other: status and what the server's clock says. */
function clockBehind(...answers: [status: number, dateMs?: number][]): ReturnType<typeof followServer> {
  return followServer(() => {
    const [statusCode, dateMs] = answers.shift() ?? [200];
    const date = dateMs === undefined ? undefined : new Date(dateMs).toUTCString();
    return Promise.resolve({ statusCode, headers: { date } } as unknown as IncomingMessage);
  });
}

const asks = async (clock: ReturnType<typeof followServer>, times = 1): Promise<void> => {
  for (let time = 0; time < times; time += 1) await clock.send({} as WireRequest);
};

it('it is as late as the API server says, however far our own clock is from that', async () => {
  const clock = clockBehind([200, there]);
  await asks(clock);
  expect(Math.abs(clock.now() - there)).toBeLessThan(5_000);
});

it('it comes closer with an answer that was given earlier in its second', async () => {
  const ahead = 700;
  const own = (): number => performance.timeOrigin + performance.now();
  const clock = followServer(() => {
    const date = new Date(own() + ahead).toUTCString();
    return Promise.resolve({ statusCode: 200, headers: { date } } as unknown as IncomingMessage);
  });
  const beganMs = performance.now();
  // A second has one beginning; of answers all through it one comes within a twentieth of that.
  while (performance.now() - beganMs < 1_000) {
    await asks(clock);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const behindMs = own() + ahead - clock.now();
  expect(behindMs).toBeGreaterThanOrEqual(-1);
  expect(behindMs).toBeLessThan(50);
});

it('what another answer says later changes nothing: that server may have another clock', async () => {
  const clock = clockBehind([200, there], [200, there + 3_600_000]);
  await asks(clock, 2);
  expect(Math.abs(clock.now() - there)).toBeLessThan(5_000);
});

it('an answer without a date, and a refusal, which may be a proxy’s, tell nothing', async () => {
  const clock = clockBehind([200], [503, there - 3_600_000], [200, there]);
  await asks(clock, 2);
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(5_000);
  await asks(clock);
  expect(Math.abs(clock.now() - there)).toBeLessThan(5_000);
});
