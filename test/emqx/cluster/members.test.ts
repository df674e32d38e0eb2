import { describe, expect, it } from '@jest/globals';
import { answerJoin, chooseToJoin, type JoinAsked } from './members.js';

describe('joining', () => {
  const asked: JoinAsked = {
    joiner: 'e@c',
    self: 'e@a',
    members: ['e@a'],
    isStopping: false,
    isSingleNodeLicence: false,
    admitsListed: false,
  };
  it.each([
    ['a stranger', {}, 'welcome'],
    ['a name that is still listed', { members: ['e@a', 'e@c'] }, "{already_in_cluster,'e@c'}"],
    ['a listed name where that is admitted', { members: ['e@a', 'e@c'], admitsListed: true }, 'welcome'],
    ['anybody while stopping', { isStopping: true }, "{node_down,'e@a'}"],
    ['anybody with a licence for one', { isSingleNodeLicence: true }, 'Node e@a has a single node license'],
  ])('%s', (_who, some, expected) => {
    const answer = answerJoin({ ...asked, ...some });
    expect(answer.kind === 'welcome' ? 'welcome' : answer.reason).toBe(expected);
  });

  const found = [
    { name: 'e@b', startedAt: 2 },
    { name: 'e@a', startedAt: 1 },
  ];
  it('joins the oldest', () => expect(chooseToJoin('e@b', ['e@b'], found)).toBe('e@a'));
  it('joins nobody when it is the oldest', () => expect(chooseToJoin('e@a', ['e@a'], found)).toBeUndefined());
  it('joins nobody when it is in a cluster', () =>
    expect(chooseToJoin('e@b', ['e@b', 'e@x'], found)).toBeUndefined());
  it('joins nobody when nobody is found', () => expect(chooseToJoin('e@b', ['e@b'], [])).toBeUndefined());
});
