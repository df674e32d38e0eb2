import { describe, expect, it } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import { paint } from '../../plugin/paint.js';
import { remainingOf } from '../../plugin/remaining.js';
import { treeOf } from '../../plugin/tree.js';
import type { View } from '../../plugin/view.js';
import { BLUE, draining, GREEN, NEW, set, upgrade, view } from './cases.js';

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
      'NAME                    STATE         CLIENTS  SESSIONS  RATE  AGE  IMAGE',
      '⟳ emqx                  ✔ Stable 3/3     3000      3000        12d',
      '└─# emqx-bbbbbbbbb      ✔ active 3/3     3000      3000         1h  emqx-enterprise:5.8.8',
      '  ├─□ emqx-bbbbbbbbb-0  ✔ running        1000      1000         1h',
      '  ├─□ emqx-bbbbbbbbb-1  ✔ running        1000      1000         1h',
      '  └─□ emqx-bbbbbbbbb-2  ✔ running        1000      1000         1h',
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
      '⟳ emqx ◌ Draining 3/3 3000 3400 12d',
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
    expect(coloured.join('\n')).toContain('\u001b[34memqx-bbbbbbbbb\u001b[0m');
    expect(coloured.map((line) => stripVTControlCharacters(line).trimEnd())).toEqual(drawn(draining()));
  });
});

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
  ])('when $when', ({ seen, is }) => expect(remainingOf(seen)).toEqual(is));
});
