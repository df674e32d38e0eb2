import { describe, expect, it } from '@jest/globals';
import { apply_patch } from 'jsonpatch';
import type { JsonObject } from '../../lib/json.js';
import type { AskApiServer } from '../../lib/api-server.js';
import { makeBlueGreens } from '../../webhook/blue-greens.js';

const { signal } = new AbortController();
const target = { namespace: 'mqtt', name: 'emqx', replicas: 5, dryRun: false };

/** An API server with one BlueGreen, or a status that it answers with. */
function apiServer(stored: JsonObject | number): { ask: AskApiServer; asked: string[]; now: () => unknown } {
  let object = stored;
  const asked: string[] = [];
  const ask: AskApiServer = (method, path, { body = '', contentType }) => {
    asked.push(`${method} ${path} ${contentType}`);
    if (typeof object === 'number') return Promise.resolve({ status: object, body: '' });
    try {
      object = apply_patch(object, body);
      return Promise.resolve({ status: 200, body: '' });
    } catch {
      return Promise.resolve({ status: 422, body: '' });
    }
  };
  return { ask, asked, now: () => object };
}

describe('a size for a BlueGreen', () => {
  const carried = { metadata: { annotations: { 'sluice.dev/replicas': '3' } }, spec: { replicas: 3 } };

  it('is recorded in one request, and nothing else changes', async () => {
    const { ask, asked, now } = apiServer(carried);
    expect(await makeBlueGreens(ask).scale(target, signal)).toBe('recorded');
    expect(now()).toEqual({ ...carried, spec: { replicas: 5 } });
    expect(asked).toEqual([
      'PATCH /apis/sluice.dev/v1alpha1/namespaces/mqtt/bluegreens/emqx?fieldManager=sluice-webhook application/json-patch+json',
    ]);
  });

  it('is only tried in a dry run', async () => {
    const { ask, asked } = apiServer(carried);
    await makeBlueGreens(ask).scale({ ...target, dryRun: true }, signal);
    expect(asked[0]).toContain('&dryRun=All');
  });

  it.each<{ when: string; stored: JsonObject | number }>([
    { when: 'there is none', stored: 404 },
    { when: 'the loop has carried no size', stored: { metadata: { annotations: {} }, spec: {} } },
    {
      when: 'a user made it for a set that is not labelled',
      stored: { metadata: {}, spec: { replicas: 3 } },
    },
  ])('is not ours to take when $when', async ({ stored }) => {
    expect(await makeBlueGreens(apiServer(stored).ask).scale(target, signal)).toBe('notOurs');
  });

  it.each([403, 409, 500, 503])('is an error at %d', async (status) => {
    await expect(makeBlueGreens(apiServer(status).ask).scale(target, signal)).rejects.toThrow(
      `HTTP ${status}`,
    );
  });
});
