import { describe, expect, it } from '@jest/globals';
import { ownClaims, parseClaims } from '../../../controller/observe/claims.js';
import type { JsonObject } from '../../../lib/json.js';
import { declarationObject } from '../fixtures/objects.js';

const declaration = declarationObject({
  spec: { volumeClaimTemplates: [{ metadata: { name: 'emqx-data' } }] },
});
const claim = (name: string, metadata: JsonObject = {}): JsonObject => ({
  metadata: {
    name,
    uid: 'u',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { 'sluice.dev/revision': 'bcdfghjkl' },
    ...metadata,
  },
});
const ownerReferences = [{ kind: 'StatefulSet', name: 'emqx', uid: 'uid-emqx', controller: false }];

describe('claims', () => {
  it('are those of the revision sets, by label and name', () => {
    const seen = parseClaims(
      [claim('emqx-data-emqx-bcdfghjkl-0'), claim('emqx-data-emqx-bcdfghjkl-12', { ownerReferences })],
      declaration,
    );
    expect(seen).toEqual([
      {
        name: 'emqx-data-emqx-bcdfghjkl-0',
        uid: 'u',
        revision: 'bcdfghjkl',
        owned: false,
        createdAtMs: Date.UTC(2026, 0, 1),
      },
      {
        name: 'emqx-data-emqx-bcdfghjkl-12',
        uid: 'u',
        revision: 'bcdfghjkl',
        owned: true,
        createdAtMs: Date.UTC(2026, 0, 1),
      },
    ]);
  });

  it.each([
    ['of an adopted set', claim('emqx-data-emqx-0', { labels: { app: 'emqx' } })],
    ['of another declaration', claim('emqx-data-emqx-edge-bcdfghjkl-0')],
    ['of another revision than its label says', claim('emqx-data-emqx-zzzzzzzzz-0')],
    ['of no template of the declaration', claim('logs-emqx-bcdfghjkl-0')],
    ['no numbered one', claim('emqx-data-emqx-bcdfghjkl-copy')],
    ['being deleted', claim('emqx-data-emqx-bcdfghjkl-0', { deletionTimestamp: '2026-01-01T00:00:09Z' })],
  ])('are none that is %s', (_, raw) => {
    expect(parseClaims([raw], declaration)).toEqual([]);
  });
});

describe('the own claims of an adopted declaration', () => {
  const own = (name: string, metadata: JsonObject = {}): JsonObject =>
    claim(name, { labels: { app: 'emqx' }, ...metadata });

  it('are those that its own pods were given, by name', () => {
    const all = [own('emqx-data-emqx-0'), claim('emqx-data-emqx-bcdfghjkl-0'), own('emqx-data-emqx-1')];
    expect(ownClaims(all, declaration)).toEqual(['emqx-data-emqx-0', 'emqx-data-emqx-1']);
  });

  it.each([
    ['of another StatefulSet with the same labels', own('emqx-data-emqx-edge-0')],
    ['of no template of the declaration', own('logs-emqx-0')],
    ['being deleted', own('emqx-data-emqx-0', { deletionTimestamp: '2026-01-01T00:00:09Z' })],
  ])('are none that is %s', (_, raw) => {
    expect(ownClaims([raw], declaration)).toEqual([]);
  });
});
