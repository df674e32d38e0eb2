import { describe, expect, it } from '@jest/globals';
import { readBlueGreen } from '../../controller/page/blue-green.js';
import { makeBoard } from '../../controller/page/board.js';
import { sampleOf } from '../../controller/page/sampling.js';
import { evictionsOf, withSamples, type Sample } from '../../lib/page/samples.js';
import type { EmqxNodeStatus, NodeEvacuationStatus } from '../../lib/types.js';
import { blueGreenAt } from './upgrade.js';

const sample = (seq: number, nodes = 1): Sample => ({
  seq,
  atMs: seq * 1000,
  clients: Object.fromEntries(Array.from({ length: nodes }, (_, at) => [`emqx@${at}`, seq])),
  evicted: seq * 10,
});
const run = (from: number, to: number, nodes?: number): Sample[] =>
  Array.from({ length: to - from }, (_, at) => sample(from + at, nodes));

describe('samples', () => {
  it('stay whole in time, and within bounds, the older the coarser', () => {
    let all: Sample[] = [];
    for (const one of run(0, 5000)) all = withSamples(all, [one]);
    expect(all.length).toBeLessThanOrEqual(600);
    expect(all[0]).toEqual(sample(0));
    expect(all.slice(-200)).toEqual(run(4800, 5000));
    const gaps = all.slice(1).map(({ atMs }, at) => atMs - (all[at]?.atMs ?? 0));
    expect(gaps).toEqual([...gaps].sort((a, b) => b - a));
  });

  it('of many nodes are fewer', () => {
    const all = withSamples([], run(0, 600, 1000));
    expect(all.length).toBeLessThanOrEqual(20);
    expect(all.at(-1)).toEqual(sample(599, 1000));
  });

  it('give the rate of evictions, over three seconds', () => {
    const counts = [0, 0, 200, 400, 400, 800];
    const rates = evictionsOf(counts.map((evicted, at) => ({ ...sample(at), evicted })));
    expect(rates.map(({ perSecond }) => Math.round(perSecond))).toEqual([0, 100, 133, 133, 200]);
  });
});

describe('a burst', () => {
  it('ends with a sample of what was so at last', () => {
    let nowMs = 0;
    let told = 0;
    const due: { run: () => void; atMs: number }[] = [];
    const board = makeBoard(
      () => nowMs,
      (run, ms) => due.push({ run, atMs: nowMs + ms }),
    );
    board.listen('mqtt/emqx', () => (told += 1));
    for (const [atMs, second] of [
      [0, 34],
      [300, 45],
      [500, 60],
    ] as const) {
      nowMs = atMs;
      board.saw(readBlueGreen(blueGreenAt(second)));
    }
    expect(board.samplesAfter('mqtt/emqx', '').list).toHaveLength(1);
    expect(due.map(({ atMs }) => atMs)).toEqual([900]);
    nowMs = 900;
    told = 0;
    for (const { run } of due.splice(0)) run();
    const last = board.samplesAfter('mqtt/emqx', '').list.at(-1);
    const { emqxNodes = [] } = readBlueGreen(blueGreenAt(60)).status;
    expect(last?.atMs).toBe(900);
    expect(last?.clients).toEqual(
      Object.fromEntries(emqxNodes.map(({ node, live_connections }) => [node, live_connections])),
    );
    expect(told).toBe(1);
    expect(due).toEqual([]);
  });
});

describe('a sample', () => {
  const node = (name: string, live: number | undefined, status = 'running'): EmqxNodeStatus => ({
    node: name,
    node_status: status,
    connections: 9,
    ...(live !== undefined && { live_connections: live }),
  });
  const evicting = (name: string, state: NodeEvacuationStatus['state']): NodeEvacuationStatus =>
    ({ node: name, state }) as NodeEvacuationStatus;
  const last: Sample = { seq: 4, atMs: 0, clients: { a: 100, b: 100 }, evicted: 7 };

  it('counts the clients of nodes that run, of old EMQX their sessions', () => {
    const status = { emqxNodes: [node('a', 5), node('b', undefined), node('c', 3, 'stopped')] };
    expect(sampleOf(status, { atMs: 9, before: {}, last: undefined })).toEqual({
      seq: 1,
      atMs: 9,
      clients: { a: 5, b: 9 },
      evicted: 0,
    });
  });

  it('counts as evicted who left a node that evicts, and nobody else', () => {
    const status = {
      emqxNodes: [node('a', 60), node('b', 50)],
      nodeEvacuationsStatus: [evicting('a', 'evicting_conns')],
    };
    expect(sampleOf(status, { atMs: 1000, before: {}, last })).toMatchObject({ seq: 5, evicted: 47 });
  });

  it('counts the last of them, whom the evacuation ends with', () => {
    const before = { nodeEvacuationsStatus: [evicting('a', 'evicting_conns')] };
    const status = { emqxNodes: [node('b', 100)], nodeEvacuationsStatus: [] };
    expect(sampleOf(status, { atMs: 1000, before, last })).toMatchObject({ evicted: 107 });
  });

  it('is none before nodes were looked at', () => {
    expect(sampleOf({}, { atMs: 0, before: {}, last: undefined })).toBeUndefined();
  });
});
