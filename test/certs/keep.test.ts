import { expect, it, jest } from '@jest/globals';
import { keepCertificates } from '../../certs/keep.js';
import type { JsonObject } from '../../lib/json.js';
import { makeLogger } from '../../lib/log.js';

// Keys are made, which takes a while on a busy machine.
jest.setTimeout(60_000);

it('a control CA that cannot be read is told of, and the webhook gets its certificates all the same', async () => {
  const made: string[] = [];
  const stop = new AbortController();
  const kube = {
    get: (path: string): Promise<JsonObject> =>
      path.endsWith('/control')
        ? Promise.resolve({ metadata: { resourceVersion: '1' }, data: { 'ca.crt': 'eA==' } })
        : Promise.reject(Object.assign(new Error('none'), { status: 404 })),
    create: (_path: string, body: JsonObject): Promise<JsonObject> => {
      made.push((body['metadata'] as { name: string }).name);
      stop.abort(new Error('seen'));
      return Promise.resolve(body);
    },
    update: (): Promise<JsonObject> => Promise.reject(new Error('nothing is to be replaced')),
  };
  const troubles: unknown[] = [];
  const failures: unknown[] = [];
  await keepCertificates(
    {
      kube,
      namespace: 'sluice-system',
      names: {
        webhookCaSecret: 'webhook-ca',
        webhookTlsSecret: 'webhook-tls',
        controlSecret: 'control',
        webhookService: 'webhook',
        webhookConfiguration: 'webhook',
      },
      findUser: () => Promise.resolve(undefined),
      onControl: () => undefined,
      onControlTrouble: (cause) => troubles.push(cause),
      onServing: () => undefined,
      onTrouble: (error) => failures.push(error),
      now: Date.now,
      log: makeLogger('test', 'silent'),
    },
    stop.signal,
  );
  expect(troubles).toEqual([
    expect.objectContaining({
      message: expect.stringContaining('secret control has no readable CA') as unknown,
    }),
  ]);
  expect(failures).toEqual(troubles);
  expect(made[0]).toBe('webhook-ca');
});
