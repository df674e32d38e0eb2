import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { mqttDial } from './dial.js';
import { runFleet } from './fleet.js';
import type { FleetRecord, ResultRecord } from './records.js';
import { parseFleetSettings } from './settings.js';
import type { FleetSettings } from './settings.js';
import { TinyBroker } from './tinyBroker.js';
import type { Mischief } from './tinyBroker.js';

jest.setTimeout(60_000);

const brokers: TinyBroker[] = [];
afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.close();
});

interface Run {
  broker: TinyBroker;
  records: FleetRecord[];
  result: ResultRecord;
}

/** Runs 8 clients, and stops once `enough` says so of the records so far. */
async function run(
  mischief: Mischief,
  enough: (records: FleetRecord[], broker: TinyBroker) => boolean,
  args: string[] = [],
): Promise<Run> {
  const broker = new TinyBroker(mischief);
  brokers.push(broker);
  const port = await broker.listen();
  const settings = parseFleetSettings(
    // prettier-ignore
    ['--host', '127.0.0.1', '--port', String(port), '--clients', '8', '--publishers', '2', '--messages', '40',
      '--back-off-min', '0.02', '--back-off-max', '0.05', '--duration', '30', '--settle', '10', '--run', 't', ...args],
    0,
  ) as FleetSettings;
  const records: FleetRecord[] = [];
  const stop = new AbortController();
  const result = await runFleet(settings, {
    dial: mqttDial(settings),
    signal: stop.signal,
    write(record) {
      records.push(record);
      if (enough(records, broker)) stop.abort();
    },
  });
  return { broker, records, result };
}

const isReady = (records: FleetRecord[]) => records.some(({ kind }) => kind === 'ready');
const connects = (records: FleetRecord[]) =>
  records.flatMap((record) => (record.kind === 'second' ? record.connects : [])).length;
const refusals = (records: FleetRecord[]) =>
  records.flatMap((record) => (record.kind === 'second' ? record.refusals : [])).length;
const delivered = (records: FleetRecord[]) =>
  records.reduce((sum, record) => sum + (record.kind === 'second' ? record.delivered : 0), 0);

describe('the fleet', () => {
  it('connects everybody as asked, delivers, and ends with nothing to complain about', async () => {
    const { broker, records, result } = await run({}, (seen) => delivered(seen) > 10);
    const kinds = records.map(({ kind }) => kind).filter((kind) => kind !== 'second');
    expect(kinds).toEqual(['start', 'ready', 'result']);
    expect(records.at(-1)).toBe(result);
    expect(result).toMatchObject({
      endedBy: 'signal',
      clients: 8,
      connected: 8,
      disconnects: 0,
      refusals: 0,
    });
    expect(result.messages).toMatchObject({ lost: 0, duplicated: 0, repeated: 0 });
    expect(result.messages.delivered).toBe(result.messages.published);
    const first = [...broker.connects.values()].map(([packet]) => packet);
    expect(first.filter((packet) => packet?.protocolVersion === 5)).toHaveLength(4);
    expect(first.filter((packet) => packet?.clean === false)).toHaveLength(4);
    expect(first.filter((packet) => packet?.properties?.sessionExpiryInterval === 3600)).toHaveLength(2);
  });

  it('counts one disconnect each when all are evicted once, and resumes the sessions', async () => {
    let kicked = false;
    const { result, records } = await run({}, (seen, broker) => {
      if (isReady(seen) && !kicked) {
        kicked = true;
        setTimeout(() => broker.kickAll(), 100);
      }
      return connects(seen) === 16;
    });
    expect(result.disconnectsPerClient).toEqual({ max: 1, mean: 1, histogram: { 1: 8 } });
    expect(result).toMatchObject({ connected: 8, sessionsLost: 0, refusals: 0 });
    expect(result.messages).toMatchObject({ lost: 0, duplicated: 0 });
    expect(result.awayMs.mean).toBeGreaterThanOrEqual(20);
    const reasons = records.flatMap((r) =>
      r.kind === 'second' ? r.disconnects.map(([, , reason]) => reason) : [],
    );
    expect(reasons.sort((a, b) => a - b)).toEqual([-1, -1, -1, -1, 0x9c, 0x9c, 0x9c, 0x9c]);
    const sessions = records.flatMap((r) =>
      r.kind === 'second' ? r.connects.map(([, , session]) => session) : [],
    );
    expect(sessions.filter((session) => session === 'resumed')).toHaveLength(4);
  });

  it('counts every refused attempt and keeps trying', async () => {
    let asked = 0;
    const { result, records } = await run(
      { connack: ({ protocolVersion }) => (++asked <= 5 ? (protocolVersion === 5 ? 0x9c : 3) : 0) },
      isReady,
    );
    expect(result).toMatchObject({ refusals: 5, connected: 8, disconnects: 0 });
    const reasons = records.flatMap((r) =>
      r.kind === 'second' ? r.refusals.map(([, , reason]) => reason) : [],
    );
    expect(new Set(reasons)).toEqual(new Set(['connack 0x9c', 'connack 0x3']));
  });

  it('counts a refused TCP connection', async () => {
    const { result, records } = await run({}, (seen) => refusals(seen) >= 8, [
      '--port',
      '1',
      // Nobody will ever be back.
      '--settle',
      '0',
    ]);
    expect(result.refusals).toBeGreaterThanOrEqual(8);
    const reasons = records.flatMap((r) =>
      r.kind === 'second' ? r.refusals.map(([, , reason]) => reason) : [],
    );
    expect(new Set(reasons)).toEqual(new Set(['ECONNREFUSED']));
  });

  it('counts lost sessions, and the messages lost with them', async () => {
    let kicked = false;
    const { result } = await run(
      { forgets: ({ clean }) => clean === false, copies: ({ payload }) => (String(payload) === '1' ? 0 : 1) },
      (seen, broker) => {
        if (isReady(seen) && !kicked) {
          kicked = true;
          setTimeout(() => broker.kickAll(), 300);
        }
        return connects(seen) === 16;
      },
      // What is lost is waited for in vain.
      ['--settle', '1'],
    );
    expect(result.sessionsLost).toBe(4);
    expect(result.messages.lost).toBeGreaterThanOrEqual(4);
  });

  it('counts copies that QoS 1 does not explain', async () => {
    const { result } = await run(
      { copies: ({ payload }) => (String(payload) === '0' ? 2 : 1) },
      (seen) => delivered(seen) > 10,
    );
    expect(result.messages).toMatchObject({ duplicated: 4, lost: 0 });
  });

  it('sends again what was not acknowledged, and blames nobody for the second copy', async () => {
    let cuts = 0;
    const { result } = await run(
      { cutsBeforeAck: ({ payload }) => String(payload) === '2' && cuts++ === 0 },
      (seen) => delivered(seen) > 16,
    );
    expect(result.messages.repeated).toBeGreaterThanOrEqual(1);
    expect(result.messages.redelivered).toBeGreaterThanOrEqual(1);
    expect(result.messages).toMatchObject({ duplicated: 0, lost: 0 });
    expect(result.messages.acknowledged).toBe(result.messages.published);
  });

  it('ends by itself', async () => {
    const { result } = await run({}, () => false, ['--duration', '1', '--settle', '1']);
    expect(result.endedBy).toBe('duration');
  });
});

describe('the fleet’s size', () => {
  it('is small for each client, also at a broker that offers many topic aliases', async () => {
    const before = process.memoryUsage.rss();
    await run({}, isReady, ['--clients', '1000', '--connect-rate', '2000', '--messages', '0']);
    // The broker lives in this process too; with a table of aliases for each client it is 700 MB.
    expect((process.memoryUsage.rss() - before) / 1e6).toBeLessThan(300);
  });
});
