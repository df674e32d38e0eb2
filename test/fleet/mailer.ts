import type { FleetClient } from './client.js';

/** No more than this much of the rate is made up for after a pause, so that a late process sends no burst. */
const CATCH_UP_MS = 250;

/**
 * Sends QoS 1 messages to the persistent clients in turn, at one total rate, through whichever publishers can send.
 * When none can (all are reconnecting, or wait for PUBACKs) the messages of that time are not sent at all.
 */
export class Mailer {
  readonly #publishers: readonly FleetClient[];
  readonly #subscribers: readonly FleetClient[];
  readonly #messagesPerMs: number;
  #lastMs: number;
  #due = 0;
  #nextSubscriber = 0;
  #nextPublisher = 0;

  constructor(clients: readonly FleetClient[], messagesPerSecond: number, nowMs: number) {
    this.#publishers = clients.filter(({ member }) => member.isPublisher);
    this.#subscribers = clients.filter(({ member }) => member.isPersistent);
    this.#messagesPerMs = messagesPerSecond / 1000;
    this.#lastMs = nowMs;
  }

  /** Sends what is due since the call before. @returns how many */
  send(nowMs: number): number {
    this.#due += Math.min(nowMs - this.#lastMs, CATCH_UP_MS) * this.#messagesPerMs;
    this.#lastMs = nowMs;
    const whole = Math.floor(this.#due);
    this.#due -= whole;
    let sent = 0;
    while (sent < whole) {
      const publisher = this.#pickPublisher();
      const subscriber = this.#subscribers[this.#nextSubscriber % this.#subscribers.length];
      if (!publisher || !subscriber) break;
      this.#nextSubscriber++;
      publisher.send(subscriber.member);
      sent++;
    }
    return sent;
  }

  #pickPublisher(): FleetClient | undefined {
    for (let tries = 0; tries < this.#publishers.length; tries++) {
      const publisher = this.#publishers[this.#nextPublisher++ % this.#publishers.length];
      if (publisher?.canSend) return publisher;
    }
    return undefined;
  }
}
