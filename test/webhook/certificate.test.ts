import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { pino } from 'pino';
import { issue, makeCa, type Usage } from '../../certs/issue.js';
import { keepServing, type ServingOptions } from '../../certs/keep-serving.js';
import type { Pair } from '../../certs/pair.js';
import { SETTLE_MS } from '../../certs/serving.js';
import { makeApp } from '../../webhook/app.js';
import {
  followCertificate,
  readFromDirectory,
  readFromSecret,
  type Certificate,
} from '../../webhook/certificate.js';
import { close, listen, makeTlsServer, showCertificate } from '../../webhook/server.js';
import { InMemorySecrets } from '../certs/in-memory.js';
import { noBlueGreens } from './reviews.js';

// Keys are made, which takes a while on a busy machine.
jest.setTimeout(60_000);

const log = pino({ level: 'silent' });
const NAME = 'sluice-webhook.sluice-system.svc';
const DAY_MS = 24 * 60 * 60 * 1000;
const life = { nowMs: Date.now(), days: 1 };
let directory = '';
let ending = new AbortController();
let servers: https.Server[] = [];

beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/sluice-`);
  ending = new AbortController();
  servers = [];
});
afterEach(async () => {
  ending.abort();
  for (const server of servers) server.closeAllConnections();
  await Promise.all(servers.map(close));
  await rm(directory, { recursive: true });
});

async function startWebhook(): Promise<{ server: https.Server; port: number }> {
  const state = { isReady: () => true, isLeaving: () => false, scaleTokens: () => [] };
  const metrics = { reviewed: () => undefined };
  const options = { ...state, ownUsers: new Set<string>(), blueGreens: noBlueGreens, metrics, log };
  const server = makeTlsServer(makeApp(options));
  servers.push(server);
  return { server, port: await listen(server, 0) };
}

/** A handshake as an API server makes it: resolves with the certificate shown, rejects unless `ca` vouches for it. */
async function handshake(port: number, ca: string): Promise<PeerCertificate> {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca, servername: NAME });
  await once(socket, 'secureConnect');
  const shown = socket.getPeerCertificate();
  socket.destroy();
  return shown;
}

async function put({ cert, key }: Pair): Promise<void> {
  await writeFile(`${directory}/new.crt`, cert);
  await writeFile(`${directory}/new.key`, key);
  await rename(`${directory}/new.crt`, `${directory}/tls.crt`);
  await rename(`${directory}/new.key`, `${directory}/tls.key`);
}

/** Follows the directory; each certificate taken into use can be awaited. */
function follow(server: https.Server): { next: () => Promise<Certificate> } {
  const used: Certificate[] = [];
  let wake = (): void => undefined;
  void followCertificate(
    readFromDirectory(directory),
    (certificate) => {
      showCertificate(server, certificate);
      used.push(certificate);
      wake();
    },
    { log, signal: ending.signal, everyMs: { first: 10, later: 10 } },
  );
  const next = async (): Promise<Certificate> => {
    const first = used.shift();
    if (first) return first;
    await new Promise<void>((resolve) => (wake = resolve));
    return next();
  };
  return { next };
}

describe('the serving certificate', () => {
  it('is picked up when it comes, replaced when it changes, and kept when what follows is no pair', async () => {
    const ca = await makeCa('test', life);
    const usage: Usage = { kind: 'server', dnsNames: [NAME] };
    const [first, second] = [await issue(ca, usage, life), await issue(ca, usage, life)];
    const { server, port } = await startWebhook();
    await expect(handshake(port, ca.cert)).rejects.toThrow();
    const { next } = follow(server);
    await put(first);
    await next();
    const shown = await handshake(port, ca.cert);
    await writeFile(`${directory}/tls.key`, second.key); // half of a change
    await expect(handshake(port, ca.cert)).resolves.toMatchObject({ serialNumber: shown.serialNumber });
    await put(second);
    expect((await next()).cert).toBe(second.cert);
    expect((await handshake(port, ca.cert)).serialNumber).not.toBe(shown.serialNumber);
  });

  it('changes under an open connection without ending it', async () => {
    const ca = await makeCa('test', life);
    const { server, port } = await startWebhook();
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: ca.cert, servername: NAME });
    const get = (): Promise<{ status: number | undefined; reused: boolean }> =>
      new Promise((resolve, reject) => {
        const call = https.get({ host: '127.0.0.1', port, path: '/healthz', agent }, (answer) => {
          answer.resume();
          answer.on('end', () => resolve({ status: answer.statusCode, reused: call.reusedSocket }));
        });
        call.on('error', reject);
      });
    showCertificate(server, await issue(ca, { kind: 'server', dnsNames: [NAME] }, life));
    expect(await get()).toEqual({ status: 200, reused: false });
    showCertificate(server, await issue(ca, { kind: 'server', dnsNames: [NAME] }, life));
    expect(await get()).toEqual({ status: 200, reused: true });
    agent.destroy();
  });

  it('is accepted through a whole change of the CA, by API servers and from webhooks that lag behind', async () => {
    const secrets = new InMemorySecrets();
    let nowMs = Date.now() - 560 * DAY_MS;
    let bundle = '';
    const options: ServingOptions = {
      secrets,
      publish: (published) => {
        bundle = published.bundle;
        return Promise.resolve();
      },
      caSecret: 'ca',
      tlsSecret: 'tls',
      dnsNames: [NAME],
      now: () => nowMs,
    };
    const pass = async (): Promise<{ bundle: string; shown: Pair }> => {
      await keepServing(options, ending.signal);
      return {
        bundle,
        shown: { cert: secrets.value('tls', 'tls.crt'), key: secrets.value('tls', 'tls.key') },
      };
    };
    // Up to today every certificate is renewed in time, and today's is the first pass that sees the CA near its end.
    for (; nowMs < Date.now() - 12 * DAY_MS; nowMs += 20 * DAY_MS) await pass();
    nowMs = Date.now() - 11 * DAY_MS;
    let before = await pass();
    const first = before;
    const { server, port } = await startWebhook();
    const serials = new Set<string>();
    for (nowMs = Date.now(); nowMs < Date.now() + 4 * SETTLE_MS; nowMs += SETTLE_MS / 2) {
      const after = await pass();
      for (const { shown } of [before, after]) {
        showCertificate(server, shown);
        for (const { bundle: trusted } of [before, after]) {
          serials.add((await handshake(port, trusted)).serialNumber);
        }
      }
      before = after;
    }
    expect(serials.size).toBe(2);
    expect(before.bundle).not.toContain(first.bundle.trim());
  });
});

describe('the certificate of a Secret', () => {
  const answer = (status: number, body: unknown) => () =>
    Promise.resolve({ status, body: JSON.stringify(body) });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  it.each<{ when: string; ask: ReturnType<typeof answer>; then: Certificate | undefined }>([
    { when: 'there is none', ask: answer(404, {}), then: undefined },
    { when: 'it is empty', ask: answer(200, {}), then: undefined },
    {
      when: 'it is there',
      ask: answer(200, { data: { 'tls.crt': base64('c'), 'tls.key': base64('k') } }),
      then: { cert: 'c', key: 'k', scaleTokens: [] },
    },
    {
      when: 'it holds a token',
      ask: answer(200, {
        data: { 'tls.crt': base64('c'), 'tls.key': base64('k'), 'scale.token': base64('a1'.repeat(32)) },
      }),
      then: { cert: 'c', key: 'k', scaleTokens: ['a1'.repeat(32)] },
    },
    {
      when: 'it holds the token before too',
      ask: answer(200, {
        data: {
          'tls.crt': base64('c'),
          'tls.key': base64('k'),
          'scale.token': base64('a1'.repeat(32)),
          'scale.token.previous': base64('b2'.repeat(32)),
        },
      }),
      then: { cert: 'c', key: 'k', scaleTokens: ['a1'.repeat(32), 'b2'.repeat(32)] },
    },
    {
      when: 'its token is not one that we make',
      ask: answer(200, {
        data: { 'tls.crt': base64('c'), 'tls.key': base64('k'), 'scale.token': base64('') },
      }),
      then: { cert: 'c', key: 'k', scaleTokens: [] },
    },
  ])('when $when, is $then', async ({ ask, then }) => {
    expect(await readFromSecret(ask, 'ns', 's')(ending.signal)).toEqual(then);
  });

  it('is an error when the API server refuses', async () => {
    await expect(readFromSecret(answer(403, {}), 'ns', 's')(ending.signal)).rejects.toThrow('HTTP 403');
  });
});
