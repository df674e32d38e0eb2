import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  generate,
  parser,
  type IConnectPacket,
  type IPublishPacket,
  type ISubscribePacket,
  type Packet,
  type Parser,
} from 'mqtt-packet';
import type { Broker, Client, ClientDetails, EndReason, Held } from './broker.js';
import type { Message, MessageProperties, Qos } from './message.js';
import type { Outgoing, Will } from './session.js';
import { isFilter, isTopic } from './topics.js';

/** What a channel needs of its node. */
export interface ChannelHost {
  readonly broker: Broker;
  readonly now: () => number;
  /** New connections are turned away, because the node is being evacuated. */
  readonly isRefusing: () => boolean;
  /** Seconds; for MQTT 3 clients with clean session off. */
  readonly sessionExpirySeconds: number;
  /** One CONNECT was answered; 0 is accepted, and then the client is known. */
  readonly onConnack: (code: number, clientId: string) => void;
}

/** MQTT 5 reason codes. */
const code = {
  noMatchingSubscribers: 0x10,
  noSubscription: 0x11,
  malformed: 0x81,
  protocolError: 0x82,
  clientIdNotValid: 0x85,
  keepAliveTimeout: 0x8d,
  takenOver: 0x8e,
  filterInvalid: 0x8f,
  topicInvalid: 0x90,
  packetIdNotFound: 0x92,
  administrative: 0x98,
  sharedNotSupported: 0x9e,
  useAnotherServer: 0x9c,
} as const;

const endCode: Readonly<Record<EndReason, number | undefined>> = {
  taken_over: code.takenOver,
  discarded: code.takenOver,
  kicked: code.administrative,
  evicted: code.useAnotherServer,
  stopped: undefined,
};

const idleTimeoutMs = 15_000; // mqtt.idle_timeout

/** One MQTT connection: packets in and out, and nothing that outlives it. */
export class Channel implements Client {
  #version = 4;
  #held: Held | undefined;
  #will: Will | undefined;
  #isOver = false;
  #isConnecting = false;
  #early: Packet[] = [];
  #aliases: Map<number, string> | undefined;
  #details: ClientDetails | undefined;
  readonly #parser: Parser = parser({});
  lastPacketAt: number;
  keepAliveSeconds = 0;

  constructor(
    readonly socket: Socket,
    readonly host: ChannelHost,
  ) {
    this.lastPacketAt = host.now();
    const idle = setTimeout(
      () => void (!this.#held && !this.#isConnecting && socket.destroy()),
      idleTimeoutMs,
    );
    this.#parser.on('packet', (packet) => this.#receive(packet));
    this.#parser.on('error', () => this.#fail(code.malformed));
    socket.on('data', (chunk: Buffer) => {
      this.lastPacketAt = host.now();
      socket.cork();
      this.#parser.parse(chunk);
      socket.uncork();
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(idle);
      this.#over(true);
    });
  }

  get isVersion5(): boolean {
    return this.#version === 5;
  }

  get will(): Will | undefined {
    return this.#will;
  }

  get details(): ClientDetails {
    if (!this.#details) throw new Error('not connected yet');
    return this.#details;
  }

  flush(): void {
    if (!this.#held || this.#isOver) return;
    for (const outgoing of this.#held.session.take(this.host.now())) this.#sendPublish(outgoing);
  }

  end(reason: EndReason, serverReference?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const reasonCode = endCode[reason];
    if (this.isVersion5 && reasonCode !== undefined) {
      const properties = serverReference === undefined ? {} : { properties: { serverReference } };
      this.#send({ cmd: 'disconnect', reasonCode, ...properties });
    }
    this.socket.destroySoon();
  }

  timeOut(): void {
    this.#fail(code.keepAliveTimeout);
  }

  #receive(packet: Packet): void {
    if (this.#isOver) return;
    if (this.#isConnecting) {
      this.#early.push(packet);
      return;
    }
    if (!this.#held) {
      if (packet.cmd === 'connect') void this.#onConnect(packet);
      else this.socket.destroy();
      return;
    }
    this.#handle(this.#held, packet);
  }

  #handle(held: Held, packet: Packet): void {
    switch (packet.cmd) {
      case 'publish':
        return this.#onPublish(held, packet);
      case 'puback':
      case 'pubcomp':
        if (held.session.acknowledge(packet.messageId ?? 0)) this.flush();
        return;
      case 'pubrec': {
        const messageId = packet.messageId ?? 0;
        const isKnown = held.session.release(messageId);
        return this.#send({
          cmd: 'pubrel',
          messageId,
          ...(isKnown ? {} : { reasonCode: code.packetIdNotFound }),
        });
      }
      case 'pubrel': {
        const messageId = packet.messageId ?? 0;
        const isKnown = held.session.complete(messageId);
        return this.#send({
          cmd: 'pubcomp',
          messageId,
          ...(isKnown ? {} : { reasonCode: code.packetIdNotFound }),
        });
      }
      case 'subscribe':
        return void this.#onSubscribe(held, packet);
      case 'unsubscribe': {
        const granted = packet.unsubscriptions.map((filter) =>
          this.host.broker.unsubscribe(held, filter) ? 0 : code.noSubscription,
        );
        return this.#send({ cmd: 'unsuback', messageId: packet.messageId ?? 0, granted });
      }
      case 'pingreq':
        return this.#send({ cmd: 'pingresp' });
      case 'disconnect': {
        const expiry = packet.properties?.sessionExpiryInterval;
        if (expiry !== undefined) {
          if (held.session.expirySeconds === 0 && expiry > 0) return this.#fail(code.protocolError);
          held.session.expirySeconds = toExpiry(expiry);
        }
        this.#over(packet.reasonCode === 4);
        return this.socket.destroySoon();
      }
      case 'connect':
      case 'connack':
      case 'suback':
      case 'unsuback':
      case 'pingresp':
      case 'auth':
        return this.#fail(code.protocolError);
      default:
        return packet satisfies never;
    }
  }

  async #onConnect(packet: IConnectPacket): Promise<void> {
    const { broker, now } = this.host;
    this.#version = packet.protocolVersion ?? 4;
    // Before authentication, and with the listener open, as EMQX does (emqx_eviction_agent.erl).
    if (this.host.isRefusing()) return this.#refuse(this.isVersion5 ? code.useAnotherServer : 3);
    const isClean = packet.clean ?? false;
    if (packet.clientId === '' && !isClean && !this.isVersion5) return this.#refuse(2);
    const isAssigned = packet.clientId === '';
    const clientId = isAssigned ? `auto-${randomUUID()}` : packet.clientId;
    this.keepAliveSeconds = packet.keepalive ?? 0;
    this.#will = this.#willOf(packet, clientId);
    this.#details = {
      username: packet.username,
      protocolVersion: this.#version,
      cleanStart: isClean,
      address: this.socket.remoteAddress ?? '',
      port: this.socket.remotePort ?? 0,
      connectedAt: now(),
    };
    this.#isConnecting = true;
    const { held, isPresent } = await broker.open({
      clientId,
      cleanStart: isClean,
      expirySeconds: this.isVersion5
        ? toExpiry(packet.properties?.sessionExpiryInterval ?? 0)
        : isClean
          ? 0
          : this.host.sessionExpirySeconds,
      receiveMaximum: packet.properties?.receiveMaximum ?? 65_535,
    });
    this.#isConnecting = false;
    broker.attach(held, this);
    if (this.#isOver) return broker.closed(held, this, true);
    this.#held = held;
    this.socket.cork();
    this.host.onConnack(0, clientId);
    this.#send({
      cmd: 'connack',
      sessionPresent: isPresent,
      ...(this.isVersion5
        ? {
            reasonCode: 0,
            properties: {
              topicAliasMaximum: 65_535,
              sharedSubscriptionAvailable: false,
              retainAvailable: true,
              ...(isAssigned ? { assignedClientIdentifier: clientId } : {}),
            },
          }
        : { returnCode: 0 }),
    });
    if (isPresent) {
      const { again, releases } = held.session.resume();
      for (const outgoing of again) this.#sendPublish(outgoing);
      for (const messageId of releases) this.#send({ cmd: 'pubrel', messageId });
    }
    this.flush();
    const early = this.#early;
    this.#early = [];
    for (const packet of early) this.#receive(packet);
    this.socket.uncork();
  }

  #onPublish(held: Held, packet: IPublishPacket): void {
    const topic = this.#topicOf(packet);
    if (topic === undefined || !isTopic(topic)) return this.#fail(code.topicInvalid);
    const messageId = packet.messageId ?? 0;
    const isFirst = packet.qos < 2 || held.session.receive(messageId);
    const { hasSubscribers } = isFirst
      ? this.host.broker.publish(this.#message(held.session.clientId, topic, packet))
      : { hasSubscribers: true };
    if (packet.qos === 0) return;
    this.#send({
      cmd: packet.qos === 1 ? 'puback' : 'pubrec',
      messageId,
      ...(this.isVersion5 && !hasSubscribers ? { reasonCode: code.noMatchingSubscribers } : {}),
    });
  }

  #topicOf({ topic, properties }: IPublishPacket): string | undefined {
    const alias = properties?.topicAlias;
    if (alias === undefined) return topic;
    if (alias === 0) return undefined;
    if (topic === '') return this.#aliases?.get(alias);
    (this.#aliases ??= new Map()).set(alias, topic);
    return topic;
  }

  async #onSubscribe(held: Held, packet: ISubscribePacket): Promise<void> {
    const { broker } = this.host;
    const id = packet.properties?.subscriptionIdentifier;
    const granted = await Promise.all(
      packet.subscriptions.map(async ({ topic: filter, qos, nl, rap, rh }) => {
        if (!isFilter(filter)) return this.isVersion5 ? code.filterInvalid : 0x80;
        if (filter.startsWith('$share/')) return this.isVersion5 ? code.sharedNotSupported : 0x80;
        const isNew = !held.session.subscriptions.has(filter);
        await broker.subscribe(held, filter, {
          qos,
          ...(nl === true ? { noLocal: true } : {}),
          ...(rap === true ? { retainAsPublished: true } : {}),
          ...(id === undefined ? {} : { id }),
        });
        if (rh !== 2 && (rh !== 1 || isNew)) {
          for (const message of broker.retainedFor(filter)) {
            held.session.enqueue({
              message,
              qos: Math.min(qos, message.qos) as Qos,
              retain: true,
              subscriptionId: id,
            });
          }
        }
        return qos;
      }),
    );
    if (this.#isOver) return;
    this.#send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted });
    this.flush();
  }

  #sendPublish({ message, packetId, qos, dup, retain, subscriptionId }: Outgoing): void {
    const left =
      message.expiresAt === undefined
        ? undefined
        : Math.max(1, Math.ceil((message.expiresAt - this.host.now()) / 1_000));
    this.#send({
      cmd: 'publish',
      topic: message.topic,
      payload: message.payload,
      qos,
      dup,
      retain,
      ...(packetId === undefined ? {} : { messageId: packetId }),
      ...(this.isVersion5 && (message.properties || left !== undefined || subscriptionId !== undefined)
        ? {
            properties: {
              ...message.properties,
              ...(left === undefined ? {} : { messageExpiryInterval: left }),
              ...(subscriptionId === undefined ? {} : { subscriptionIdentifier: subscriptionId }),
            },
          }
        : {}),
    });
  }

  #message(from: string, topic: string, packet: IPublishPacket): Message {
    const now = this.host.now();
    const expiry = packet.properties?.messageExpiryInterval;
    return {
      id: this.host.broker.newMessageId(),
      from,
      topic,
      payload: bytes(packet.payload),
      qos: packet.qos,
      retain: packet.retain,
      at: now,
      expiresAt: expiry === undefined ? undefined : now + expiry * 1_000,
      properties: propertiesOf(packet.properties),
    };
  }

  #willOf({ will }: IConnectPacket, clientId: string): Will | undefined {
    if (!will) return undefined;
    const now = this.host.now();
    return {
      delay: will.properties?.willDelayInterval ?? 0,
      message: {
        id: '',
        from: clientId,
        topic: will.topic,
        payload: bytes(will.payload),
        qos: will.qos ?? 0,
        retain: will.retain ?? false,
        at: now,
        expiresAt: undefined,
        properties: propertiesOf(will.properties),
      },
    };
  }

  #refuse(connack: number): void {
    this.#isOver = true;
    this.host.onConnack(connack, '');
    this.#send({
      cmd: 'connack',
      sessionPresent: false,
      ...(this.isVersion5 ? { reasonCode: connack } : { returnCode: connack }),
    });
    this.socket.destroySoon();
  }

  /** The client broke a rule: say so where the version can, and close. */
  #fail(reasonCode: number): void {
    if (this.#isOver) return;
    if (this.isVersion5 && this.#held) this.#send({ cmd: 'disconnect', reasonCode });
    this.#over(true);
    this.socket.destroySoon();
  }

  #over(isWillDue: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#held) this.host.broker.closed(this.#held, this, isWillDue);
  }

  #send(packet: Packet): void {
    if (!this.socket.destroyed) this.socket.write(generate(packet, { protocolVersion: this.#version }));
  }
}

function toExpiry(seconds: number): number {
  return seconds === 0xffff_ffff ? Infinity : seconds;
}

function bytes(payload: string | Buffer): Buffer {
  // A copy: the parser's slices would keep whole reads in memory while a message waits.
  return Buffer.from(payload);
}

function propertiesOf(all: MessageProperties | undefined): MessageProperties | undefined {
  if (!all) return undefined;
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = all;
  const some: MessageProperties = {
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
    ...(userProperties === undefined ? {} : { userProperties }),
  };
  return Object.keys(some).length === 0 ? undefined : some;
}
