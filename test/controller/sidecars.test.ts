import { afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import net from 'node:net';
import tls from 'node:tls';
import { pino } from 'pino';
import { issue, makeCa } from '../../certs/issue.js';
import { makeSidecars, SidecarError, type ClientCertificate } from '../../controller/sidecars.js';
import { CONTROL_PORT } from '../../lib/control.js';
import { makeControlHandler, type Controls } from '../../sidecar/control.js';
import { makeControlServer } from '../../sidecar/server.js';
import { ownAddress } from '../emqx/loopback.js';
import { report } from './cases.js';

// Keys are made, and waited for, which takes a while on a busy machine.
jest.setTimeout(60_000);

const ADDRESS = ownAddress(77);
const { signal } = new AbortController();

let ca: string;
let own: ClientCertificate;
let formerly: ClientCertificate;
let server: net.Server | undefined;
const sockets = new Set<net.Socket>();

beforeAll(async () => {
  const life = { nowMs: Date.now(), days: 1 };
  const [now, before] = await Promise.all([makeCa('control', life), makeCa('control', life)]);
  ca = now.cert;
  own = await issue(now, { kind: 'client', name: 'controller' }, life);
  formerly = await issue(before, { kind: 'client', name: 'controller' }, life);
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
});

const sidecar = (): net.Server => {
  const controls = { report: () => Promise.resolve(report('emqx-0')) } as Controls;
  return makeControlServer(ca, 'emqx-0', makeControlHandler(controls, pino({ level: 'silent' })));
};

async function ask(listener: net.Server | undefined, certificate: ClientCertificate): Promise<unknown> {
  server = listener;
  listener?.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) =>
    listener ? listener.listen(CONTROL_PORT, ADDRESS, resolve) : resolve(),
  );
  const sidecars = makeSidecars(() => Promise.resolve(certificate));
  return sidecars.report(ADDRESS, signal).catch((error: unknown) => error);
}

it('hears a sidecar that was started with the same CA', async () => {
  expect(await ask(sidecar(), own)).toMatchObject({ pod: 'emqx-0', api: { kind: 'ok' } });
});

it('asks a hundred times over one connection, and leaves nothing on it', async () => {
  const asked = jest.spyOn(tls.TLSSocket.prototype, 'once');
  server = sidecar();
  let connections = 0;
  server.on('connection', (socket) => {
    sockets.add(socket);
    connections++;
  });
  await new Promise<void>((resolve) => server?.listen(CONTROL_PORT, ADDRESS, resolve));
  const sidecars = makeSidecars(() => Promise.resolve(own));
  for (let count = 0; count < 100; count++) await sidecars.report(ADDRESS, signal);
  expect(connections).toBe(1);
  const left = [...new Set(asked.mock.contexts as tls.TLSSocket[])].map((socket) =>
    Math.max(...socket.eventNames().map((name) => socket.listenerCount(name))),
  );
  expect(left).not.toEqual([]);
  expect(Math.max(...left)).toBeLessThanOrEqual(5);
});

it.each<{
  is: string;
  listener: () => net.Server | undefined;
  certificate: () => ClientCertificate;
  isTurnedAway: boolean;
}>([
  { is: 'was started with another CA', listener: sidecar, certificate: () => formerly, isTurnedAway: true },
  {
    is: 'is none, and closes at once',
    listener: () => net.createServer((socket) => socket.destroy()),
    certificate: () => own,
    isTurnedAway: false,
  },
  { is: 'does not listen', listener: () => undefined, certificate: () => own, isTurnedAway: false },
])('turned away by a sidecar that $is: $isTurnedAway', async ({ listener, certificate, isTurnedAway }) => {
  const error = await ask(listener(), certificate());
  expect(error).toBeInstanceOf(SidecarError);
  expect(error).toMatchObject({ status: 0, isTurnedAway });
});
