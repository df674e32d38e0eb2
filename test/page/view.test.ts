import { describe, expect, it } from '@jest/globals';
import { readBlueGreen } from '../../controller/page/blue-green.js';
import { makeBoard } from '../../controller/page/board.js';
import { messageOfAll, messageOfOne } from '../../controller/page/messages.js';
import type { PageMessage } from '../../lib/page/messages.js';
import { all, h, textOf, type Element } from '../../page/h.js';
import { firstState, linkTo, reduce, routeOf, type State } from '../../page/state.js';
import { pageOf, titleOf } from '../../page/view/page.js';
import { apart, ticksTo, timeTicks } from '../../page/view/scale.js';
import { BEGAN, BLUE, blueGreenAt, ENDS, GREEN } from './upgrade.js';

const WHERE = { namespace: 'mqtt', name: 'emqx' };
const ORIGIN = { replica: 'a', leader: 'b' };

/** The state of a page that has looked since `from`, at second `to` of the upgrade; through the controller's own messages. */
function stateAt(to: number, { from = -20, width = 1100, route = routeOf(linkTo(WHERE)) } = {}): State {
  let nowMs = 0;
  const board = makeBoard(() => nowMs);
  for (let second = from; second <= to; second += 1) {
    nowMs = BEGAN + second * 1000;
    board.saw(readBlueGreen(blueGreenAt(second)));
  }
  const origin = { ...ORIGIN, atMs: nowMs };
  const first = firstState(route, { nowMs: 0, width });
  const messages: PageMessage[] = [
    messageOfAll(board, origin),
    messageOfOne(board, { ...WHERE, after: '' }, { origin, events: [] }).message,
  ];
  const own = messages.filter(({ kind }) => kind === route.kind);
  return own.reduce((state, message) => reduce(state, { kind: 'message', message, nowMs }), first);
}

const page = (state: State): Element => h('div', {}, ...pageOf(state));
const section = (state: State, name: string): Element => {
  const found = all(page(state), 'section').find((one) => one.attributes['aria-labelledby'] === name);
  if (!found) throw new Error(`no section ${name}`);
  return found;
};
const figures = (state: State): Record<string, string> => {
  const [list] = all(page(state), 'dl');
  return Object.fromEntries(
    (list?.children ?? []).map((one) => [textOf(all(one, 'dt')[0] ?? ''), textOf(all(one, 'dd')[0] ?? '')]),
  );
};
/** Of each node: name, state, clients, sessions. */
const nodes = (state: State): string[][] =>
  all(section(state, 'nodes'), 'tbody')
    .flatMap((body) => all(body, 'tr'))
    .map((row) => row.children.map((cell) => textOf(cell).replace(/^[✔◌·✖] /, '')));

describe('one upgrade', () => {
  it('shows who drains and who fills', () => {
    expect(nodes(stateAt(49))).toEqual([
      ['-0', 'drained', '0', '0'],
      ['-1', 'evicting_conns', '200', '200'],
      ['-2', 'waiting', '1,000', '1,000'],
      ['-0', 'serving', '600', '600'],
      ['-1', 'serving', '600', '600'],
      ['-2', 'serving', '600', '600'],
    ]);
    const captions = all(section(stateAt(49), 'nodes'), 'caption').map(textOf);
    expect(captions).toEqual([
      `${BLUE} 1,200 clients blue, to be left · 3 nodes · EMQX 5.8.8`,
      `${GREEN} 1,800 clients green, to serve · 3 nodes · EMQX 5.8.9`,
    ]);
  });

  it('shows nodes that EMQX does not know yet, or no more', () => {
    expect(nodes(stateAt(10)).map(([name, state]) => [name, state])).toEqual([
      ...[0, 1, 2].map((at) => [`-${at}`, 'serving']),
      ...[0, 1, 2].map((at) => [`-${at}`, 'starting']),
    ]);
    expect(nodes(stateAt(55)).map(([, state]) => state)).toEqual(
      ['drained', 'evicting_conns', 'waiting', 'serving', 'serving', 'serving'].map((state, at) =>
        at === 1 ? 'waiting_takeover' : state,
      ),
    );
  });

  it('says what is left, how fast it goes, and until when', () => {
    expect(figures(stateAt(47))).toEqual({
      'Clients left': '1,600 on 3 nodes to leave',
      'Time left': '~ 26s until 12:01:13 UTC',
      Evicted: '133/s of 200/s at most',
      'Nodes ready': `3/3 ${GREEN}`,
      Began: '47s ago, 12:00:00 UTC',
    });
  });

  it('counts down between two words of the controller', () => {
    const state = stateAt(47);
    const later = reduce(state, { kind: 'tick', nowMs: BEGAN + 50_000 });
    expect(figures(later)['Time left']).toBe('~ 23s until 12:01:13 UTC');
  });

  it('counts down through signs of life that bring no picture', () => {
    const beat = { kind: 'beat', atMs: BEGAN + 50_000, replica: 'a' } as const;
    const later = reduce(stateAt(47), { kind: 'message', message: beat, nowMs: 50_000 });
    expect(figures(later)['Time left']).toBe('~ 23s until 12:01:13 UTC');
  });

  it('says that the time left counts from the switch, before it', () => {
    expect(figures(stateAt(10))['Time left']).toMatch(/^~ \d+s from the switch on$/);
  });

  it('has its phases, and says which is the present one', () => {
    const items = all(section(stateAt(49), 'phases'), 'li');
    expect(items.map(textOf)).toEqual([
      '✔ creation done 1s',
      '✔ readiness done 19s',
      '✔ gates done 2s',
      '✔ switch done 1s',
      '✔ delay done 9s',
      '◌ draining in progress 17s',
      '· clean-up to come',
    ]);
    expect(items.filter((one) => one.attributes['aria-current'] === 'step')).toHaveLength(1);
  });

  it('has a curve for each node, that says in words what it shows', () => {
    const curves = section(stateAt(49), 'curves');
    expect(all(curves, 'polyline')).toHaveLength(6);
    expect(all(curves, 'polyline').map((line) => line.attributes['class'])).toEqual([
      ...Array<string>(3).fill('line blue'),
      ...Array<string>(3).fill('line green'),
    ]);
    const [description] = all(curves, 'desc').map(textOf);
    expect(description).toContain(`${BLUE}-1: from 1000 to 200`);
    expect(description).toContain(`${GREEN}-2: from 0 to 600`);
    const rows = all(all(curves, 'tbody')[0] ?? '', 'tr').map(textOf);
    expect(rows.length).toBeLessThanOrEqual(13);
    expect(rows.at(-1)).toBe('49s – 200 1,000 600 600 600');
  });

  it('stays within its charts', () => {
    for (const width of [390, 1100]) {
      const curves = section(stateAt(60, { width }), 'curves');
      for (const svg of all(curves, 'svg')) {
        const points = all(svg, 'polyline')
          .flatMap((line) => (line.attributes['points'] ?? '').split(' '))
          .map((point) => point.split(',').map(Number));
        expect(points.flat().every(Number.isFinite)).toBe(true);
        for (const [x = 0, y = 0] of points) {
          expect(x).toBeGreaterThanOrEqual(0);
          expect(x).toBeLessThanOrEqual(Math.min(width, Number(svg.attributes['width'])));
          expect(y).toBeGreaterThanOrEqual(0);
          expect(y).toBeLessThanOrEqual(Number(svg.attributes['height']));
        }
      }
    }
  });

  it('says when its curves begin late, and only then', () => {
    const words = 'The curves begin at 12:00:40 UTC';
    expect(textOf(section(stateAt(49, { from: 40 }), 'curves'))).toContain(words);
    expect(textOf(section(stateAt(49), 'curves'))).not.toContain('The curves begin at');
  });

  it('has a timeline of phases and of each node, and every step in a table', () => {
    const steps = section(stateAt(49), 'timeline');
    expect(all(steps, 'g').map((row) => textOf(all(row, 'text')[0] ?? ''))).toEqual([
      'phases',
      ...[0, 1, 2].map((at) => `${GREEN}-${at}`),
      ...[0, 1].map((at) => `${BLUE}-${at}`),
    ]);
    const rows = all(all(steps, 'tbody')[0] ?? '', 'tr').map(textOf);
    expect(rows).toContain(`32s drain ${BLUE}-0 12s 1,000 1,000 drained`);
    expect(rows).toContain(`44s drain ${BLUE}-1 5s 1,000 1,000 goes on`);
  });

  it('tells who listens the phase and what is waited for, without figures', () => {
    const news = (state: State): string =>
      all(page(state), 'p')
        .filter((one) => one.attributes['role'] === 'status')
        .map(textOf)
        .join();
    expect(news(stateAt(46))).toBe(`emqx: Draining. ${BLUE}-1 is draining (evicting_conns)`);
    expect(news(stateAt(47))).toBe(news(stateAt(46)));
    expect(news(reduce(stateAt(46), { kind: 'link', link: 'lost' }))).toContain('Connection lost');
  });

  it('says of a refusal what is so whatever it was', () => {
    expect(textOf(page(reduce(stateAt(46), { kind: 'link', link: 'refused' })))).toContain(
      'refused; trying again',
    );
  });

  it('is in the history when it has ended, with its curves', () => {
    const state = stateAt(ENDS + 5);
    expect(textOf(section(state, 'history'))).toContain(
      `✔ succeeded ${BLUE} → ${GREEN} 5s ago , took 1m15s , asked for by alice`,
    );
    expect(figures(state)['Clients']).toBe('3,000 on 3 nodes');
    expect(all(section(state, 'curves'), 'polyline')).toHaveLength(6);
    expect(titleOf(state)).toBe('✔ Stable · emqx · Sluice');
  });
});

describe('the page', () => {
  it('lists every BlueGreen with a link', () => {
    const state = stateAt(49, { route: { kind: 'all' } });
    const rows = all(all(page(state), 'tbody')[0] ?? '', 'tr');
    expect(rows.map(textOf)).toEqual([
      `emqx mqtt ◌ Draining 3/3 1,200 ${BLUE}-1 is draining (evicting_conns), 200 clients and 200 sessions left 12d`,
    ]);
    expect(rows.flatMap((row) => all(row, 'a')).map((link) => link.attributes['href'])).toEqual([
      '#/mqtt/emqx',
    ]);
    expect(titleOf(state)).toBe('(1) Sluice');
  });

  it('says what to do where there is nothing', () => {
    const first = firstState({ kind: 'all' }, { nowMs: 0, width: 800 });
    const message: PageMessage = { kind: 'all', atMs: 0, replica: 'a', blueGreens: [], more: 0 };
    expect(textOf(page(reduce(first, { kind: 'message', message, nowMs: 0 })))).toContain(
      'sluice.dev/upgrade=blue-green',
    );
  });

  it('says that there is no such BlueGreen', () => {
    const first = firstState({ kind: 'one', namespace: 'mqtt', name: 'gone' }, { nowMs: 0, width: 800 });
    const message: PageMessage = { kind: 'one', atMs: 0, replica: 'a', samples: { isWhole: true, list: [] } };
    expect(textOf(page(reduce(first, { kind: 'message', message, nowMs: 0 })))).toContain(
      'There is no BlueGreen gone in namespace mqtt.',
    );
  });

  it.each([
    { given: { leader: 'a' }, words: 'Told by a; it leads.' },
    { given: { leader: 'b' }, words: 'Told by a; b leads.' },
    { given: { leader: '' }, words: 'no controller leads' },
    { given: {}, words: 'who leads cannot be read' },
    { given: { deafSinceMs: 5_000 }, words: 'The API server has not been heard for 35s' },
  ])('says who tells, and how fresh it is: $words', ({ given, words }) => {
    const message: PageMessage = { kind: 'beat', atMs: 40_000, replica: 'a', ...given };
    const first = firstState({ kind: 'all' }, { nowMs: 0, width: 800 });
    expect(textOf(page(reduce(first, { kind: 'message', message, nowMs: 0 })))).toContain(words);
  });

  it('has one first heading, a caption for each table and a name for each picture', () => {
    for (const state of [stateAt(49), stateAt(49, { route: { kind: 'all' } })]) {
      expect(all(page(state), 'h1')).toHaveLength(1);
      for (const table of all(page(state), 'table')) expect(all(table, 'caption')).toHaveLength(1);
      for (const svg of all(page(state), 'svg')) {
        if (svg.attributes['aria-hidden'] === 'true') continue;
        expect(svg.attributes['role']).toBe('img');
        expect(textOf(all(svg, 'title')[0] ?? '')).not.toBe('');
        expect(textOf(all(svg, 'desc')[0] ?? '')).not.toBe('');
      }
    }
  });

  it('goes on with the samples it has, and begins anew when told to', () => {
    const state = stateAt(49);
    const next = { seq: 99, atMs: BEGAN + 50_000, clients: {}, evicted: 0 };
    const told = (isWhole: boolean): State =>
      reduce(state, {
        kind: 'message',
        message: { kind: 'one', atMs: next.atMs, replica: 'a', samples: { isWhole, list: [next] } },
        nowMs: 0,
      });
    expect(told(false).samples).toEqual([...state.samples, next]);
    expect(told(true).samples).toEqual([next]);
  });
});

describe('an address', () => {
  it.each([
    { fragment: '#/mqtt/emqx', route: { kind: 'one', namespace: 'mqtt', name: 'emqx' } },
    { fragment: '', route: { kind: 'all' } },
    { fragment: '#/', route: { kind: 'all' } },
    { fragment: '#/mqtt', route: { kind: 'all' } },
    { fragment: '#/mqtt/emqx/x', route: { kind: 'all' } },
    { fragment: '#/<b>/x', route: { kind: 'all' } },
  ])('$fragment is a route', ({ fragment, route }) => expect(routeOf(fragment)).toEqual(route));
});

describe('a chart', () => {
  it.each([
    { most: 1000, ticks: [0, 500, 1000] },
    { most: 3, ticks: [0, 2, 4] },
    { most: 0, ticks: [0, 1] },
    { most: 220, ticks: [0, 100, 200, 300] },
  ])('has round values up to $most', ({ most, ticks }) => expect(ticksTo(most, 2.2)).toEqual(ticks));

  it('has round times, before its zero too', () => {
    expect(timeTicks({ fromMs: 90_000, toMs: 160_000 }, 100_000, 5)).toEqual([0, 15, 30, 45, 60]);
    expect(timeTicks({ fromMs: 70_000, toMs: 100_000 }, 100_000, 4)).toEqual([-30, -20, -10, 0]);
  });

  it('moves names apart, within bounds', () => {
    expect(apart([100, 100, 100], 14, [0, 110])).toEqual([82, 96, 110]);
    expect(apart([5, 50, 7], 10, [0, 100])).toEqual([5, 50, 15]);
  });
});
