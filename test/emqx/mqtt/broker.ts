import type { Clock } from '../time.js';
import { fromJson, toJson, type Message, type MessageJson, type Qos } from './message.js';
import {
  Session,
  type SessionJson,
  type SessionLimits,
  type SubscriptionOptions,
  type Will,
} from './session.js';
import type { Sync, Tables } from './tables.js';
import { matches, TopicIndex } from './topics.js';

/** Why the broker ends a connection. */
export type EndReason = 'taken_over' | 'discarded' | 'kicked' | 'evicted' | 'stopped';

/** A live connection, as the broker sees it. */
export interface Client {
  /** The session has something for it. */
  flush(): void;
  /** Sends what the reason calls for, and closes. It will not call `closed` any more. */
  end(reason: EndReason, serverReference?: string): void;
  readonly will: Will | undefined;
  readonly isVersion5: boolean;
  readonly details: ClientDetails;
  /** Wall clock of the last packet, and seconds of silence allowed (0: for ever). */
  readonly lastPacketAt: number;
  readonly keepAliveSeconds: number;
  /** Has been silent for too long. */
  timeOut(): void;
}

/** What `GET /clients` tells of a connection. */
export interface ClientDetails {
  readonly username: string | undefined;
  readonly protocolVersion: number;
  readonly cleanStart: boolean;
  readonly address: string;
  readonly port: number;
  readonly connectedAt: number;
}

export interface Held {
  readonly session: Session;
  client: Client | undefined;
  /** Of the last connection, for sessions whose client has gone. */
  details: ClientDetails | undefined;
  /** Wall clock of its coming to this node. */
  readonly since: number;
}

/** A client's session is at the sender, since then. */
type Own = readonly [clientId: string, since: number];

/** All that the broker needs of the other nodes. */
export interface Others {
  readonly self: string;
  isRunning(node: string): boolean;
  running(): readonly string[];
  askRpc(node: string, method: string, params: unknown, timeoutMs?: number): Promise<unknown>;
  tellRpc(node: string, method: string, params: unknown): void;
  tellAll(method: string, params: unknown): void;
  askAll(method: string, params: unknown, timeoutMs?: number): Promise<unknown>;
}

export interface OpenRequest {
  readonly clientId: string;
  readonly cleanStart: boolean;
  readonly expirySeconds: number;
  readonly receiveMaximum: number;
}

export interface BrokerOptions {
  readonly clock: Clock;
  readonly others: Others;
  readonly tables: Tables;
  readonly limits: SessionLimits;
  /** Real milliseconds in which messages that were under way to a moved session are sent after it. */
  readonly lateMs: number;
}

/** A session that has gone to `to`; what still comes for it here is sent after it. */
interface Moved {
  readonly clientId: string;
  readonly to: string;
  readonly filters: readonly string[];
  readonly until: number;
}

type Begun =
  | { readonly kind: 'begun'; readonly subscriptions: readonly (readonly [string, SubscriptionOptions])[] }
  | { readonly kind: 'moved'; readonly to: string }
  | { readonly kind: 'none' };

const takeoverTimeoutMs = 15_000;

/** The sessions that live on this node, and the messages that go to them. Sockets are the channels' business. */
export class Broker {
  readonly #sessions = new Map<string, Held>();
  readonly #live = new Map<string, Held>();
  readonly #subscribers = new TopicIndex<Held>();
  readonly #filterUse = new Map<string, number>();
  readonly #moved = new Map<string, Moved>();
  readonly #movedTo = new TopicIndex<Moved>();
  readonly #locks = new Map<string, Promise<unknown>>();
  readonly #watching: { session: Session; until: number }[] = [];
  readonly #retained = new Map<string, Message>();
  #freshRoutes: string[] = [];
  #routesTold: Promise<unknown> | undefined;
  #messageCount = 0;
  readonly #idPrefix: string;

  constructor(readonly options: BrokerOptions) {
    this.#idPrefix = `${options.others.self}.${options.clock.now().toString(36)}.`;
  }

  /** Live connections, and sessions with those of live connections. */
  counts(): { readonly connected: number; readonly sessions: number } {
    return { connected: this.#live.size, sessions: this.#sessions.size };
  }

  all(): IterableIterator<Held> {
    return this.#sessions.values();
  }

  find(clientId: string): Held | undefined {
    return this.#sessions.get(clientId);
  }

  /** What a node that has just connected must know of this one. */
  sync(): Sync {
    return { clients: [...this.#sessions.keys()], filters: [...this.#filterUse.keys()] };
  }

  newMessageId(): string {
    return `${this.#idPrefix}${++this.#messageCount}`;
  }

  /** Gives a client its session: its own from this or another node, or a new one. */
  open(request: OpenRequest): Promise<{ readonly held: Held; readonly isPresent: boolean }> {
    return this.#locked(request.clientId, async () => {
      if (request.cleanStart) await this.#discardEverywhere(request.clientId);
      const found = request.cleanStart ? undefined : await this.#bring(request.clientId);
      const held = found ?? this.#make(request.clientId);
      held.session.expirySeconds = request.expirySeconds;
      held.session.receiveMaximum = request.receiveMaximum;
      held.session.disconnectedAt = undefined;
      held.session.will = undefined;
      return { held, isPresent: found !== undefined };
    });
  }

  attach(held: Held, client: Client): void {
    held.client = client;
    held.details = client.details;
    this.#live.set(held.session.clientId, held);
  }

  /** The client closed, in good order or not. `isWillDue` false: it said goodbye properly. */
  closed(held: Held, client: Client, isWillDue: boolean): void {
    if (held.client !== client) return;
    this.#detach(held, isWillDue);
  }

  async subscribe(held: Held, filter: string, options: SubscriptionOptions): Promise<void> {
    const { session } = held;
    const isNew = !session.subscriptions.has(filter);
    session.subscriptions.set(filter, options);
    if (isNew) this.#subscribers.add(filter, held);
    if (isNew && this.#use(filter)) await this.#tellRoutes(filter);
  }

  /** False when there was no such subscription. */
  unsubscribe(held: Held, filter: string): boolean {
    if (!held.session.subscriptions.delete(filter)) return false;
    this.#subscribers.delete(filter, held);
    this.#release(filter);
    return true;
  }

  /** Puts a message on its way to every subscriber, here and on other nodes. */
  publish(message: Message): { readonly hasSubscribers: boolean } {
    if (message.retain) {
      this.#retain(message);
      this.options.others.tellAll('retain', toJson(message));
    }
    const here = this.#deliverHere(message);
    const nodes = this.options.tables.nodesFor(message.topic);
    if (nodes.size > 0) {
      const json = toJson(message);
      for (const node of nodes) this.options.others.tellRpc(node, 'publish', json);
    }
    return { hasSubscribers: here || nodes.size > 0 };
  }

  /** Retained messages that a new subscription to `filter` gets. */
  retainedFor(filter: string): readonly Message[] {
    if (this.#retained.size === 0) return [];
    return [...this.#retained.values()].filter(({ topic }) => matches(filter, topic));
  }

  retained(): readonly MessageJson[] {
    return [...this.#retained.values()].map(toJson);
  }

  takeRetained(all: readonly MessageJson[]): void {
    for (const json of all) this.#retain(fromJson(json));
  }

  /** Ends up to `atMost` connections with 0x9C; their sessions stay if they may. Returns whose. */
  evict(atMost: number, serverReference: string | undefined): readonly string[] {
    const evicted: string[] = [];
    for (const held of this.#live.values()) {
      if (evicted.length >= atMost) break;
      evicted.push(held.session.clientId);
      held.client?.end('evicted', serverReference);
      this.#detach(held, true);
    }
    return evicted;
  }

  /** Up to `atMost` clients whose sessions are here, and which `isWanted`. */
  sessionIds(atMost: number, isWanted: (held: Held) => boolean): readonly string[] {
    const ids: string[] = [];
    for (const [clientId, held] of this.#sessions) {
      if (ids.length >= atMost) break;
      if (isWanted(held)) ids.push(clientId);
    }
    return ids;
  }

  /** Ends a client and its session, as `DELETE /clients/{clientid}` does. False when it is not here. */
  kick(clientId: string): boolean {
    const held = this.#sessions.get(clientId);
    if (!held) return false;
    this.#end(held, 'kicked');
    return true;
  }

  /** Takes a session, wherever it is now, and keeps it here without a client. False when there is none. */
  adopt(clientId: string): Promise<boolean> {
    return this.#locked(clientId, async () => {
      const held = await this.#bring(clientId);
      if (!held) return false;
      held.session.disconnectedAt ??= this.options.clock.now();
      return true;
    });
  }

  /** A session that no other node knows any more. */
  discard(clientId: string): void {
    const held = this.#sessions.get(clientId);
    if (held) this.#end(held, 'discarded');
  }

  /** Everything in memory goes, as when EMQX's applications stop. */
  clear(): void {
    for (const held of this.#live.values()) {
      const { client } = held;
      held.client = undefined;
      client?.end('stopped');
    }
    this.#live.clear();
    for (const held of [...this.#sessions.values()]) this.#remove(held, false);
    this.#retained.clear();
  }

  /** Once a second: keep-alives, sessions whose time is over, delayed wills. */
  sweep(): void {
    const now = this.options.clock.now();
    for (const { client } of this.#live.values()) {
      if (!client || client.keepAliveSeconds === 0) continue;
      if (now - client.lastPacketAt > client.keepAliveSeconds * 1_500) client.timeOut();
    }
    for (const held of this.#sessions.values()) {
      const { session } = held;
      if (session.will && session.will.at <= now) {
        const { message } = session.will;
        session.will = undefined;
        this.publish({ ...message, id: this.newMessageId() });
      }
      if (session.endsAt !== undefined && session.endsAt <= now) this.#remove(held, true);
    }
    for (const moved of this.#moved.values()) if (moved.until <= now) this.#forgetMoved(moved);
    while (this.#watching[0] && this.#watching[0].until <= now)
      this.#watching.shift()?.session.forgetDoubles();
  }

  /** What other nodes ask of this one: method and answer. */
  answers(): readonly (readonly [string, (params: unknown, from: string) => unknown])[] {
    const { tables } = this.options;
    return [
      ['publish', (params) => this.#onForwarded(fromJson(params as MessageJson))],
      [
        'late',
        (params) => this.#onLate(params as { clientId: string; filter: string; message: MessageJson }),
      ],
      ['retain', (params) => this.#retain(fromJson(params as MessageJson))],
      ['sync', (params, from) => tables.sync(from, params as Sync)],
      ['own', (own, from) => this.#onOwn(own as Own, from)],
      ['disown', (clientId, from) => tables.disown(from, clientId as string)],
      [
        'route_add',
        (filters, from) => (filters as readonly string[]).forEach((filter) => tables.route(from, filter)),
      ],
      ['route_delete', (filter, from) => tables.unroute(from, filter as string)],
      ['discard', (clientId) => this.discard(clientId as string)],
      ['takeover_begin', (clientId) => this.#onTakeoverBegin(clientId as string)],
      ['takeover_end', (clientId, from) => this.#onTakeoverEnd(clientId as string, from)],
      ['adopt', (clientId) => this.adopt(clientId as string)],
    ];
  }

  async #bring(clientId: string): Promise<Held | undefined> {
    const held = this.#sessions.get(clientId);
    if (held) {
      const { client } = held;
      if (client) {
        const { will } = client;
        client.end('taken_over');
        if (client.isVersion5 && will?.delay === 0)
          this.publish({ ...will.message, id: this.newMessageId() });
        held.client = undefined;
        this.#live.delete(clientId);
        held.session.disconnectedAt = this.options.clock.now();
      }
      return held;
    }
    let owner = this.options.tables.ownerOf(clientId);
    for (let hops = 0; hops < 4 && owner !== undefined && owner !== this.options.others.self; hops += 1) {
      const answer = await this.#takeFrom(owner, clientId);
      if (answer.kind === 'taken') return answer.held;
      if (answer.kind === 'none') return undefined;
      owner = answer.to;
    }
    return undefined;
  }

  /**
   * Two steps, as in EMQX, so that no message falls between: subscribe here, and only when every node knows that,
   * fetch what the old node has kept; ids drop what came both ways.
   */
  async #takeFrom(
    node: string,
    clientId: string,
  ): Promise<{ kind: 'taken'; held: Held } | { kind: 'moved'; to: string } | { kind: 'none' }> {
    const { others, clock, lateMs } = this.options;
    let held: Held | undefined;
    try {
      const begun = (await others.askRpc(node, 'takeover_begin', clientId, takeoverTimeoutMs)) as Begun;
      if (begun.kind !== 'begun') return begun;
      held = this.#make(clientId, false);
      held.session.watchDoubles();
      const target = held;
      await Promise.all(
        begun.subscriptions.map(([filter, options]) => this.subscribe(target, filter, options)),
      );
      const json = (await others.askRpc(
        node,
        'takeover_end',
        clientId,
        takeoverTimeoutMs,
      )) as SessionJson | null;
      if (json === null) {
        // Two wanted it. EMQX has them take turns by a lock on the client, in the whole cluster: the later one follows it.
        this.#remove(held, false);
        return { kind: 'moved', to: node };
      }
      held.session.fill(json);
      this.#watching.push({ session: held.session, until: clock.now() + 2 * lateMs });
      others.tellAll('own', [clientId, held.since] satisfies Own);
      return { kind: 'taken', held };
    } catch {
      if (held) this.#remove(held, false);
      return { kind: 'none' };
    }
  }

  #onTakeoverBegin(clientId: string): Promise<Begun> {
    // A session that is just coming here is first let in.
    const begin = (): Begun => {
      const held = this.#sessions.get(clientId);
      if (!held) {
        const moved = this.#moved.get(clientId);
        return moved ? { kind: 'moved', to: moved.to } : { kind: 'none' };
      }
      if (held.client) {
        const { client } = held;
        client.end('taken_over');
        held.client = undefined;
        this.#live.delete(clientId);
        held.session.disconnectedAt = this.options.clock.now();
        if (client.isVersion5 && client.will?.delay === 0) {
          this.publish({ ...client.will.message, id: this.newMessageId() });
        }
      }
      return { kind: 'begun', subscriptions: [...held.session.subscriptions] };
    };
    return (this.#locks.get(clientId) ?? Promise.resolve()).then(begin, begin);
  }

  #onTakeoverEnd(clientId: string, from: string): SessionJson | null {
    const held = this.#sessions.get(clientId);
    if (!held || held.client) return null;
    const json = held.session.toJson();
    const moved: Moved = {
      clientId,
      to: from,
      filters: [...held.session.subscriptions.keys()],
      until: this.options.clock.now() + this.options.lateMs,
    };
    this.#remove(held, false);
    this.options.tables.own(from, clientId);
    this.#moved.set(clientId, moved);
    for (const filter of moved.filters) this.#movedTo.add(filter, moved);
    return json;
  }

  #onForwarded(message: Message): void {
    this.#deliverHere(message);
    if (this.#moved.size === 0) return;
    this.#movedTo.match(message.topic, ({ to, clientId }, filter) => {
      this.options.others.tellRpc(to, 'late', { clientId, filter, message: toJson(message) });
    });
  }

  #onLate({ clientId, filter, message }: { clientId: string; filter: string; message: MessageJson }): void {
    const held = this.#sessions.get(clientId);
    if (held?.session.subscriptions.has(filter)) this.#deliver(held, filter, fromJson(message));
    const moved = held ? undefined : this.#moved.get(clientId);
    if (moved) this.options.others.tellRpc(moved.to, 'late', { clientId, filter, message });
  }

  #onOwn([clientId, since]: Own, from: string): void {
    this.options.tables.own(from, clientId);
    const held = this.#sessions.get(clientId);
    // Two nodes made a session for one client at the same time: the later one stays.
    if (held && held.since < since && !this.#locks.has(clientId)) {
      held.client?.end('taken_over');
      held.client = undefined;
      this.#live.delete(clientId);
      this.#remove(held, false);
    }
  }

  #deliverHere(message: Message): boolean {
    let any = false;
    this.#subscribers.match(message.topic, (held, filter) => {
      any = true;
      this.#deliver(held, filter, message);
    });
    return any;
  }

  #deliver(held: Held, filter: string, message: Message): void {
    const options = held.session.subscriptions.get(filter);
    if (!options || (options.noLocal && message.from === held.session.clientId)) return;
    const isNew = held.session.enqueue({
      message,
      qos: Math.min(options.qos, message.qos) as Qos,
      retain: message.retain && options.retainAsPublished === true,
      subscriptionId: options.id,
    });
    if (isNew) held.client?.flush();
  }

  async #discardEverywhere(clientId: string): Promise<void> {
    const held = this.#sessions.get(clientId);
    if (held) this.#end(held, 'discarded');
    const { others, tables } = this.options;
    const owner = tables.ownerOf(clientId);
    if (owner === undefined || !others.isRunning(owner)) return;
    try {
      await others.askRpc(owner, 'discard', clientId, takeoverTimeoutMs);
    } catch {
      // The node has just gone, and its sessions with it.
    }
  }

  #make(clientId: string, isTold = true): Held {
    const since = this.options.clock.now();
    const session = new Session(clientId, this.options.limits, since);
    const held: Held = { session, client: undefined, details: undefined, since };
    this.#sessions.set(clientId, held);
    const moved = this.#moved.get(clientId);
    if (moved) this.#forgetMoved(moved);
    if (isTold) this.options.others.tellAll('own', [clientId, since] satisfies Own);
    return held;
  }

  #detach(held: Held, isWillDue: boolean): void {
    const { client, session } = held;
    const now = this.options.clock.now();
    held.client = undefined;
    this.#live.delete(session.clientId);
    session.disconnectedAt = now;
    const will = isWillDue ? client?.will : undefined;
    if (will) {
      const delay = Math.min(will.delay, session.expirySeconds);
      if (delay === 0) this.publish({ ...will.message, id: this.newMessageId() });
      else session.will = { message: will.message, at: now + delay * 1_000 };
    }
    if (session.expirySeconds === 0) this.#remove(held, true);
  }

  #end(held: Held, reason: 'kicked' | 'discarded'): void {
    held.client?.end(reason);
    if (held.client) {
      held.session.expirySeconds = 0;
      this.#detach(held, true);
    } else this.#remove(held, true);
  }

  #remove(held: Held, isTold: boolean): void {
    const { session } = held;
    if (this.#sessions.get(session.clientId) !== held) return;
    this.#sessions.delete(session.clientId);
    for (const filter of session.subscriptions.keys()) {
      this.#subscribers.delete(filter, held);
      this.#release(filter);
    }
    if (!isTold) return;
    this.options.others.tellAll('disown', session.clientId);
    if (session.will) this.publish({ ...session.will.message, id: this.newMessageId() });
  }

  /** True when this is the node's first use of the filter. */
  #use(filter: string): boolean {
    const uses = (this.#filterUse.get(filter) ?? 0) + 1;
    this.#filterUse.set(filter, uses);
    return uses === 1;
  }

  #release(filter: string): void {
    const uses = (this.#filterUse.get(filter) ?? 0) - 1;
    if (uses > 0) {
      this.#filterUse.set(filter, uses);
      return;
    }
    this.#filterUse.delete(filter);
    const told = this.#routesTold;
    const tell = () => {
      if (!this.#filterUse.has(filter)) this.options.others.tellAll('route_delete', filter);
    };
    if (told) void told.then(tell, tell);
    else tell();
  }

  /** Resolves when every running node sends what matches `filter` here. Those of one turn go out together. */
  #tellRoutes(filter: string): Promise<unknown> {
    this.#freshRoutes.push(filter);
    this.#routesTold ??= new Promise((resolve) => {
      setImmediate(() => {
        const filters = this.#freshRoutes;
        this.#freshRoutes = [];
        this.#routesTold = undefined;
        resolve(this.options.others.askAll('route_add', filters, 5_000));
      });
    });
    return this.#routesTold;
  }

  #retain(message: Message): void {
    if (message.payload.length === 0) this.#retained.delete(message.topic);
    else this.#retained.set(message.topic, message);
  }

  #forgetMoved(moved: Moved): void {
    this.#moved.delete(moved.clientId);
    for (const filter of moved.filters) this.#movedTo.delete(filter, moved);
  }

  /** One at a time for each client. */
  async #locked<T>(clientId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#locks.get(clientId);
    const mine = before ? before.then(work, work) : work();
    this.#locks.set(clientId, mine);
    try {
      return await mine;
    } finally {
      if (this.#locks.get(clientId) === mine) this.#locks.delete(clientId);
    }
  }
}
