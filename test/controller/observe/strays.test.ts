import { describe, expect, it } from '@jest/globals';
import { missingNames } from '../../../controller/observe/strays.js';
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
    expect(missingNames(owners, found, [])).toEqual(missing);
  });

  it('begin where spec.ordinals does', () => {
    const own = declarationObject({ spec: { replicas: 2, ordinals: { start: 5 } } });
    expect(missingNames({ declaration: own, sets: [] }, [pod('emqx-5')], [])).toEqual(['emqx-6']);
  });

  it('are those of nodes that EMQX lists, too', () => {
    const owners = { declaration, sets: [set({ replicas: 0 })] };
    expect(missingNames(owners, [], ['emqx-bcdfghjkl-1', 'other-0'])).toEqual(['emqx-bcdfghjkl-1']);
  });
});
