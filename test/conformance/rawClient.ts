import { connect, type Socket } from 'node:net';
import {
  generate,
  parser,
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
  type Packet,
} from 'mqtt-packet';
import type { Node } from './target.js';

export interface ConnectOptions {
  readonly clientId: string;
  /** 4 is MQTT 3.1.1. */
  readonly version?: 4 | 5;
  readonly clean?: boolean;
  /** Seconds, MQTT 5. */
  readonly expiry?: number;
  readonly keepAlive?: number;
  readonly receiveMaximum?: number;
  readonly will?: NonNullable<IConnectPacket['will']>;
  /** False: PUBLISH is left unanswered. */
  readonly isAcking?: boolean;
}

/** An MQTT connection that shows every packet, and does nothing by itself but acknowledge QoS 1. */
export class RawClient {
  readonly packets: Packet[] = [];
  readonly closed: Promise<number>;
  isClosed = false;
  #nextId = 1;
  #watchers: (() => void)[] = [];

  private constructor(
    readonly socket: Socket,
    readonly options: ConnectOptions,
  ) {
    const reader = parser({ protocolVersion: options.version ?? 4 });
    reader.on('packet', (packet) => this.#on(packet));
    socket.on('data', (bytes) => reader.parse(bytes));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) =>
      socket.once('close', () => {
        this.isClosed = true;
        resolve(Date.now());
        for (const look of this.#watchers) look();
      }),
    );
  }

  /** Opens TCP and sends CONNECT; the CONNACK may say no. */
  static async open(
    node: Node,
    options: ConnectOptions,
  ): Promise<{ readonly client: RawClient; readonly connack: IConnackPacket }> {
    const socket = connect({ host: node.mqttHost, port: node.mqttPort, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    const client = new RawClient(socket, options);
    const { clientId, version = 4, clean = true, expiry, keepAlive = 0, receiveMaximum, will } = options;
    client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: version,
      clientId,
      clean,
      keepalive: keepAlive,
      ...(will === undefined ? {} : { will }),
      ...(version === 5
        ? {
            properties: {
              ...(expiry === undefined ? {} : { sessionExpiryInterval: expiry }),
              ...(receiveMaximum === undefined ? {} : { receiveMaximum }),
            },
          }
        : {}),
    });
    const connack = await client.next('connack');
    return { client, connack };
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet, { protocolVersion: this.options.version ?? 4 }));
  }

  /** The first packet of that kind, come or to come. */
  next<Cmd extends Packet['cmd']>(cmd: Cmd, timeoutMs = 5_000): Promise<Extract<Packet, { cmd: Cmd }>> {
    return this.until(
      `a ${cmd}`,
      () => this.packets.find((packet) => packet.cmd === cmd) as Extract<Packet, { cmd: Cmd }> | undefined,
      timeoutMs,
    );
  }

  /** Looks again after each packet until `seen` gives something. */
  until<T>(what: string, seen: () => T | undefined, timeoutMs = 5_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => finish(new Error(`${this.options.clientId}: no ${what} in ${timeoutMs} ms`)),
        timeoutMs,
      );
      const finish = (error: Error) => {
        this.#watchers = this.#watchers.filter((other) => other !== look);
        clearTimeout(timer);
        reject(error);
      };
      const look = () => {
        const value = seen();
        if (value === undefined) return;
        this.#watchers = this.#watchers.filter((other) => other !== look);
        clearTimeout(timer);
        resolve(value);
      };
      this.#watchers.push(look);
      look();
    });
  }

  async subscribe(topic: string, qos: 0 | 1 | 2 = 1): Promise<readonly unknown[]> {
    const messageId = this.#nextId++;
    this.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic, qos }] });
    const suback = await this.until('suback', () =>
      this.packets.find((packet) => packet.cmd === 'suback' && packet.messageId === messageId),
    );
    return (suback as Extract<Packet, { cmd: 'suback' }>).granted;
  }

  /** Publishes; with QoS 1 resolves when it is acknowledged, with the reason code. */
  async publish(topic: string, payload: string, qos: 0 | 1 = 1): Promise<number | undefined> {
    const messageId = this.#nextId++;
    this.send({
      cmd: 'publish',
      topic,
      payload,
      qos,
      dup: false,
      retain: false,
      ...(qos === 0 ? {} : { messageId }),
    });
    if (qos === 0) return undefined;
    const ack = await this.until('puback', () =>
      this.packets.find((packet) => packet.cmd === 'puback' && packet.messageId === messageId),
    );
    return (ack as Extract<Packet, { cmd: 'puback' }>).reasonCode;
  }

  messages(): readonly IPublishPacket[] {
    return this.packets.filter((packet) => packet.cmd === 'publish');
  }

  texts(): readonly string[] {
    return this.messages().map(({ payload }) => payload.toString());
  }

  /** DISCONNECT, then waits for the close. */
  async leave(): Promise<void> {
    if (!this.isClosed) this.send({ cmd: 'disconnect' });
    this.socket.end();
    await this.closed;
  }

  /** Closes without a word. */
  async drop(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  #on(packet: Packet): void {
    this.packets.push(packet);
    if (packet.cmd === 'publish' && packet.qos === 1 && this.options.isAcking !== false) {
      this.send({ cmd: 'puback', messageId: packet.messageId ?? 0 });
    }
    for (const look of [...this.#watchers]) look();
  }
}

/** Looks until `seen` gives something, and fails after `timeoutMs` with what was waited for. */
export async function eventually<T>(
  what: string,
  seen: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 10_000,
  everyMs = 50,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await seen();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
