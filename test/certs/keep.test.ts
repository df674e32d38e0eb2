import { expect, it, jest } from '@jest/globals';
import { keepCertificates } from '../../certs/keep.js';
import type { JsonObject } from '../../lib/json.js';
import { makeLogger } from '../../lib/log.js';

// Keys are made, which takes a while on a busy machine.
jest.setTimeout(60_000);

const NAMES = {
  webhookCaSecret: 'webhook-ca',
  webhookTlsSecret: 'webhook-tls',
  controlSecret: 'control',
  webhookService: 'webhook',
  webhookConfiguration: 'webhook',
};

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
      names: NAMES,
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

it('says of each certificate that it was written, and nothing of what it holds', async () => {
  const stop = new AbortController();
  const stored = new Map<string, JsonObject>();
  const write = (body: JsonObject): Promise<JsonObject> => {
    const { name } = body['metadata'] as { name: string };
    stored.set(name, { ...body, metadata: { name, resourceVersion: '1' } });
    return Promise.resolve(body);
  };
  const kube = {
    get: (path: string): Promise<JsonObject> => {
      const found = stored.get(path.slice(path.lastIndexOf('/') + 1));
      if (found) return Promise.resolve(found);
      if (path.includes('/secrets/'))
        return Promise.reject(Object.assign(new Error('none'), { status: 404 }));
      return Promise.resolve({ webhooks: [] });
    },
    create: (_path: string, body: JsonObject): Promise<JsonObject> => write(body),
    update: (_path: string, body: JsonObject): Promise<JsonObject> => write(body),
  };
  const lines: string[] = [];
  const log = makeLogger('test', 'info', { write: (line) => lines.push(line) });
  await keepCertificates(
    {
      ...{ kube, namespace: 'sluice-system', names: NAMES, now: Date.now, log },
      findUser: () => Promise.resolve(undefined),
      onControl: () => undefined,
      onControlTrouble: () => undefined,
      onServing: () => stop.abort(new Error('seen')),
      onTrouble: (error) => stop.abort(error),
    },
    stop.signal,
  );
  const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(said.map(({ msg, secret, keys }) => ({ msg, secret, keys }))).toEqual([
    { msg: 'certificates written', secret: 'control', keys: ['ca.crt', 'ca.key'] },
    { msg: 'certificates written', secret: 'control', keys: ['tls.crt', 'tls.key'] },
    { msg: 'certificates written', secret: 'webhook-ca', keys: ['ca.crt', 'ca.key', 'previous.crt'] },
    {
      msg: 'certificates written',
      secret: 'webhook-tls',
      keys: ['tls.crt', 'tls.key', 'ca.crt', 'scale.token'],
    },
  ]);
  // `-----BEGIN`, plain and as Secrets hold it.
  expect(lines.join('')).not.toMatch(/-----BEGIN|LS0tLS1CRUdJ/);
});
