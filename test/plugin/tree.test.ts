import { describe, expect, it } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import { paint } from '../../plugin/paint.js';
import { remainingOf } from '../../plugin/remaining.js';
import { treeOf } from '../../plugin/tree.js';
import type { View } from '../../plugin/view.js';
import type { UpgradeStep } from '../../lib/types.js';
import { ago, BLUE, draining, GREEN, NEW, set, upgrade, view } from './cases.js';

const drawn = (seen: View, width = 120, isWide = false): string[] =>
  treeOf(seen, { width, isWide }).map((line) => paint(line, false));

describe('the tree', () => {
  it('of a cluster at rest', () => {
    expect(drawn(view())).toEqual([
      'Name        emqx',
      'Namespace   mqtt',
      'Phase       ✔ Stable',
      'Message     emqx-bbbbbbbbb serves with 3 nodes',
      '',
      'NAME                    STATE                CLIENTS  SESSIONS    RATE  AGE  IMAGE',
      '◆ emqx                  ✔ Stable 3/3            3000      3000          12d',
      '└─# emqx-bbbbbbbbb      ✔ active 3/3            3000      3000           1h  emqx-enterprise:5.8.8',
      '  ├─□ emqx-bbbbbbbbb-0  ✔ running               1000      1000           1h',
      '  ├─□ emqx-bbbbbbbbb-1  ✔ running               1000      1000           1h',
      '  └─□ emqx-bbbbbbbbb-2  ✔ running               1000      1000           1h',
    ]);
  });

  it('of an upgrade in its drain', () => {
    const lines = drawn(draining());
    expect(lines).toContain('Upgrade     emqx-bbbbbbbbb → emqx-ggggggggg');
    expect(lines).toContain('Asked for   by alice, 1m ago');
    expect(lines.find((line) => line.startsWith('Left'))).toMatch(
      /^Left {8}1600 clients on 3 nodes, about 26s \(until \d\d:\d\d:\d\d\)$/,
    );
    expect(lines.slice(-11).map((line) => line.replace(/ +/g, ' '))).toEqual([
      'NAME STATE CLIENTS SESSIONS RATE AGE IMAGE',
      '◆ emqx ◌ Draining 3/3 3000 3400 12d',
      '├─# emqx-ggggggggg ✔ active 3/3 1400 1400 1h emqx-enterprise:5.8.9',
      '│ ├─□ emqx-ggggggggg-0 ✔ running 467 467 1h',
      '│ ├─□ emqx-ggggggggg-1 ✔ running 467 467 1h',
      '│ └─□ emqx-ggggggggg-2 ✔ running 466 466 1h',
      '├─# emqx-bbbbbbbbb ◌ leaving 1/1 1600 2000 24h emqx-enterprise:5.8.8',
      '│ ├─□ emqx-bbbbbbbbb-0 ✔ running 1000 1000 1h',
      '│ ├─□ emqx-bbbbbbbbb-1 ◌ evicting_conns 600 1000 200/s 1h',
      '│ └─□ emqx-bbbbbbbbb-2 ✔ drained 1h',
      '└─# emqx-kkkkkkkkk · kept 9d emqx-enterprise:5.8.7',
    ]);
  });

  it('has the phases that were, are, and are to come', () => {
    const steps: UpgradeStep[] = [
      { name: 'creation', startedAt: ago(60), endedAt: ago(59) },
      { name: 'readiness', startedAt: ago(59), endedAt: ago(50) },
      { name: 'pause', startedAt: ago(50), endedAt: ago(45) },
      { name: 'readiness', startedAt: ago(45), endedAt: ago(40) },
      { name: 'gates', startedAt: ago(40), endedAt: ago(40) },
      { name: 'switch', startedAt: ago(40), endedAt: ago(39) },
      { name: 'delay', startedAt: ago(39) },
    ];
    const seen = view({ status: { phase: 'Delaying', upgrade: { ...upgrade, steps } } });
    const lines = drawn(seen);
    expect(lines[lines.findIndex((line) => line.startsWith('Phases'))]).toBe(
      'Phases      ✔ creation 1s  ✔ readiness 14s  ✔ pause 5s  ✔ gates 0s  ✔ switch 1s  ◌ delay 39s  · draining  · clean-up',
    );
    const narrow = drawn(seen, 60);
    const at = narrow.findIndex((line) => line.startsWith('Phases'));
    expect(narrow.slice(at, at + 3)).toEqual([
      'Phases      ✔ creation 1s  ✔ readiness 14s  ✔ pause 5s',
      '            ✔ gates 0s  ✔ switch 1s  ◌ delay 39s  · draining',
      '            · clean-up',
    ]);
  });

  it.each([80, 100, 200])('keeps within %d columns, with every version to be seen', (width) => {
    const lines = drawn(draining(), width);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    for (const version of ['5.8.7', '5.8.8', '5.8.9']) expect(lines.join('\n')).toContain(version);
  });

  it('names images in whole when there is no end to the width', () => {
    expect(drawn(draining(), Infinity, true).join('\n')).toContain('  emqx/emqx-enterprise:5.8.9');
  });

  it.each([
    ['CrashLoopBackOff', '✖ CrashLoopBackOff'],
    ['ImagePullBackOff', '✖ ImagePullBackOff'],
    ['ContainerCreating', '◌ ContainerCreating'],
  ])('says of a pod that waits by %s: %s', (waiting, words) => {
    const seen = view({ sets: [set(BLUE), set(GREEN, { nodes: [{ waiting }] })], status: { wanted: GREEN } });
    expect(drawn(seen).find((line) => line.includes(`${GREEN}-0`))).toContain(words);
  });

  it('has colours on a terminal alone, and no word in them alone', () => {
    const coloured = treeOf(draining(), { width: 120, isWide: false }).map((line) => paint(line, true));
    expect(coloured.join('\n')).toContain('\u001b[94memqx-bbbbbbbbb\u001b[0m');
    expect(coloured.map((line) => stripVTControlCharacters(line).trimEnd())).toEqual(drawn(draining()));
  });
});

/** The record of a drain that began 10 s ago. */
function drainOf(ordinal: number): UpgradeStep {
  const pod = `${BLUE}-${ordinal}`;
  return { name: 'drain', pod, uid: `uid-of-${pod}`, startedAt: ago(10) };
}

describe('what is left', () => {
  it.each<{ when: string; seen: View; is: ReturnType<typeof remainingOf> }>([
    { when: 'nothing goes on', seen: view(), is: undefined },
    {
      when: 'one drains and one is to come',
      seen: draining(),
      is: { clients: 1600, nodes: 3, seconds: 9 + 12 + 5, from: 'now' },
    },
    {
      when: 'green is not there yet, it counts from the switch',
      seen: view({ status: { phase: 'Progressing', wanted: GREEN, upgrade }, sets: [set(BLUE), set(GREEN)] }),
      is: { clients: 3000, nodes: 3, seconds: 5 + 3 * 12 + 5, from: 'switch' },
    },
    {
      when: 'no delay is asked for, it is the 2 s that Sluice waits all the same',
      seen: view({
        spec: {
          updateStrategy: {
            initialDelaySeconds: 0,
            evacuationStrategy: { waitTakeover: 6, connEvictRate: 200, sessEvictRate: 200 },
          },
        },
        status: { phase: 'Progressing', wanted: GREEN, upgrade },
        sets: [set(BLUE), set(GREEN)],
      }),
      is: { clients: 3000, nodes: 3, seconds: 2 + 3 * 12 + 5, from: 'switch' },
    },
    {
      when: 'a third of the delay has passed',
      seen: view({
        spec: {
          updateStrategy: {
            initialDelaySeconds: 60,
            evacuationStrategy: { waitTakeover: 6, connEvictRate: 200, sessEvictRate: 200 },
          },
        },
        status: { phase: 'Delaying', active: GREEN, wanted: GREEN, upgrade },
        sets: [set(BLUE), set(GREEN, { image: NEW })],
      }),
      is: { clients: 3000, nodes: 3, seconds: 20 + 3 * 12 + 5, from: 'now' },
    },
    {
      when: 'the record alone says that one drains, one gave up, and one is to drain again',
      seen: view({
        status: {
          phase: 'Draining',
          active: GREEN,
          wanted: GREEN,
          upgrade: {
            ...upgrade,
            steps: [
              { ...drainOf(0), endedAt: ago(20), outcome: 'timedOut' },
              { ...drainOf(1), clients: 1000, sessions: 1000 },
              { ...drainOf(2), endedAt: ago(5), outcome: 'interrupted' },
            ],
          },
        },
        sets: [set(BLUE), set(GREEN, { image: NEW })],
      }),
      // 12 s for 1000 clients, of which the second's begins now for all that EMQX says
      is: { clients: 3000, nodes: 3, seconds: 11 + 12 + 5, from: 'now' },
    },
  ])('when $when', ({ seen, is }) => expect(remainingOf(seen)).toEqual(is));
});
