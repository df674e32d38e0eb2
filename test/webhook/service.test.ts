import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../lib/json.js';
import { LABEL } from '../../lib/names.js';
import type { AdmissionRequest } from '../../webhook/review.js';
import { answered, OWN_USER, patched, request } from './reviews.js';

const service = (labels: JsonObject | undefined, selector: JsonObject | undefined): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'emqx', namespace: 'mqtt', ...(labels ? { labels } : {}) },
  spec: { ports: [{ port: 1883 }], ...(selector ? { selector } : {}) },
});
const managed = { [LABEL.managed]: 'true' };
const pinned = { app: 'emqx', [LABEL.revision]: 'abc' };
const stored = service(managed, pinned);
const update = (object: JsonObject, oldObject = stored): AdmissionRequest =>
  request({ resource: 'services', oldObject, object });

const held: { when: string; asked: AdmissionRequest; then: JsonObject }[] = [
  { when: 'its file is applied again', asked: update(service(undefined, { app: 'emqx' })), then: stored },
  { when: 'only the selector loses its key', asked: update(service(managed, { app: 'emqx' })), then: stored },
  { when: 'only the label is dropped', asked: update(service({}, pinned)), then: stored },
  {
    when: 'somebody points it elsewhere',
    asked: update(service(managed, { ...pinned, [LABEL.revision]: 'zzz' })),
    then: stored,
  },
  {
    when: 'another key of the selector changes',
    asked: update(service(managed, { app: 'x' })),
    then: service(managed, { app: 'x', [LABEL.revision]: 'abc' }),
  },
  {
    when: 'it is not yet pinned',
    asked: update(service({}, { app: 'emqx' }), service(managed, { app: 'emqx' })),
    then: service(managed, { app: 'emqx' }),
  },
];

describe('a managed Service', () => {
  it.each(held)('keeps its revision when $when', async ({ asked, then }) => {
    expect(patched(asked, await answered(asked))).toEqual(then);
  });

  it.each(held)('is not changed by a second call when $when', async ({ asked }) => {
    const again = { ...asked, object: patched(asked, await answered(asked)) };
    expect((await answered(again)).ops).toEqual([]);
  });

  it('leaves the ownership of its selector to nobody, so that no later apply conflicts', async () => {
    const managedFields = [
      { manager: 'kubectl', fieldsV1: { 'f:spec': { 'f:ports': {}, 'f:selector': {} } } },
    ];
    const applied = service(undefined, { app: 'emqx' });
    const asked = update({ ...applied, metadata: { ...(applied['metadata'] as JsonObject), managedFields } });
    const { metadata } = patched(asked, await answered(asked)) as { metadata: JsonObject };
    expect(metadata['managedFields']).toEqual([
      { manager: 'kubectl', fieldsV1: { 'f:spec': { 'f:ports': {} } } },
    ]);
  });

  it.each<{ when: string; asked: AdmissionRequest }>([
    {
      when: 'the controller switches it',
      asked: { ...update(service(managed, { ...pinned, [LABEL.revision]: 'def' })), user: OWN_USER },
    },
    {
      when: 'the controller takes its revision off',
      asked: { ...update(service(managed, { app: 'emqx' })), user: OWN_USER },
    },
    {
      when: 'the controller takes its label off',
      asked: { ...update(service({}, { app: 'emqx' }), service(managed, { app: 'emqx' })), user: OWN_USER },
    },
    {
      when: 'it was given back, and somebody edits it',
      asked: update(service({}, { app: 'x' }), service({}, { app: 'emqx' })),
    },
    { when: 'its selector goes for good', asked: update(service(undefined, undefined)) },
    {
      when: 'its ports change',
      asked: update({ ...stored, spec: { selector: pinned, ports: [{ port: 8883 }] } }),
    },
    { when: 'it was never managed', asked: update(service({}, { app: 'x' }), service({}, pinned)) },
    { when: 'it is created', asked: request({ resource: 'services', operation: 'CREATE', object: stored }) },
    {
      when: 'it is being deleted',
      asked: update({ ...service({}, { app: 'x' }), metadata: { deletionTimestamp: 'now' } }),
    },
  ])('is left alone when $when', async ({ asked }) => {
    expect(await answered(asked)).toEqual({ kind: 'admit', ops: [], warnings: [] });
  });
});
