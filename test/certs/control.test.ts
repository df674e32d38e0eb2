import { connect, createServer, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, jest } from '@jest/globals';
import type { ControlMaterial } from '../../certs/control.js';
import { issue, makeCa } from '../../certs/issue.js';
import { keepControl } from '../../certs/keep-control.js';
import { InMemorySecrets } from './in-memory.js';
import { factsOf, type Pair } from '../../certs/pair.js';

// Keys are made, which takes a while on a busy machine.
jest.setTimeout(60_000);

const DAY_MS = 24 * 60 * 60 * 1000;
const SECRET = 'sluice-control';
const keep = (
  secrets: InMemorySecrets,
  nowMs: number,
  { known, user }: { known?: ControlMaterial; user?: string } = {},
): Promise<ControlMaterial> =>
  keepControl(
    { secrets, controlSecret: SECRET, now: () => nowMs, known, findUser: () => Promise.resolve(user) },
    new AbortController().signal,
  );

/** A port like a sidecar's: it asks for a client certificate of `ca` and says hello to those who have one, nothing to others. */
async function helloFrom(ca: string, client: Pair | undefined): Promise<string> {
  const own = await makeCa('sidecar', { nowMs: Date.now(), days: 1 });
  const server = createServer({ ...own, ca, requestCert: true, rejectUnauthorized: true }, (socket) => {
    socket.end('hello');
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...client });
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString()));
  socket.on('error', () => undefined); // an alert or a reset, as the timing goes
  await new Promise((resolve) => socket.once('close', resolve));
  server.close();
  return text;
}

describe('the certificates of the control port', () => {
  it('open a sidecar to the controller and to nobody else', async () => {
    const { ca, client } = await keep(new InMemorySecrets(), Date.now());
    const life = { nowMs: Date.now(), days: 1 };
    const stranger = await issue(
      await makeCa('stranger', life),
      { kind: 'client', name: 'sluice-controller' },
      life,
    );
    expect(await helloFrom(ca.cert, client)).toBe('hello');
    expect(await helloFrom(ca.cert, undefined)).toBe('');
    expect(await helloFrom(ca.cert, stranger)).toBe('');
    const server = await issue(ca, { kind: 'server', dnsNames: ['x.svc'] }, life);
    expect(await helloFrom(ca.cert, server)).toBe('');
  });

  it('renew the client certificate while sidecars go on knowing the one CA', async () => {
    const secrets = new InMemorySecrets();
    const bornMs = Date.now() - 61 * DAY_MS;
    const first = await keep(secrets, bornMs);
    expect(await keep(secrets, bornMs + 59 * DAY_MS)).toEqual(first);
    const second = await keep(secrets, Date.now());
    expect(second.ca).toEqual(first.ca);
    expect(second.client).not.toEqual(first.client);
    expect(await helloFrom(first.ca.cert, first.client)).toBe('hello');
    expect(await helloFrom(first.ca.cert, second.client)).toBe('hello');
  });

  it.each([
    { what: 'a year ahead', offMs: 400 * DAY_MS },
    { what: 'half a year behind', offMs: -180 * DAY_MS },
  ])('open sidecars as soon as the clock is right that was $what when they were made', async ({ offMs }) => {
    const secrets = new InMemorySecrets();
    const first = await keep(secrets, Date.now() + offMs);
    expect(await helloFrom(first.ca.cert, first.client)).toBe('');
    const { ca, client } = await keep(secrets, Date.now());
    expect(ca).toEqual(first.ca);
    expect(await helloFrom(ca.cert, client)).toBe('hello');
  });

  it('last as long as pods do', async () => {
    const nowMs = Date.now();
    const { ca } = await keep(new InMemorySecrets(), nowMs);
    expect(factsOf(ca.cert).notAfterMs - nowMs).toBeGreaterThan(29 * 365 * DAY_MS);
  });

  it.each<{ what: string; data: Record<string, string> }>([
    { what: 'nothing', data: {} },
    { what: 'nonsense', data: { 'ca.crt': 'x', 'ca.key': 'y' } },
    { what: 'a client certificate alone', data: { 'tls.crt': 'x', 'tls.key': 'y' } },
  ])('never take the place of a Secret that holds $what', async ({ data }) => {
    const secrets = new InMemorySecrets();
    secrets.put(SECRET, data);
    await expect(keep(secrets, Date.now())).rejects.toThrow('secret sluice-control has no readable CA');
    expect(secrets.stored.get(SECRET)?.data).toEqual(data);
  });

  it('never take the place of a CA whose key is lost', async () => {
    const secrets = new InMemorySecrets();
    const { ca } = await keep(secrets, Date.now());
    secrets.put(SECRET, { 'ca.crt': ca.cert });
    await expect(keep(secrets, Date.now())).rejects.toThrow('restore it, or delete it');
    expect(secrets.stored.get(SECRET)?.data).toEqual({ 'ca.crt': ca.cert });
  });

  it('are written again by whoever knows them when somebody deletes the Secret, sidecars or not', async () => {
    const secrets = new InMemorySecrets();
    const known = await keep(secrets, Date.now());
    secrets.stored.clear();
    expect(await keep(secrets, Date.now(), { known, user: 'mq/emqx-bcdfghjkl' })).toEqual(known);
    expect(secrets.value(SECRET, 'ca.crt')).toBe(known.ca.cert);
  });

  it('are not made anew by somebody who does not know them while sidecars run, but where he is told to', async () => {
    const secrets = new InMemorySecrets();
    const running = { user: 'mq/emqx-bcdfghjkl' };
    await expect(keep(secrets, Date.now(), running)).rejects.toThrow(
      /sluice-control is gone, .* StatefulSet mq\/emqx-bcdfghjkl.*back from a backup.*--from-literal=new-ca=true/,
    );
    expect(secrets.stored.size).toBe(0);
    secrets.put(SECRET, { 'new-ca': 'true' });
    const made = await keep(secrets, Date.now(), running);
    expect(await keep(secrets, Date.now(), running)).toEqual(made);
    expect(secrets.value(SECRET, 'new-ca')).toBe('');
  });

  it('are those of whoever was first', async () => {
    const [secrets, others] = [new InMemorySecrets(), new InMemorySecrets()];
    const first = await keep(others, Date.now());
    secrets.beforeWrite = (name) => {
      secrets.beforeWrite = () => undefined;
      secrets.put(name, others.stored.get(name)?.data ?? {});
    };
    expect(await keep(secrets, Date.now())).toEqual(first);
  });
});
