import { describe, expect, it } from '@jest/globals';
import { abilitiesOf } from '../abilities.js';
import { parseRebalance, split } from './rebalance.js';
import { parseDuration, parseStart, SchemaError } from './request.js';

const now = abilitiesOf('5.8.8', 'Enterprise');

describe('body of evacuation/start', () => {
  it('has defaults for everything', () => {
    expect(parseStart({}, now)).toEqual({
      waitHealthCheck: 60,
      connEvictRate: 500,
      sessEvictRate: 500,
      waitTakeover: 60,
      migrateTo: undefined,
      serverReference: undefined,
    });
  });

  it.each([
    [{ wait_takeover: 0 }, { waitTakeover: 0 }],
    [{ wait_takeover: '2s' }, { waitTakeover: 2 }],
    [{ wait_health_check: '1m30s' }, { waitHealthCheck: 90 }],
    [{ wait_health_check: '10' }, { waitHealthCheck: 10 }],
    [{ wait_health_check: '1500ms' }, { waitHealthCheck: 2 }],
    [{ conn_evict_rate: '7' }, { connEvictRate: 7 }],
    [{ redirect_to: 'x:1883' }, { connEvictRate: 500 }],
    [{ migrate_to: ['a@b'] }, { migrateTo: ['a@b'] }],
  ])('takes %j', (body, some) => expect(parseStart(body, now)).toMatchObject(some));

  it.each([
    { conn_evict_rate: 0 },
    { conn_evict_rate: 1.5 },
    { conn_evict_rate: 'many' },
    { sess_evict_rate: -1 },
    { wait_takeover: -1 },
    { wait_takeover: 'soon' },
    { wait_health_check: 4_294_968 },
    { migrate_to: [] },
    { migrate_to: 'a@b' },
    { migrate_to: [1] },
    { redirect_to: 1 },
    { connEvictRate: 1 },
    [],
    null,
  ])('refuses %j', (body) => expect(() => parseStart(body, now)).toThrow(SchemaError));

  it.each<[string, object, boolean]>([
    ['5.0.4', { wait_health_check: 1 }, false],
    ['5.0.4', { wait_takeover: 0 }, false],
    ['5.0.4', { wait_takeover: '1s' }, false],
    ['5.0.4', { wait_takeover: 1 }, true],
    ['5.1.0', { wait_health_check: 0 }, true],
    ['5.1.0', { wait_takeover: 0 }, false],
    ['5.1.1', { wait_health_check: 0, wait_takeover: 0 }, true],
  ])('in %s: %j is taken: %s', (version, body, isTaken) => {
    const parse = () => parseStart(body, abilitiesOf(version, 'Enterprise'));
    if (isTaken) expect(parse()).toMatchObject({ connEvictRate: 500 });
    else expect(parse).toThrow(SchemaError);
  });

  it('has no wait for the health check in 5.0', () => {
    expect(parseStart({}, abilitiesOf('5.0.4', 'Enterprise')).waitHealthCheck).toBeUndefined();
  });

  it('rounds durations up', () =>
    expect([parseDuration('1ms'), parseDuration('2h'), parseDuration('x')]).toEqual([1, 7_200, undefined]));
});

describe('rebalance', () => {
  const load = (node: string, connected: number) => ({ node, connected, sessions: connected });
  it('takes from those above the average by a tenth', () => {
    expect(split([load('a', 30), load('b', 0)], parseRebalance({}, now))).toMatchObject({
      donors: ['a'],
      recipients: ['b'],
      connGoal: 15,
    });
  });
  it('has nothing to do among equals', () =>
    expect(split([load('a', 10), load('b', 10)], parseRebalance({}, now))).toBeUndefined());
  it.each([{ rel_conn_threshold: 1 }, { nodes: [] }, { other: 1 }])('refuses %j', (body) => {
    expect(() => parseRebalance(body, now)).toThrow(SchemaError);
  });
});
