import { describe, expect, it } from '@jest/globals';
import { disown, isOwned } from '../../../controller/apply/disown.js';
import type { Kube } from '../../../controller/kube/client.js';
import type { JsonObject } from '../../../lib/json.js';
import { jsonPatched } from '../double/store.js';

const { signal } = new AbortController();
const PATH = '/apis/sluice.dev/v1alpha1/namespaces/mq/bluegreens/emqx';
const spec = { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } };
const metadata = { 'f:metadata': { 'f:annotations': {} } };
const ours = { manager: 'sluice-controller', operation: 'Update' };
const webhooks = { manager: 'sluice-webhook', operation: 'Update' };
const users = { manager: 'kubectl', operation: 'Apply', fieldsV1: spec };
const status = { ...ours, subresource: 'status', fieldsV1: { 'f:status': {} } };

const listing = (...managedFields: JsonObject[]): JsonObject => ({
  metadata: { resourceVersion: '7', managedFields },
});

/** @returns what is left, as an API server would store it that takes an empty list for an oversight */
async function disowned(object: JsonObject): Promise<{ after: JsonObject; isWritten: boolean }> {
  let after = object;
  const kube = {
    jsonPatch: (_path: string, operations: JsonObject[]) => {
      const now = jsonPatched(structuredClone(object), operations);
      const { managedFields } = now['metadata'] as { managedFields: JsonObject[] };
      if (managedFields.length > 0)
        after = { metadata: { ...(now['metadata'] as object), resourceVersion: '8' } };
      return Promise.resolve(after);
    },
  } as unknown as Kube;
  return { isWritten: await disown(kube, PATH, object, signal), after };
}

describe('an object that Sluice has written', () => {
  it.each<{ when: string; object: JsonObject; left: JsonObject[] }>([
    {
      when: 'its user is listed too',
      object: listing({ ...ours, fieldsV1: { ...spec, ...metadata } }, users),
      left: [users],
    },
    {
      when: 'its status has an owner',
      object: listing({ ...ours, fieldsV1: { ...spec, ...metadata } }, status, {
        ...webhooks,
        fieldsV1: spec,
      }),
      left: [status],
    },
    {
      when: 'nobody else is listed: without any owner, the next apply would meet a made-up one',
      object: listing({ ...ours, fieldsV1: { ...spec, ...metadata } }),
      left: [{ ...ours, fieldsV1: metadata }],
    },
    {
      when: 'nobody else is listed, and the webhook has written a size',
      object: listing({ ...ours, fieldsV1: metadata }, { ...webhooks, fieldsV1: spec }),
      left: [{ ...ours, fieldsV1: metadata }],
    },
  ])('has a spec that is nobody’s when $when', async ({ object, left }) => {
    expect(isOwned(object)).toBe(true);
    const { after, isWritten } = await disowned(object);
    expect((after['metadata'] as JsonObject)['managedFields']).toEqual(left);
    expect(isWritten).toBe(true);
    expect(isOwned(after)).toBe(false);
  });

  it.each<{ when: string; object: JsonObject }>([
    { when: 'nobody is listed', object: listing() },
    { when: 'others are', object: listing(users, status) },
    {
      when: 'there would be no owner left: the API server would not do it',
      object: listing({ ...ours, fieldsV1: spec }),
    },
  ])('is left alone when $when', async ({ object }) => {
    expect(isOwned(object)).toBe(false);
    expect(await disowned(object)).toEqual({ after: object, isWritten: false });
  });
});
