import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { makeKube, type Kube } from '../../../controller/kube/client.js';
import { ApiError, isAlreadyExists, isConflict, isNotFound } from '../../../controller/kube/errors.js';
import { makeTransport } from '../../../controller/kube/transport.js';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

async function kubeOf(listener: RequestListener): Promise<Kube> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return makeKube(
    makeTransport({
      origin: new URL(`http://127.0.0.1:${port}`),
      tls: {},
      headers: () => Promise.resolve({ authorization: 'Bearer t' }),
    }),
  );
}

const signal = new AbortController().signal;

describe('the client', () => {
  it('reads a list page by page', async () => {
    const asked: string[] = [];
    const kube = await kubeOf((request, response) => {
      asked.push(request.url ?? '');
      const isFirst = !request.url?.includes('continue=');
      response.end(
        JSON.stringify({
          metadata: isFirst ? { continue: 'next' } : {},
          items: [{ metadata: { name: isFirst ? 'a' : 'b' } }],
        }),
      );
    });
    const items = await kube.list('/api/v1/pods', { labelSelector: 'a=b,c' }, signal);
    expect(items).toEqual([{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }]);
    expect(asked).toEqual([
      '/api/v1/pods?labelSelector=a%3Db%2Cc&limit=500',
      '/api/v1/pods?labelSelector=a%3Db%2Cc&limit=500&continue=next',
    ]);
  });

  it('keeps one connection, and shows who it is on each request', async () => {
    const ports = new Set<number | undefined>();
    const tokens = new Set<string | undefined>();
    const kube = await kubeOf((request, response) => {
      ports.add(request.socket.remotePort);
      tokens.add(request.headers.authorization);
      response.end('{}');
    });
    for (let time = 0; time < 5; time += 1) await kube.get('/x', signal);
    expect(ports.size).toBe(1);
    expect([...tokens]).toEqual(['Bearer t']);
  });

  it.each([
    { reason: 'Conflict', status: 409, is: isConflict, isNot: isAlreadyExists },
    { reason: 'AlreadyExists', status: 409, is: isAlreadyExists, isNot: isConflict },
    { reason: 'NotFound', status: 404, is: isNotFound, isNot: isConflict },
  ])('tells $reason from other refusals', async ({ reason, status, is, isNot }) => {
    const kube = await kubeOf((_request, response) => {
      response.writeHead(status).end(JSON.stringify({ kind: 'Status', reason, message: 'because' }));
    });
    const error = await kube.create('/api/v1/secrets', {}, signal).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ApiError);
    expect(is(error)).toBe(true);
    expect(isNot(error)).toBe(false);
    expect((error as ApiError).message).toBe('POST /api/v1/secrets: because');
  });

  it('names what did not answer', async () => {
    const kube = await kubeOf((request) => request.socket.destroy());
    await expect(kube.create('/x', {}, signal)).rejects.toMatchObject({ status: 0, reason: 'Unreachable' });
  });

  it('ends when the signal does', async () => {
    const stopping = new AbortController();
    const kube = await kubeOf(() => stopping.abort(new Error('lost the lease')));
    await expect(kube.get('/x', stopping.signal)).rejects.toThrow('lost the lease');
  });
});
