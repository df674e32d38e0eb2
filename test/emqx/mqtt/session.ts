import { fromJson, toJson, type Message, type MessageJson, type Qos } from './message.js';

export interface SubscriptionOptions {
  readonly qos: Qos;
  /** MQTT 5: not the subscriber's own messages. */
  readonly noLocal?: boolean;
  /** MQTT 5: keep the retain flag of the publisher. */
  readonly retainAsPublished?: boolean;
  readonly id?: number;
}

/** One message for one subscriber, at the quality that both sides agreed to. */
export interface Delivery {
  readonly message: Message;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly subscriptionId: number | undefined;
}

/** A delivery as it goes out; `packetId` is undefined for QoS 0. */
export interface Outgoing extends Delivery {
  readonly packetId: number | undefined;
  readonly dup: boolean;
}

interface Inflight {
  readonly delivery: Delivery;
  /** QoS 2 after PUBREC. */
  released: boolean;
}

export interface Will {
  readonly message: Message;
  /** Seconds. */
  readonly delay: number;
}

/** EMQX's defaults: `mqtt.max_inflight`, `mqtt.max_mqueue_len`. */
export interface SessionLimits {
  readonly maxInflight: number;
  readonly maxQueue: number;
}

/** A session on its way to another node. */
export interface SessionJson {
  readonly clientId: string;
  readonly createdAt: number;
  readonly expirySeconds: number;
  readonly disconnectedAt: number | undefined;
  readonly subscriptions: readonly (readonly [string, SubscriptionOptions])[];
  readonly inflight: readonly (readonly [number, DeliveryJson, boolean])[];
  readonly queue: readonly DeliveryJson[];
  readonly received: readonly number[];
  readonly nextPacketId: number;
  readonly will: { readonly message: MessageJson; readonly at: number } | undefined;
}

interface DeliveryJson {
  readonly m: MessageJson;
  readonly q: Qos;
  readonly r: boolean;
  readonly s?: number;
}

/**
 * What a node keeps for one client: subscriptions, messages sent and not yet acknowledged, and messages that wait.
 * No sockets, no timers: the channel writes what `take` and `resume` give it.
 */
export class Session {
  readonly subscriptions = new Map<string, SubscriptionOptions>();
  /** Seconds that it outlives its connection; Infinity never ends, 0 ends with it. */
  expirySeconds = 0;
  /** Wall clock of the disconnect; undefined while a client is connected. */
  disconnectedAt: number | undefined;
  /** A will whose delay runs. */
  will: { readonly message: Message; readonly at: number } | undefined;
  receiveMaximum = 65_535;
  readonly createdAt: number;
  #inflight = new Map<number, Inflight>();
  #queue: Delivery[] = [];
  #received = new Set<number>();
  #nextPacketId = 1;
  /** Ids of what came while and just after it moved here, to drop what arrives over both ways. */
  #seen: Set<string> | undefined;
  dropped = 0;

  constructor(
    readonly clientId: string,
    readonly limits: SessionLimits,
    createdAt: number,
  ) {
    this.createdAt = createdAt;
  }

  get inflightCount(): number {
    return this.#inflight.size;
  }

  get queueLength(): number {
    return this.#queue.length;
  }

  /** When it ends if nobody comes; undefined while connected or for ever. */
  get endsAt(): number | undefined {
    if (this.disconnectedAt === undefined || this.expirySeconds === Infinity) return undefined;
    return this.disconnectedAt + this.expirySeconds * 1_000;
  }

  /** Keeps a message for the client; the oldest goes when the queue is full. False when it was a double. */
  enqueue(delivery: Delivery): boolean {
    if (this.#seen) {
      const key = `${delivery.message.id} ${delivery.subscriptionId ?? ''}`;
      if (this.#seen.has(key)) return false;
      this.#seen.add(key);
    }
    this.#queue.push(delivery);
    if (this.#queue.length > this.limits.maxQueue) {
      this.#queue.shift();
      this.dropped += 1;
    }
    return true;
  }

  /** What may be sent now: as much of the queue as the client's window has room for. */
  take(now: number): readonly Outgoing[] {
    const out: Outgoing[] = [];
    const window = Math.min(this.limits.maxInflight, this.receiveMaximum);
    let taken = 0;
    for (const delivery of this.#queue) {
      if (delivery.qos > 0 && this.#inflight.size >= window) break;
      taken += 1;
      if (delivery.message.expiresAt !== undefined && delivery.message.expiresAt <= now) continue;
      if (delivery.qos === 0) {
        out.push({ ...delivery, packetId: undefined, dup: false });
        continue;
      }
      const packetId = this.#freePacketId();
      this.#inflight.set(packetId, { delivery, released: false });
      out.push({ ...delivery, packetId, dup: false });
    }
    if (taken === this.#queue.length) this.#queue = [];
    else if (taken > 0) this.#queue.splice(0, taken);
    return out;
  }

  /** What a client that comes back gets again: messages with DUP, and the packet ids of PUBRELs. */
  resume(): { readonly again: readonly Outgoing[]; readonly releases: readonly number[] } {
    const again: Outgoing[] = [];
    const releases: number[] = [];
    for (const [packetId, { delivery, released }] of this.#inflight) {
      if (released) releases.push(packetId);
      else again.push({ ...delivery, packetId, dup: true });
    }
    return { again, releases };
  }

  /** PUBACK or PUBCOMP. False when nothing waited for it. */
  acknowledge(packetId: number): boolean {
    return this.#inflight.delete(packetId);
  }

  /** PUBREC. False when nothing waited for it. */
  release(packetId: number): boolean {
    const sent = this.#inflight.get(packetId);
    if (!sent) return false;
    sent.released = true;
    return true;
  }

  /** A QoS 2 PUBLISH came. False when it had come before. */
  receive(packetId: number): boolean {
    if (this.#received.has(packetId)) return false;
    this.#received.add(packetId);
    return true;
  }

  /** PUBREL came. False when its PUBLISH never had. */
  complete(packetId: number): boolean {
    return this.#received.delete(packetId);
  }

  /** From now on `enqueue` drops doubles. */
  watchDoubles(): void {
    this.#seen ??= new Set();
  }

  forgetDoubles(): void {
    this.#seen = undefined;
  }

  toJson(): SessionJson {
    return {
      clientId: this.clientId,
      createdAt: this.createdAt,
      expirySeconds: this.expirySeconds === Infinity ? -1 : this.expirySeconds,
      disconnectedAt: this.disconnectedAt,
      subscriptions: [...this.subscriptions],
      inflight: [...this.#inflight].map(([id, { delivery, released }]) => [
        id,
        deliveryToJson(delivery),
        released,
      ]),
      queue: this.#queue.map(deliveryToJson),
      received: [...this.#received],
      nextPacketId: this.#nextPacketId,
      will: this.will && { message: toJson(this.will.message), at: this.will.at },
    };
  }

  /** Fills a session that was made for a move; what has come here meanwhile stays behind what it brings, doubles once. */
  fill(json: SessionJson): void {
    this.expirySeconds = json.expirySeconds === -1 ? Infinity : json.expirySeconds;
    this.disconnectedAt = json.disconnectedAt;
    this.will = json.will && { message: fromJson(json.will.message), at: json.will.at };
    this.#nextPacketId = json.nextPacketId;
    this.#received = new Set(json.received);
    this.#inflight = new Map(
      json.inflight.map(([id, delivery, released]) => [
        id,
        { delivery: deliveryFromJson(delivery), released },
      ]),
    );
    const meanwhile = this.#queue;
    this.#queue = [];
    this.#seen = new Set();
    for (const { delivery } of this.#inflight.values()) {
      this.#seen.add(`${delivery.message.id} ${delivery.subscriptionId ?? ''}`);
    }
    for (const delivery of json.queue) this.enqueue(deliveryFromJson(delivery));
    for (const delivery of meanwhile) this.enqueue(delivery);
  }

  #freePacketId(): number {
    while (this.#inflight.has(this.#nextPacketId)) this.#advance();
    const id = this.#nextPacketId;
    this.#advance();
    return id;
  }

  #advance(): void {
    this.#nextPacketId = this.#nextPacketId >= 65_535 ? 1 : this.#nextPacketId + 1;
  }
}

function deliveryToJson({ message, qos, retain, subscriptionId }: Delivery): DeliveryJson {
  return {
    m: toJson(message),
    q: qos,
    r: retain,
    ...(subscriptionId === undefined ? {} : { s: subscriptionId }),
  };
}

function deliveryFromJson({ m, q, r, s }: DeliveryJson): Delivery {
  return { message: fromJson(m), qos: q, retain: r, subscriptionId: s };
}
