import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetClient } from './client.js';
import type { ClientWorld } from './client.js';
import type { Dial } from './dial.js';
import { MessageLedger } from './ledger.js';
import { Mailer } from './mailer.js';
import { fleetMembers } from './members.js';
import type { FleetRecord, MessageTotals, ResultRecord } from './records.js';
import type { FleetSettings } from './settings.js';
import { Tally } from './tally.js';

/** How often the ramp and the messages are looked after; short against a second, long against the work. */
const TICK_MS = 20;
const LAG_RESOLUTION_MS = 10;

/**
 * Runs the fleet from its first connect to its result.
 * @param settings one run; bounded by `durationSeconds`
 * @param io `write` gets each record; `signal` ends the run early
 * @returns the last record, already written
 */
export async function runFleet(
  settings: FleetSettings,
  io: { dial: Dial; write: (record: FleetRecord) => void; signal: AbortSignal },
): Promise<ResultRecord> {
  const members = fleetMembers(settings.clients, settings.publishers, settings.run);
  const tally = new Tally(settings.clients);
  const ledger = new MessageLedger(settings.clients);
  const world: ClientWorld = { ...realWorld(settings), dial: io.dial, tally, ledger };
  const clients = members.map((member) => new FleetClient(member, world));
  const ending = AbortSignal.any([io.signal, AbortSignal.timeout(settings.durationSeconds * 1000)]);
  io.write({
    kind: 'start',
    atMs: Date.now(),
    run: settings.run,
    clients: members.length,
    persistent: members.filter(({ isPersistent }) => isPersistent).length,
    publishers: members.filter(({ isPublisher }) => isPublisher).length,
    messagesPerSecond: settings.messagesPerSecond,
  });
  const seconds = new SecondWriter(tally, ledger, io.write);
  try {
    await ramp(clients, settings.connectRate, ending);
    await until(() => clients.every(({ isReady }) => isReady), ending);
    if (!ending.aborted) io.write({ kind: 'ready', atMs: Date.now() });
    const mailer = new Mailer(clients, settings.messagesPerSecond, Date.now());
    while (!ending.aborted) {
      mailer.send(Date.now());
      await pause(TICK_MS, ending);
    }
    const settled = AbortSignal.timeout(settings.settleSeconds * 1000);
    await until(() => isSettled(clients, ledger), settled);
  } finally {
    seconds.stop();
  }
  const result: ResultRecord = {
    kind: 'result',
    atMs: Date.now(),
    endedBy: io.signal.aborted ? 'signal' : 'duration',
    ...tally.sums(),
    messages: ledger.totals(),
  };
  io.write(result);
  for (const client of clients) client.stop();
  return result;
}

function realWorld(settings: FleetSettings): Omit<ClientWorld, 'dial' | 'tally' | 'ledger'> {
  const { backOffMinSeconds: min, backOffMaxSeconds: max } = settings;
  return {
    now: () => Date.now(),
    after(ms, then) {
      const timer = setTimeout(then, ms);
      return () => clearTimeout(timer);
    },
    backOffMs: () => (min + Math.random() * (max - min)) * 1000,
  };
}

/** Starts the clients at `perSecond`, evenly. */
async function ramp(clients: readonly FleetClient[], perSecond: number, ending: AbortSignal): Promise<void> {
  const startedMs = Date.now();
  let started = 0;
  while (started < clients.length && !ending.aborted) {
    const due = Math.min(clients.length, Math.ceil(((Date.now() - startedMs + TICK_MS) * perSecond) / 1000));
    for (; started < due; started++) clients[started]?.start();
    await pause(TICK_MS, ending);
  }
}

/** Everybody is back, every PUBACK is in, and everything acknowledged has arrived. */
function isSettled(clients: readonly FleetClient[], ledger: MessageLedger): boolean {
  return clients.every((client) => client.isReady && client.inFlight === 0) && ledger.outstanding === 0;
}

async function until(isDone: () => boolean, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !isDone()) await pause(TICK_MS, signal);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** Writes one record a second, and a last one when it is stopped. */
class SecondWriter {
  #before: MessageTotals;
  #cpuBefore = process.cpuUsage();
  #atMs = Date.now();
  readonly #tally: Tally;
  readonly #ledger: MessageLedger;
  readonly #write: (record: FleetRecord) => void;
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  readonly #timer = setInterval(() => this.#flush(), 1000);

  constructor(tally: Tally, ledger: MessageLedger, write: (record: FleetRecord) => void) {
    this.#tally = tally;
    this.#ledger = ledger;
    this.#write = write;
    this.#before = ledger.totals();
    this.#lag.enable();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#lag.disable();
    this.#flush();
  }

  #flush(): void {
    const atMs = Date.now();
    const totals = this.#ledger.totals();
    const cpu = process.cpuUsage(this.#cpuBefore);
    this.#write({
      kind: 'second',
      atMs,
      connected: this.#tally.connected,
      ...this.#tally.take(),
      published: totals.published - this.#before.published,
      acknowledged: totals.acknowledged - this.#before.acknowledged,
      delivered: totals.delivered - this.#before.delivered,
      // The histogram counts its own resolution in.
      lagMs: Math.max(0, Math.round(this.#lag.max / 1e6) - LAG_RESOLUTION_MS),
      cpu: round((cpu.user + cpu.system) / 1000 / Math.max(1, atMs - this.#atMs), 3),
      rssBytes: process.memoryUsage.rss(),
    });
    this.#before = totals;
    this.#cpuBefore = process.cpuUsage();
    this.#atMs = atMs;
    this.#lag.reset();
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
