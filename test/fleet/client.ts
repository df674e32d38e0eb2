import type { Connection, Dial } from './dial.js';
import type { MessageLedger } from './ledger.js';
import type { Member } from './members.js';
import type { SessionSeen } from './records.js';
import type { Tally } from './tally.js';

/** What a client of the fleet needs; tests pass their own clock, luck and dial. */
export interface ClientWorld {
  dial: Dial;
  tally: Tally;
  ledger: MessageLedger;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Calls back once after `ms`. @returns what cancels it */
  after: (ms: number, then: () => void) => () => void;
  /** How long to stay away before the next attempt, in milliseconds. */
  backOffMs: () => number;
}

type State =
  | { kind: 'idle' }
  | { kind: 'connecting'; connection: Connection }
  | { kind: 'connected'; connection: Connection }
  | { kind: 'backing-off'; cancel: () => void }
  | { kind: 'stopped' };

interface Parcel {
  to: Member;
  sequence: number;
}

/** A publisher never has more than this many messages without a PUBACK; EMQX's Receive Maximum is 32 by default. */
const MAX_IN_FLIGHT = 20;

/**
 * One client of the fleet, from its first attempt to `stop`: connects, backs off after every end or refusal, subscribes
 * when the broker has no session of it, and counts.
 */
export class FleetClient {
  #state: State = { kind: 'idle' };
  /** Counts the connections that were opened, from 1: QoS 1 permits a second copy only after a reconnect. */
  #connections = 0;
  #isSubscribed = false;
  #inFlightLimit = MAX_IN_FLIGHT;
  readonly #inFlight = new Map<string, Parcel>();
  readonly member: Member;
  readonly #world: ClientWorld;

  constructor(member: Member, world: ClientWorld) {
    this.member = member;
    this.#world = world;
  }

  /** Begins, or begins again after a back-off. */
  start(): void {
    const { member } = this;
    let isOver = false;
    // The dial never calls back before it has returned: the network is asynchronous.
    const connection = this.#world.dial(member, {
      opened: ({ isSessionPresent, receiveMaximum }) => {
        if (isOver || this.#state.kind !== 'connecting') return;
        this.#state = { kind: 'connected', connection };
        this.#opened(connection, isSessionPresent, receiveMaximum);
      },
      message: (payload, isDup) => this.#received(payload, isDup),
      closed: ({ reason, code }) => {
        isOver = true;
        this.#closed(reason, code);
      },
    });
    this.#state = { kind: 'connecting', connection };
  }

  /** Closes and stays away. A connection that is still being made is given up without being counted. */
  stop(): void {
    const state = this.#state;
    this.#state = { kind: 'stopped' };
    switch (state.kind) {
      case 'connected':
        this.#world.tally.leave();
        state.connection.end();
        return;
      case 'connecting':
        state.connection.end();
        return;
      case 'backing-off':
        state.cancel();
        return;
      case 'idle':
      case 'stopped':
    }
  }

  get isConnected(): boolean {
    return this.#state.kind === 'connected';
  }

  /** Connected, and subscribed if it is one of those that subscribe. */
  get isReady(): boolean {
    return this.isConnected && (this.#isSubscribed || !this.member.isPersistent);
  }

  /** Messages sent and not acknowledged, those from before a reconnect included. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** True when {@link send} may be called: connected, and with room for one more message in flight. */
  get canSend(): boolean {
    return this.isConnected && this.#inFlight.size < this.#inFlightLimit;
  }

  /** Sends the next message of `to`; after a reconnect it is sent again until a PUBACK comes. */
  send(to: Member): void {
    const parcel = { to, sequence: this.#world.ledger.publish(to.index) };
    this.#inFlight.set(keyOf(parcel), parcel);
    this.#transmit(parcel);
  }

  #opened(connection: Connection, isSessionPresent: boolean, receiveMaximum: number): void {
    const { tally, ledger, now } = this.#world;
    this.#connections++;
    tally.connect(now(), this.member.index, this.#sessionSeen(isSessionPresent));
    this.#inFlightLimit = Math.min(MAX_IN_FLIGHT, receiveMaximum);
    if (!isSessionPresent) this.#isSubscribed = false;
    if (this.member.isPersistent && !this.#isSubscribed) {
      connection.subscribe(this.member.topic).then(
        () => (this.#isSubscribed = true),
        // A client without its subscription is of no use, and mute: it comes again, and is counted as it does.
        () => connection.end(),
      );
    }
    for (const parcel of this.#inFlight.values()) {
      ledger.repeat(parcel.to.index, parcel.sequence);
      this.#transmit(parcel);
    }
  }

  #sessionSeen(isSessionPresent: boolean): SessionSeen {
    if (!this.member.isPersistent) return 'clean';
    if (isSessionPresent) return 'resumed';
    return this.#connections === 1 ? 'new' : 'lost';
  }

  #transmit(parcel: Parcel): void {
    if (this.#state.kind !== 'connected') return;
    const { ledger } = this.#world;
    this.#state.connection.publish(parcel.to.topic, String(parcel.sequence), (isAccepted) => {
      if (!this.#inFlight.delete(keyOf(parcel))) return;
      if (isAccepted) ledger.acknowledge(parcel.to.index, parcel.sequence);
      else ledger.reject();
    });
  }

  #received(payload: string, isDup: boolean): void {
    this.#world.ledger.arrive({
      subscriber: this.member.index,
      sequence: Number(payload),
      isDup,
      connection: this.#connections,
    });
  }

  #closed(reason: string, code: number): void {
    const { tally, now, after, backOffMs } = this.#world;
    switch (this.#state.kind) {
      case 'connected':
        tally.disconnect(now(), this.member.index, code);
        break;
      case 'connecting':
        tally.refuse(now(), this.member.index, reason);
        break;
      case 'idle':
      case 'backing-off':
      case 'stopped':
        return;
    }
    const cancel = after(backOffMs(), () => this.start());
    this.#state = { kind: 'backing-off', cancel };
  }
}

function keyOf({ to, sequence }: Parcel): string {
  return `${to.index}/${sequence}`;
}
