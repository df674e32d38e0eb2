import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import mqttPacket from 'mqtt-packet';
import type { IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet';

/** Lets a test decide what goes wrong. Each is asked at its moment. */
export interface Mischief {
  /** CONNACK code; 0 or absent accepts. */
  connack?: (connect: IConnectPacket) => number;
  /** How often an accepted QoS 1 message is delivered: 0 loses it. */
  copies?: (publish: IPublishPacket) => number;
  /** True: the PUBACK is never sent and the publisher's connection is cut. */
  cutsBeforeAck?: (publish: IPublishPacket) => boolean;
  /** True: forgets the session instead of resuming it. */
  forgets?: (connect: IConnectPacket) => boolean;
}

interface Session {
  topics: Set<string>;
  queue: IPublishPacket[];
  socket: Socket | undefined;
}

/**
 * Just enough of a broker to show that the fleet counts right: exact topics, QoS 1, sessions that are kept for ever.
 * It is no model of EMQX; that is `test/emqx`.
 */
export class TinyBroker {
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sessions = new Map<string, Session>();
  readonly #versions = new WeakMap<Socket, number>();
  readonly #mischief: Mischief;
  #nextId = 1;
  /** CONNECTs by client id. */
  readonly connects = new Map<string, IConnectPacket[]>();

  constructor(mischief: Mischief = {}) {
    this.#mischief = mischief;
  }

  /** @returns the port on 127.0.0.1 */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.kickAll();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** Disconnects everybody as an evacuation does: 0x9C for MQTT 5, a bare close for 3.1.1. */
  kickAll(): void {
    for (const { socket } of this.#sessions.values()) this.#kick(socket);
  }

  #kick(socket: Socket | undefined): void {
    if (!socket) return;
    if (this.#versions.get(socket) === 5) this.#send(socket, { cmd: 'disconnect', reasonCode: 0x9c });
    socket.end();
  }

  #serve(socket: Socket): void {
    const parser = mqttPacket.parser();
    let clientId = '';
    socket.on('data', (chunk) => parser.parse(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      const session = this.#sessions.get(clientId);
      if (session?.socket === socket) session.socket = undefined;
    });
    parser.on('error', () => socket.destroy());
    parser.on('packet', (packet: Packet) => {
      switch (packet.cmd) {
        case 'connect':
          clientId = packet.clientId;
          return this.#connect(socket, packet);
        case 'subscribe': {
          const session = this.#sessions.get(clientId);
          for (const { topic } of packet.subscriptions) session?.topics.add(topic);
          return this.#send(socket, { cmd: 'suback', messageId: packet.messageId ?? 0, granted: [1] });
        }
        case 'publish':
          return this.#publish(socket, packet);
        case 'pingreq':
          return this.#send(socket, { cmd: 'pingresp' });
        case 'disconnect':
          return void socket.end();
        case 'auth':
        case 'connack':
        case 'pingresp':
        case 'puback':
        case 'pubcomp':
        case 'pubrec':
        case 'pubrel':
        case 'suback':
        case 'unsuback':
        case 'unsubscribe':
      }
    });
  }

  #connect(socket: Socket, packet: IConnectPacket): void {
    const { clientId, protocolVersion = 4 } = packet;
    this.#versions.set(socket, protocolVersion);
    this.connects.set(clientId, [...(this.connects.get(clientId) ?? []), packet]);
    const code = this.#mischief.connack?.(packet) ?? 0;
    const connack = (sessionPresent: boolean) =>
      this.#send(socket, {
        cmd: 'connack',
        sessionPresent,
        reasonCode: code,
        returnCode: code,
        // As EMQX does; what a client makes of it is a matter of its memory.
        ...(protocolVersion === 5 ? { properties: { topicAliasMaximum: 65_535 } } : {}),
      });
    if (code !== 0) {
      connack(false);
      socket.end();
      return;
    }
    if (packet.clean || this.#mischief.forgets?.(packet)) this.#sessions.delete(clientId);
    const kept = this.#sessions.get(clientId);
    const session = kept ?? { topics: new Set<string>(), queue: [], socket };
    session.socket = socket;
    this.#sessions.set(clientId, session);
    connack(kept !== undefined);
    for (const queued of session.queue.splice(0)) this.#send(socket, queued);
  }

  #publish(socket: Socket, packet: IPublishPacket): void {
    const copies = this.#mischief.copies?.(packet) ?? 1;
    for (const session of this.#sessions.values()) {
      if (!session.topics.has(packet.topic)) continue;
      for (let copy = 0; copy < copies; copy++) {
        const delivery: IPublishPacket = { ...packet, dup: false, messageId: (this.#nextId++ % 65_535) + 1 };
        if (session.socket) this.#send(session.socket, delivery);
        else session.queue.push(delivery);
      }
    }
    if (this.#mischief.cutsBeforeAck?.(packet)) socket.destroy();
    else this.#send(socket, { cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 });
  }

  #send(socket: Socket, packet: Packet): void {
    if (!socket.writable) return;
    socket.write(mqttPacket.generate(packet, { protocolVersion: this.#versions.get(socket) ?? 4 }));
  }
}
