import { describe, expect, it } from '@jest/globals';
import { isExpected, missingNames } from '../../../controller/observe/strays.js';
import type { JsonObject } from '../../../lib/json.js';
import { declarationObject, podObject } from '../fixtures/objects.js';

const set = (spec: JsonObject): JsonObject => ({ metadata: { name: 'emqx-bcdfghjkl' }, spec });
const pod = (name: string): JsonObject => podObject({ metadata: { name } });

describe('names of pods that were not found by their labels', () => {
  const declaration = declarationObject();

  it('are all those that a set should have, however many', () => {
    const owners = { declaration, sets: [set({ replicas: 40 })] };
    const found = Array.from({ length: 20 }, (_, ordinal) => pod(`emqx-bcdfghjkl-${ordinal}`));
    const missing = Array.from({ length: 20 }, (_, index) => `emqx-bcdfghjkl-${20 + index}`);
    expect([...missingNames({ owners, alsoNamed: [] }, found)]).toEqual(missing);
  });

  it('are not built of a size that got past the webhook: each is one more, however many', () => {
    const expected = { owners: { declaration, sets: [set({ replicas: 2 ** 31 - 1 })] }, alsoNamed: [] };
    const [first, second] = missingNames(expected, [pod('emqx-bcdfghjkl-0')]);
    expect([first, second]).toEqual(['emqx-bcdfghjkl-1', 'emqx-bcdfghjkl-2']);
    expect(isExpected('emqx-bcdfghjkl-2147483646', expected)).toBe(true);
    expect(isExpected('emqx-bcdfghjkl-2147483647', expected)).toBe(false);
    expect(isExpected('emqx-bcdfghjkl-x', expected)).toBe(false);
  });

  it('begin where spec.ordinals does', () => {
    const own = declarationObject({ spec: { replicas: 2, ordinals: { start: 5 } } });
    const owners = { declaration: own, sets: [] };
    expect([...missingNames({ owners, alsoNamed: [] }, [pod('emqx-5')])]).toEqual(['emqx-6']);
  });

  it('are those of nodes that EMQX lists, too', () => {
    const owners = { declaration, sets: [set({ replicas: 0 })] };
    const expected = { owners, alsoNamed: ['emqx-bcdfghjkl-1', 'other-0', 'emqx-bcdfghjkl-1'] };
    expect([...missingNames(expected, [])]).toEqual(['emqx-bcdfghjkl-1']);
    expect(isExpected('emqx-bcdfghjkl-1', expected)).toBe(true);
    expect(isExpected('other-0', expected)).toBe(false);
  });
});
