import { describe, expect, it } from '@jest/globals';
import { isFilter, isTopic, matches, TopicIndex } from './topics.js';

describe('topics', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/b', 'a/c', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a/b/c', false],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['#', 'a/b', true],
    ['+/b', 'a/b', true],
    ['+', '/a', false],
    ['+/+', '/a', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
  ])('%s matches %s: %s', (filter, topic, expected) => expect(matches(filter, topic)).toBe(expected));

  it.each([
    ['a/#/b', false],
    ['a+', false],
    ['a#', false],
    ['', false],
    ['+/a/#', true],
  ])('filter %s is good: %s', (filter, expected) => expect(isFilter(filter)).toBe(expected));

  it('publishes to no wildcard', () =>
    expect([isTopic('a/b'), isTopic('a/+'), isTopic('')]).toEqual([true, false, false]));

  it('names the filter that matched, and forgets what was deleted', () => {
    const index = new TopicIndex<string>();
    for (const filter of ['a/+', 'a/#', 'a/b']) index.add(filter, filter);
    const found = () => {
      const filters: string[] = [];
      index.match('a/b', (holder, filter) => {
        expect(holder).toBe(filter);
        filters.push(filter);
      });
      return filters.sort();
    };
    expect(found()).toEqual(['a/#', 'a/+', 'a/b']);
    index.delete('a/+', 'a/+');
    index.delete('a/b', 'a/b');
    expect(found()).toEqual(['a/#']);
  });
});
