import { describe, expect, it } from '@jest/globals';
import { apply_patch } from 'jsonpatch';
import type { JsonObject } from '../../lib/json.js';
import { disownSpec } from '../../lib/managed-fields.js';

const owned = (...entries: JsonObject[]): JsonObject => ({
  metadata: { managedFields: entries.map((fieldsV1, index) => ({ manager: `m${index}`, fieldsV1 })) },
});
const replicas = { 'f:replicas': {} };
const strategy = { 'f:updateStrategy': { 'f:type': {} } };
const template = { 'f:template': { 'f:spec': {} } };
const labels = { 'f:metadata': { 'f:labels': {} } };

describe('ownership of held fields', () => {
  it.each<{ when: string; object: JsonObject; then: JsonObject }>([
    { when: 'nobody is listed', object: { metadata: {} }, then: { metadata: {} } },
    {
      when: 'others own other fields',
      object: owned({ 'f:spec': template }, labels),
      then: owned({ 'f:spec': template }, labels),
    },
    {
      when: 'somebody owns them among others',
      object: owned({ 'f:spec': { ...replicas, ...strategy, ...template }, ...labels }),
      then: owned({ 'f:spec': template, ...labels }),
    },
    {
      when: 'somebody owns nothing else in spec',
      object: owned({ 'f:spec': replicas, ...labels }),
      then: owned(labels),
    },
    {
      when: 'some own nothing else at all',
      object: {
        metadata: {
          managedFields: [
            { manager: 'a', fieldsV1: { 'f:spec': replicas } },
            { manager: 'b', fieldsV1: { 'f:spec': template } },
            { manager: 'c', subresource: 'scale', fieldsV1: { 'f:spec': replicas } },
          ],
        },
      },
      then: { metadata: { managedFields: [{ manager: 'b', fieldsV1: { 'f:spec': template } }] } },
    },
  ])('is nobody’s when $when', ({ object, then }) => {
    const freed = apply_patch(structuredClone(object), disownSpec(object, ['replicas', 'updateStrategy']));
    expect(freed).toEqual(then);
    expect(disownSpec(freed, ['replicas', 'updateStrategy'])).toEqual([]);
  });
});
