import { describe, expect, it } from '@jest/globals';
import { makeCourier, type Courier } from '../../../controller/trace/courier.js';
import { spansOf, type TracedRecord } from '../../../controller/trace/spans.js';
import type { SpanData } from '../../../lib/telemetry/types.js';
import type { BlueGreenStatus, UpgradeStep } from '../../../lib/types.js';

const subject = { namespace: 'mq', name: 'emqx', uid: 'u' };
const at = (second: number): string => new Date(second * 1000).toISOString();
const phase = (name: UpgradeStep['name'], from: number, to?: number): UpgradeStep => ({
  name,
  startedAt: at(from),
  ...(to !== undefined && { endedAt: at(to) }),
});
const open = (steps: UpgradeStep[], change: Partial<TracedRecord> = {}): TracedRecord => ({
  ...{ id: 'a'.repeat(32), spanId: 'b'.repeat(16), traceparent: '', requestedBy: '', startedAt: at(0) },
  ...{ from: 'emqx-b', to: 'emqx-g', traced: false, steps, ...change },
});
const STEPS = [phase('creation', 0, 1), phase('readiness', 1, 2)];
const ended = (change: Partial<TracedRecord> = {}): BlueGreenStatus['history'][number] => ({
  ...open(STEPS),
  finishedAt: at(3),
  result: 'succeeded',
  ...change,
});

/** A receiver that answers when it is told to. */
function stage() {
  const asked: { spans: SpanData[]; resolve: () => void; reject: () => void }[] = [];
  let nowMs = 0;
  const send = (spans: SpanData[]): Promise<void> =>
    new Promise((resolve, reject) => asked.push({ spans, resolve, reject: () => reject(new Error('down')) }));
  const courier = makeCourier({ send, isSampled: () => true }, () => nowMs);
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    courier,
    look: (status: Parameters<Courier['look']>[2]) => courier.look('mq/emqx', subject, status),
    names: () => asked.map(({ spans }) => spans.map(({ name }) => name)),
    asked,
    answer: async (how: 'resolve' | 'reject') => {
      asked.at(-1)?.[how]();
      await settled();
    },
    pass: (ms: number) => (nowMs += ms),
  };
}

describe('the courier', () => {
  it('sends each span once it has ended, and none that was acknowledged', async () => {
    const { look, names, answer } = stage();
    look({ upgrade: open([phase('creation', 0, 1), phase('readiness', 1)]) });
    await answer('resolve');
    look({ upgrade: open([phase('creation', 0, 1), phase('readiness', 1)]) });
    look({ upgrade: open(STEPS) });
    await answer('resolve');
    look({ history: [ended()] });
    await answer('resolve');
    look({ history: [ended()] });
    expect(names()).toEqual([['creation'], ['readiness'], ['emqx blue-green upgrade']]);
  });

  it('says that a trace was brought when its root was acknowledged, and not before', async () => {
    const { look, courier, answer } = stage();
    look({ history: [ended()] });
    expect(courier.hasBrought('mq/emqx', ended())).toBe(false);
    await answer('resolve');
    expect(courier.hasBrought('mq/emqx', ended())).toBe(true);
    expect(courier.hasBrought('mq/other', ended())).toBe(false);
    courier.forget('mq/emqx');
    expect(courier.hasBrought('mq/emqx', ended())).toBe(false);
  });

  it('sends the same again when it begins anew: a leader that died may not have noted what was acknowledged', () => {
    const [one, other] = [stage(), stage()];
    for (const { look } of [one, other]) look({ history: [ended()] });
    expect(other.asked[0]?.spans).toEqual(one.asked[0]?.spans);
    expect(one.asked[0]?.spans).toEqual(spansOf(ended(), subject));
  });

  it('sends nothing of records that are not to be traced, or were', () => {
    const { look, names } = stage();
    const untold = ended();
    delete untold.traced;
    look({ history: [untold, ended({ traced: true })] });
    expect(names()).toEqual([]);
  });

  it('neither sends a trace that is not sampled nor says that it was received', async () => {
    let asked = 0;
    const send = () => Promise.resolve(void (asked += 1));
    const courier = makeCourier({ send, isSampled: (id) => id !== 'a'.repeat(32) }, () => 0);
    expect(courier.look('mq/emqx', subject, { upgrade: open(STEPS), history: [ended()] })).toBe(Infinity);
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBe(0);
    expect(courier.hasBrought('mq/emqx', ended())).toBeUndefined();
    expect(courier.hasBrought('mq/emqx', ended({ id: 'c'.repeat(32) }))).toBe(false);
  });

  it('has one request under way, whatever the receiver does', () => {
    const { look, asked } = stage();
    for (let i = 0; i < 100; i += 1) look({ upgrade: open(STEPS), history: [ended()] });
    expect(asked).toHaveLength(1);
  });

  it('tries again later and later while the receiver is away, and at once when it answers', async () => {
    const { look, asked, answer, pass } = stage();
    const times: number[] = [];
    for (let second = 0; second < 600; second += 1) {
      const before = asked.length;
      look({ history: [ended()] });
      if (asked.length > before) times.push(second);
      if (asked.length > before) await answer('reject');
      pass(1000);
    }
    expect(times.slice(0, 6)).toEqual([0, 1, 3, 7, 15, 31]);
    expect(times.at(-1)).toBeGreaterThan(500);
    expect(times.length).toBeLessThan(20);
  });

  it('remembers no span that no record has any more', async () => {
    const { look, courier, answer } = stage();
    look({ history: [ended()] });
    await answer('resolve');
    look({ history: [] });
    expect(courier.hasBrought('mq/emqx', ended())).toBe(false);
  });
});
