import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { get } from 'node:http';
import request from 'supertest';
import { makePageApp, type PageOptions } from '../../../controller/page/app.js';
import { readBlueGreen } from '../../../controller/page/blue-green.js';
import { makeBoard, type Board } from '../../../controller/page/board.js';
import type { PageMessage } from '../../../lib/page/messages.js';
import { BEGAN, blueGreenAt, ENDS } from '../../page/upgrade.js';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const ASSETS = {
  '/': { type: 'html', body: '<!doctype html>' },
  '/page.js': { type: 'text/javascript', body: 'let x;' },
};

let nowMs: number;
let over: AbortController;
let server: Server;
beforeEach(() => {
  nowMs = BEGAN;
  over = new AbortController();
});
afterEach(
  () =>
    new Promise<void>((done) => {
      over.abort();
      server.closeAllConnections();
      server.close(() => done());
    }),
);

/** A server with one BlueGreen, {@link nowMs} after it was asked to be upgraded. */
async function serve(
  options: Partial<PageOptions> = {},
): Promise<{ see: (second: number) => void; port: number; board: Board }> {
  const board = makeBoard(() => nowMs);
  board.heard(true);
  const app = makePageApp(
    {
      board,
      asked: { events: () => Promise.resolve([]), leader: () => Promise.resolve('b') },
      assets: ASSETS,
      replica: 'a',
      isLocal: true,
      now: () => nowMs,
      onTrouble: (error) => {
        throw error;
      },
      ...options,
    },
    over.signal,
  );
  server = await new Promise<Server>((done) => {
    const listening = app.listen(0, '127.0.0.1', () => done(listening));
  });
  const see = (second: number): void => {
    nowMs = BEGAN + second * 1000;
    board.saw(readBlueGreen(blueGreenAt(second)));
  };
  return { see, board, port: (server.address() as AddressInfo).port };
}

/** Listens until so many messages have come. */
function listen(
  port: number,
  query: string,
  count: number,
  headers: Record<string, string> = {},
): Promise<{ id: string; message: PageMessage }[]> {
  return new Promise((done, fail) => {
    const heard = get({ host: '127.0.0.1', port, path: `/events${query}`, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        const blocks = text
          .split('\n\n')
          .slice(0, -1)
          .filter((block) => block.includes('data: '));
        if (blocks.length < count) return;
        heard.destroy();
        done(
          blocks.map((block) => ({
            id: /^id: (.*)$/m.exec(block)?.[1] ?? '',
            message: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '') as PageMessage,
          })),
        );
      });
      answer.on('error', fail);
    });
    heard.on('error', fail);
  });
}

const ONE = '?namespace=mqtt&name=emqx';

describe('the page', () => {
  it('has its files, and lets them load nothing from elsewhere', async () => {
    await serve();
    const page = await request(server).get('/').expect(200, '<!doctype html>');
    const policy = page.headers['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(page.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(page.headers).not.toHaveProperty('x-powered-by');
    const script = await request(server).get('/page.js').expect(200);
    expect(script.headers['content-type']).toContain('text/javascript');
  });

  it.each(['post', 'put', 'patch', 'delete', 'options'] as const)('takes no %s', async (method) => {
    await serve();
    const refused = await request(server)[method]('/').expect(405);
    expect(refused.headers['allow']).toBe('GET, HEAD');
  });

  it('answers HEAD as it does GET, without a body', async () => {
    await serve();
    await request(server).head('/').expect(200);
    const events = await request(server).head('/events').expect(200);
    expect(events.headers['content-type']).toContain('text/event-stream');
  });

  it.each(['/..%2fetc/passwd', '/healthz', '/metrics', '/page.ts'])('has no %s', async (path) => {
    await serve();
    await request(server).get(path).expect(404);
  });

  it.each(['evil.example', 'evil.example:8080', 'localhost.evil.example', '10.1.2.3:8082', ''])(
    'reached by port-forward, does not answer to the name "%s"',
    async (host) => {
      await serve();
      await request(server).get('/').set('host', host).expect(421);
    },
  );

  it.each(['localhost:8080', '127.0.0.1', '[::1]:9000'])('answers to %s', async (host) => {
    await serve();
    await request(server).get('/').set('host', host).expect(200);
  });

  it('answers to every name where it is exposed', async () => {
    await serve({ isLocal: false });
    await request(server).get('/').set('host', 'sluice.example').expect(200);
  });
});

describe('its events', () => {
  it('tell of all BlueGreens at once, and again when one has changed', async () => {
    const { see, port } = await serve();
    see(10);
    const heard = listen(port, '', 2);
    await new Promise((done) => setTimeout(done, 200));
    see(49);
    const [first, second] = (await heard).map(({ message }) => message);
    expect(first).toMatchObject({
      kind: 'all',
      replica: 'a',
      leader: 'b',
      more: 0,
      blueGreens: [{ name: 'emqx', phase: 'Progressing' }],
    });
    expect(second).toMatchObject({
      kind: 'all',
      blueGreens: [{ name: 'emqx', phase: 'Draining', clientsLeft: 1200 }],
    });
  });

  it('tell one with all samples at first, then with new ones; and who comes back gets what he missed', async () => {
    const { see, port } = await serve();
    for (const second of [40, 41, 42]) see(second);
    const heard = listen(port, ONE, 2);
    await new Promise((done) => setTimeout(done, 200));
    see(43);
    const [first, second] = await heard;
    expect(first?.message).toMatchObject({
      kind: 'one',
      picture: { name: 'emqx' },
      samples: { isWhole: true },
    });
    const seqsIn = (message: PageMessage | undefined): number[] =>
      message?.kind === 'one' ? message.samples.list.map(({ seq }) => seq) : [];
    expect(seqsIn(first?.message)).toEqual([1, 2, 3]);
    expect(second?.message).toMatchObject({ samples: { isWhole: false } });
    expect(seqsIn(second?.message)).toEqual([4]);

    see(44);
    const [back] = await listen(port, ONE, 1, { 'last-event-id': first?.id ?? '' });
    expect(back?.message).toMatchObject({ samples: { isWhole: false } });
    expect(seqsIn(back?.message)).toEqual([4, 5]);
    const [again] = await listen(port, `${ONE}&after=${second?.id}`, 1);
    expect(seqsIn(again?.message)).toEqual([5]);
    const [other] = await listen(port, ONE, 1, { 'last-event-id': '00000000.3' });
    expect(other?.message).toMatchObject({ samples: { isWhole: true } });
    expect(seqsIn(other?.message)).toEqual([1, 2, 3, 4, 5]);
  });

  it('of a BlueGreen whose spec lacks fields of today show it all the same', async () => {
    const { port, board } = await serve();
    board.saw(readBlueGreen({ ...blueGreenAt(40), spec: { updateStrategy: { type: 'Recreate' } } }));
    const [heard] = await listen(port, ONE, 1);
    expect(heard?.message).toMatchObject({ picture: { pace: { connEvictRate: 1000 } } });
  });

  it('that cannot be made end, and are told of', async () => {
    const seen: unknown[] = [];
    const fault = new TypeError('no such field');
    const { port } = await serve({
      asked: { events: () => Promise.reject(fault), leader: () => Promise.resolve('b') },
      onTrouble: (error) => seen.push(error),
    });
    const body = await new Promise<string>((done, fail) => {
      get({ host: '127.0.0.1', port, path: `/events${ONE}` }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.on('end', () => done(text)).on('error', fail);
      }).on('error', fail);
    });
    expect(body).not.toContain('data:');
    expect(seen).toEqual([fault]);
  });

  it('tell of past upgrades at first and when there is another, and not each second', async () => {
    const { see, port } = await serve();
    see(40);
    const heard = listen(port, ONE, 3);
    await new Promise((done) => setTimeout(done, 200));
    see(41);
    await new Promise((done) => setTimeout(done, 1200));
    see(ENDS);
    const historyIn = ({ message }: { message: PageMessage }) =>
      message.kind === 'one' ? message.history?.map(({ result }) => result) : 'another kind';
    const all = await heard;
    expect(all.map(historyIn)).toEqual([[], undefined, ['succeeded']]);
    for (const { message } of all) expect(message).not.toHaveProperty('picture.history');
    const [back] = await listen(port, ONE, 1, { 'last-event-id': all[2]?.id ?? '' });
    expect(back && historyIn(back)).toBeUndefined();
  });

  it('say that there is none of that name, and show it once there is', async () => {
    const { see, port } = await serve();
    const heard = listen(port, ONE, 2);
    await new Promise((done) => setTimeout(done, 200));
    see(1);
    const [first, second] = (await heard).map(({ message }) => message);
    expect(first).not.toHaveProperty('picture');
    expect(second).toHaveProperty('picture');
  });

  it.each([
    '?name=emqx',
    '?namespace=mqtt',
    '?namespace=MQTT&name=x',
    '?namespace=a/b&name=x',
    '?namespace=a&name=x&name=y',
    `?namespace=a&name=${'x'.repeat(300)}`,
    '?namespace=a&name=%3Cb%3E',
  ])('refuse %s', async (query) => {
    await serve();
    await request(server).get(`/events${query}`).expect(400);
  });

  it('are for 32 at once; who comes later is told when to try again', async () => {
    const { port } = await serve();
    const all = Array.from({ length: 32 }, () => get({ host: '127.0.0.1', port, path: '/events' }));
    await Promise.all(all.map((one) => new Promise((done) => one.once('response', done))));
    const refused = await request(server).get('/events').expect(503);
    expect(refused.headers['retry-after']).toBe('5');
    for (const one of all) one.on('error', () => undefined).destroy();
    await new Promise((done) => setTimeout(done, 200));
    expect(await listen(port, '', 1)).toHaveLength(1);
  });

  it('hold nothing that is secret: no trace context, no annotations, no claims', async () => {
    const { see, port } = await serve();
    see(49);
    const [first] = await listen(port, ONE, 1);
    expect(JSON.stringify(first)).not.toMatch(/traceparent|annotations|apiKeySecret|claims|selector/);
  });

  it('say since when the API server has not been heard', async () => {
    const board = makeBoard(() => nowMs);
    board.heard(true);
    nowMs += 5_000;
    board.heard(false);
    const { port } = await serve({ board });
    const [first] = await listen(port, '', 1);
    expect(first?.message).toMatchObject({ deafSinceMs: BEGAN + 5_000 });
  });
});
