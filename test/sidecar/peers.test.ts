import { afterEach, describe, expect, it } from '@jest/globals';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Peers } from '../../sidecar/decide.js';
import { findPeers, servicePeers, type Answer } from '../../sidecar/peers.js';

const OWN = '10.0.0.1';
const { signal } = new AbortController();

/** What an error of node:dns looks like. */
function failed(code: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code} emqx-headless`), { code });
}

describe('peers', () => {
  /** The Service's addresses with what each answers; an error when the lookup fails. */
  it.each<{ when: string; named: [string, Answer?][] | Error; then: Peers['kind'] }>([
    { when: 'the Service names this pod alone', named: [[OWN]], then: 'none' },
    { when: 'the others refuse', named: [[OWN], ['10.0.0.2', 'refused']], then: 'none' },
    {
      when: 'one answers, whatever the others do',
      named: [[OWN], ['10.0.0.2', 'silent'], ['10.0.0.3', 'runs']],
      then: 'some',
    },
    {
      when: 'one is silent',
      named: [[OWN], ['10.0.0.2', 'refused'], ['10.0.0.3', 'silent']],
      then: 'silent',
    },
    {
      when: 'only the last of twenty answers',
      named: Array.from({ length: 20 }, (_, n): [string, Answer] => [
        `10.0.1.${n}`,
        n < 19 ? 'refused' : 'runs',
      ]),
      then: 'some',
    },
    { when: 'one is silent and this pod is not named', named: [['10.0.0.3', 'silent']], then: 'silent' },
    { when: 'the Service names nobody', named: [], then: 'unknown' },
    { when: 'the Service names one that refuses alone', named: [['10.0.0.2', 'refused']], then: 'unknown' },
    { when: 'there is no such name', named: failed('ENOTFOUND'), then: 'unknown' },
    { when: 'DNS does not answer', named: failed('EAI_AGAIN'), then: 'unresolved' },
    { when: 'DNS fails', named: failed('EAI_FAIL'), then: 'unresolved' },
  ])('are $then when $when', async ({ named, then }) => {
    const source = servicePeers('emqx-headless', 18083, () =>
      named instanceof Error
        ? Promise.reject(named)
        : Promise.resolve(named.map(([address]) => ({ address }))),
    );
    const answers = new Map(
      named instanceof Error ? [] : named.map(([address, answer]) => [address, answer]),
    );
    const found = await findPeers(
      {
        addresses: () => source.addresses(),
        own: () => ['127.0.0.1', OWN],
        answers: (address) => Promise.resolve(answers.get(address) ?? 'silent'),
      },
      signal,
    );
    expect(found.kind).toBe(then);
  });
});

describe('a peer', () => {
  let server: http.Server | undefined;

  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  it.each<[Answer, string, http.RequestListener]>([
    ['runs', 'says that it does', (_request, response) => response.end('Node emqx@a is started')],
    ['silent', 'is starting', (_request, response) => response.writeHead(503).end()],
    ['silent', 'hangs up', (request) => request.socket.destroy()],
    ['silent', 'takes too long', () => undefined],
    ['refused', 'does not listen', () => undefined],
  ])('%s when it %s', async (then, when, listener) => {
    const made = http.createServer(listener);
    server = made;
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    const { port } = made.address() as AddressInfo;
    if (when === 'does not listen') await new Promise((resolve) => made.close(resolve));
    expect(await servicePeers('', port).answers('127.0.0.1', AbortSignal.timeout(500))).toBe(then);
  });
});
