import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually, RawClient, type ConnectOptions } from '../rawClient.js';
import { Target, type Node } from '../target.js';

jest.setTimeout(60_000);

let target: Target;
let a: Node;
let b: Node;
let open: RawClient[] = [];
beforeAll(async () => {
  target = await Target.open(5);
  ({ a, b } = target);
}, 60_000);
afterEach(async () => {
  await target.tidy();
  await Promise.all(open.map((client) => client.drop()));
  open = [];
});
afterAll(() => target?.close());

async function connect(
  node: Node,
  options: ConnectOptions,
): Promise<{ client: RawClient; isPresent: boolean }> {
  const { client, connack } = await RawClient.open(node, options);
  open.push(client);
  expect(connack.returnCode ?? connack.reasonCode).toBe(0);
  return { client, isPresent: connack.sessionPresent };
}

type Kind = Omit<ConnectOptions, 'clientId'>;

const persistent = { version: 5, clean: false, expiry: 600 } as const;
const versions: readonly [string, Kind, Kind][] = [
  ['MQTT 5', { version: 5, clean: false, expiry: 600 }, { version: 5, clean: true, expiry: 600 }],
  ['MQTT 3.1.1', { version: 4, clean: false }, { version: 4, clean: true }],
];

describe('connect', () => {
  it.each(versions)('%s: a session is there on return, to either node', async (_version, kept) => {
    const first = await connect(a, { clientId: 'conformance-c', ...kept });
    expect(first.isPresent).toBe(false);
    await first.client.leave();
    const second = await connect(a, { clientId: 'conformance-c', ...kept });
    expect(second.isPresent).toBe(true);
    await second.client.leave();
    const third = await connect(b, { clientId: 'conformance-c', ...kept });
    expect(third.isPresent).toBe(true);
  });

  it.each(versions)(
    '%s: clean start throws the session away, wherever it is',
    async (_version, kept, clean) => {
      const first = await connect(a, { clientId: 'conformance-c', ...kept });
      await first.client.subscribe('conformance/c');
      await first.client.leave();
      expect((await connect(b, { clientId: 'conformance-c', ...clean })).isPresent).toBe(false);
      const { client: publisher } = await connect(a, { clientId: 'conformance-p' });
      await publisher.publish('conformance/c', 'x');
      expect((await target.api(a, '/clients?like_clientid=conformance-c')).body).toMatchObject({
        data: [{ clientid: 'conformance-c', node: b.name }],
      });
    },
  );

  it('MQTT 5: a session without expiry ends with its connection', async () => {
    const first = await connect(a, { clientId: 'conformance-c', version: 5, clean: false });
    await first.client.leave();
    expect((await connect(b, { clientId: 'conformance-c', version: 5, clean: false })).isPresent).toBe(false);
  });

  it('a second connection takes over: the first gets 0x8E and the close', async () => {
    const first = await connect(a, { clientId: 'conformance-c', ...persistent });
    const second = await connect(a, { clientId: 'conformance-c', ...persistent });
    expect(second.isPresent).toBe(true);
    expect((await first.client.next('disconnect')).reasonCode).toBe(0x8e);
    await first.client.closed;
  });

  it('takes over across nodes', async () => {
    const first = await connect(a, { clientId: 'conformance-c', ...persistent });
    await first.client.subscribe('conformance/c');
    const second = await connect(b, { clientId: 'conformance-c', ...persistent });
    expect(second.isPresent).toBe(true);
    expect((await first.client.next('disconnect')).reasonCode).toBe(0x8e);
    const { client: publisher } = await connect(a, { clientId: 'conformance-p' });
    await publisher.publish('conformance/c', 'x');
    await second.client.next('publish');
    expect(second.client.texts()).toEqual(['x']);
    expect(first.client.texts()).toEqual([]);
  });

  it('a client that is silent for longer than its keep-alive allows is dropped, and its will published', async () => {
    const { client: watcher } = await connect(b, { clientId: 'conformance-w' });
    await watcher.subscribe('conformance/will');
    const { client } = await connect(a, {
      clientId: 'conformance-c',
      version: 5,
      keepAlive: 1,
      will: { topic: 'conformance/will', payload: Buffer.from('gone'), qos: 1 },
    });
    await client.closed;
    await watcher.next('publish');
    expect(watcher.texts()).toEqual(['gone']);
  }, 15_000);

  it('publishes the will after a close without a word, not after a DISCONNECT', async () => {
    const { client: watcher } = await connect(b, { clientId: 'conformance-w' });
    await watcher.subscribe('conformance/will');
    const will = (text: string) => ({
      topic: 'conformance/will',
      payload: Buffer.from(text),
      qos: 1 as const,
    });
    const polite = await connect(a, { clientId: 'conformance-1', will: will('polite') });
    await polite.client.leave();
    const rude = await connect(a, { clientId: 'conformance-2', will: will('rude') });
    await rude.client.drop();
    await watcher.next('publish');
    expect(watcher.texts()).toEqual(['rude']);
  });
});

describe('publish', () => {
  it.each([
    [0, 0, 0],
    [0, 1, 0],
    [1, 0, 0],
    [1, 1, 1],
  ] as const)(
    'sent with QoS %i to a subscription of QoS %i arrives with %i, across nodes',
    async (sent, subscribed, got) => {
      const { client: subscriber } = await connect(a, { clientId: 'conformance-s' });
      expect(await subscriber.subscribe('conformance/+/x', subscribed)).toEqual([subscribed]);
      const { client: publisher } = await connect(b, { clientId: 'conformance-p' });
      await publisher.publish('conformance/1/x', 'hello', sent);
      const packet = await subscriber.next('publish');
      expect({ qos: packet.qos, topic: packet.topic, text: packet.payload.toString() }).toEqual({
        qos: got,
        topic: 'conformance/1/x',
        text: 'hello',
      });
    },
  );

  it('queues for a client that is away, in order, on whichever node', async () => {
    const first = await connect(a, { clientId: 'conformance-s', ...persistent });
    await first.client.subscribe('conformance/q');
    await first.client.leave();
    const { client: publisher } = await connect(b, { clientId: 'conformance-p' });
    for (let at = 0; at < 50; at += 1) await publisher.publish('conformance/q', `${at}`);
    const second = await connect(b, { clientId: 'conformance-s', ...persistent });
    await second.client.until('50 messages', () =>
      second.client.messages().length >= 50 ? true : undefined,
    );
    expect(second.client.texts()).toEqual(Array.from({ length: 50 }, (_item, at) => `${at}`));
  });

  it('sends again with DUP what was not acknowledged, also from another node', async () => {
    const first = await connect(a, { clientId: 'conformance-s', ...persistent, isAcking: false });
    await first.client.subscribe('conformance/d');
    const { client: publisher } = await connect(b, { clientId: 'conformance-p' });
    await publisher.publish('conformance/d', 'x');
    const { messageId } = await first.client.next('publish');
    await first.client.drop();
    const second = await connect(b, { clientId: 'conformance-s', ...persistent });
    expect(await second.client.next('publish')).toMatchObject({ messageId, dup: true });
  });

  it("keeps no more in flight than the client's receive maximum", async () => {
    const { client } = await connect(a, {
      clientId: 'conformance-s',
      version: 5,
      receiveMaximum: 2,
      isAcking: false,
    });
    await client.subscribe('conformance/r');
    const { client: other } = await connect(a, { clientId: 'conformance-o' });
    await other.subscribe('conformance/r');
    const { client: publisher } = await connect(b, { clientId: 'conformance-p' });
    for (const text of ['1', '2', '3']) await publisher.publish('conformance/r', text);
    // The third has come to this node, and what the client is sent afterwards comes after it.
    await other.until('all three', () => other.texts().includes('3') || undefined);
    client.send({ cmd: 'pingreq' });
    await client.next('pingresp');
    expect(client.texts()).toEqual(['1', '2']);
    client.send({ cmd: 'puback', messageId: client.messages()[0]?.messageId ?? 0 });
    await client.until('the third', () => client.texts().includes('3') || undefined);
  });

  it('stops after UNSUBSCRIBE', async () => {
    const { client } = await connect(a, { clientId: 'conformance-s' });
    await client.subscribe('conformance/u');
    client.send({ cmd: 'unsubscribe', messageId: 99, unsubscriptions: ['conformance/u'] });
    await client.next('unsuback');
    const { client: publisher } = await connect(a, { clientId: 'conformance-p', version: 5 });
    await eventually(
      'nobody is subscribed',
      async () => (await publisher.publish('conformance/u', 'x')) === 0x10,
    );
    expect(client.texts()).toEqual([]);
  });

  it('MQTT 5 publishers hear 0x10 when nobody is subscribed', async () => {
    const { client } = await connect(a, { clientId: 'conformance-p', version: 5 });
    expect(await client.publish('conformance/nobody', 'x')).toBe(0x10);
  });

  it('QoS 2 arrives once', async () => {
    const { client: subscriber } = await connect(a, { clientId: 'conformance-s', isAcking: false });
    await subscriber.subscribe('conformance/2', 2);
    const { client: publisher } = await connect(b, { clientId: 'conformance-p' });
    const publish = {
      cmd: 'publish',
      topic: 'conformance/2',
      payload: 'x',
      qos: 2,
      retain: false,
      messageId: 7,
    } as const;
    publisher.send({ ...publish, dup: false });
    await publisher.next('pubrec');
    publisher.send({ ...publish, dup: true });
    publisher.send({ cmd: 'pubrel', messageId: 7 });
    await publisher.next('pubcomp');
    const { messageId = 0 } = await subscriber.next('publish');
    subscriber.send({ cmd: 'pubrec', messageId });
    await subscriber.next('pubrel');
    subscriber.send({ cmd: 'pubcomp', messageId });
    // A copy would come before what was sent after it.
    await publisher.publish('conformance/2', 'later');
    await subscriber.until('the later one', () => subscriber.texts().includes('later') || undefined);
    expect(subscriber.texts()).toEqual(['x', 'later']);
  });

  it('answers PINGREQ', async () => {
    const { client } = await connect(a, { clientId: 'conformance-s' });
    client.send({ cmd: 'pingreq' });
    await client.next('pingresp');
  });
});
