import type { MessageTotals } from './records.js';

interface Message {
  attempts: number;
  isAcknowledged: boolean;
  copies: number;
  /** Copies without the DUP flag. */
  plainCopies: number;
  lastConnection: number;
  copiesOnConnection: number;
}

/** One arrival of a message at its subscriber. */
export interface Arrival {
  subscriber: number;
  sequence: number;
  /** The PUBLISH packet's DUP flag. */
  isDup: boolean;
  /** Which of the subscriber's connections it came over, counted from 1. */
  connection: number;
}

/**
 * The books of the QoS 1 messages: each subscriber's are numbered from 0.
 *
 * - *lost*: the broker acknowledged it (PUBACK), and it never arrived. One without a PUBACK was never promised to anybody.
 * - *repeated*: its publisher lost the connection before the PUBACK and sent it again, as QoS 1 demands. The broker then
 *   may hold it twice, and must not be blamed: a message may arrive as often as it was sent.
 * - *redelivered*: a permitted further copy: QoS 1 is "at least once", and a broker that cannot know whether the last
 *   PUBACK was lost with the connection sends again, marked DUP, on the next one.
 * - *duplicated*: a copy that QoS 1 does not explain: more copies without DUP than there were sendings, or more copies on
 *   one connection than there were sendings (a broker may repeat only after a reconnect).
 */
export class MessageLedger {
  readonly #messages: Message[][];
  #outstanding = 0;
  readonly #totals: MessageTotals = {
    published: 0,
    acknowledged: 0,
    delivered: 0,
    lost: 0,
    duplicated: 0,
    redelivered: 0,
    repeated: 0,
    rejected: 0,
  };

  /** @param clients size of the fleet; only persistent clients are sent anything */
  constructor(clients: number) {
    this.#messages = Array.from({ length: clients }, () => []);
  }

  /** Books a new message as sent once. @returns its sequence number */
  publish(subscriber: number): number {
    const book = this.#book(subscriber);
    book.push({
      attempts: 1,
      isAcknowledged: false,
      copies: 0,
      plainCopies: 0,
      lastConnection: 0,
      copiesOnConnection: 0,
    });
    this.#totals.published++;
    return book.length - 1;
  }

  /** Books that the publisher sends it again. */
  repeat(subscriber: number, sequence: number): void {
    this.#message(subscriber, sequence).attempts++;
    this.#totals.repeated++;
  }

  /** Books a PUBACK with a reason code below 0x80. */
  acknowledge(subscriber: number, sequence: number): void {
    const message = this.#message(subscriber, sequence);
    if (message.isAcknowledged) return;
    message.isAcknowledged = true;
    this.#totals.acknowledged++;
    if (message.copies === 0) this.#outstanding++;
  }

  /** Books a PUBACK that says no. The broker promised nothing. */
  reject(): void {
    this.#totals.rejected++;
  }

  /** Books an arrival. @returns what QoS 1 makes of it */
  arrive({ subscriber, sequence, isDup, connection }: Arrival): 'first' | 'redelivered' | 'duplicated' {
    const message = this.#message(subscriber, sequence);
    message.copies++;
    if (!isDup) message.plainCopies++;
    message.copiesOnConnection = message.lastConnection === connection ? message.copiesOnConnection + 1 : 1;
    message.lastConnection = connection;
    if (message.copies === 1) {
      this.#totals.delivered++;
      if (message.isAcknowledged) this.#outstanding--;
      return 'first';
    }
    const isExplained =
      message.plainCopies <= message.attempts && message.copiesOnConnection <= message.attempts;
    if (isExplained) this.#totals.redelivered++;
    else this.#totals.duplicated++;
    return isExplained ? 'redelivered' : 'duplicated';
  }

  /** Messages acknowledged and not arrived so far; what is left of them at the end is lost. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** The books as they stand, everything outstanding counted as lost. */
  totals(): MessageTotals {
    return { ...this.#totals, lost: this.#outstanding };
  }

  #book(subscriber: number): Message[] {
    const book = this.#messages[subscriber];
    if (!book) throw new RangeError(`no client ${subscriber} in this fleet`);
    return book;
  }

  #message(subscriber: number, sequence: number): Message {
    const message = this.#book(subscriber)[sequence];
    if (!message) throw new RangeError(`client ${subscriber} was never sent message ${sequence}`);
    return message;
  }
}
