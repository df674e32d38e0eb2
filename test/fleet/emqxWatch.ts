import { setTimeout as sleep } from 'node:timers/promises';
import { anySource } from './brokerSource.js';
import type { BrokerSource } from './brokerSource.js';
import { EmqxApi } from './emqxApi.js';
import type { EmqxLogin } from './emqxApi.js';
import { NO_EVACUATION, nodesSeen, parseEvacuation, parseNodes } from './nodeAnswers.js';
import type { PodAnswers } from './nodeAnswers.js';
import type { Observation } from './observations.js';

/** A pod to ask. */
export interface PodTarget {
  name: string;
  /** IP address. */
  address: string;
}

const POLL_MS = 500;
/** A status may take as long as a batch of session moves; a first answer counts for several polls. */
const TIMEOUT_MS = 3000;

/**
 * Asks every EMQX node twice a second what it knows of the cluster, of its own evacuation and of who came and went.
 * One request per pod and question is in flight; a pod that answers late holds up no other.
 */
export class EmqxWatch {
  readonly #pods = new Map<string, { stop: AbortController; answers: PodAnswers; address: string }>();
  readonly #login: EmqxLogin;
  readonly #apiPort: number;
  readonly #write: (observation: Observation) => void;

  constructor(options: { login: EmqxLogin; apiPort: number; write: (observation: Observation) => void }) {
    this.#login = options.login;
    this.#apiPort = options.apiPort;
    this.#write = options.write;
  }

  /** Asks these pods from now on, and no others. A pod that has got another address is another pod. */
  follow(targets: readonly PodTarget[]): void {
    for (const [name, { stop, address }] of this.#pods) {
      if (targets.some((target) => target.name === name && target.address === address)) continue;
      stop.abort();
      this.#pods.delete(name);
    }
    for (const target of targets) {
      if (target.address !== '' && !this.#pods.has(target.name)) this.#start(target);
    }
  }

  /** Writes a round of what was heard every poll, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const answers = [...this.#pods.values()].map((pod) => pod.answers);
      const nowMs = Date.now();
      if (answers.length > 0) this.#write({ kind: 'nodes', atMs: nowMs, nodes: nodesSeen(answers, nowMs) });
      await pause(POLL_MS, signal);
    }
    this.follow([]);
  }

  #start({ name, address }: PodTarget): void {
    const stop = new AbortController();
    const base = `http://${address.includes(':') ? `[${address}]` : address}:${this.#apiPort}`;
    const api = new EmqxApi(base, this.#login, TIMEOUT_MS);
    const answers: PodAnswers = { pod: name, answeredMs: -Infinity, listed: [], evacuation: NO_EVACUATION };
    this.#pods.set(name, { stop, answers, address });
    const { signal } = stop;
    const source = anySource(name, address, api, TIMEOUT_MS);
    void repeat(() => this.#askNodes(api, answers), signal);
    void repeat(() => askEvacuation(api, answers), signal);
    void repeat(() => this.#askBroker(source), signal);
  }

  async #askNodes(api: EmqxApi, answers: PodAnswers): Promise<void> {
    try {
      answers.listed = parseNodes(await api.get('/nodes'));
      answers.answeredMs = Date.now();
    } catch (error) {
      // Nobody listens any more: known at once. No answer in time: perhaps busy, so its last word holds for a while.
      if (isRefusal(error)) answers.answeredMs = -Infinity;
    }
  }

  async #askBroker(source: BrokerSource): Promise<void> {
    for (const event of await source()) this.#write(event);
  }
}

async function askEvacuation(api: EmqxApi, answers: PodAnswers): Promise<void> {
  answers.evacuation = parseEvacuation(await api.get('/load_rebalance/status'));
}

/** A failed round is the next one's business: what matters is the age of the last answer. */
async function repeat(ask: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await ask().catch(() => undefined);
    await pause(POLL_MS, signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

function isRefusal(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
