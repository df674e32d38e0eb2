import { reasonOf, type Log } from '../log.js';
import { wait, type Cancel, type Clock } from '../time.js';
import type { EvacuationFile } from './file.js';
import {
  evolve,
  isRefusing,
  type Act,
  type Counts,
  type Evacuation,
  type Happening,
  type Options,
  type Pace,
} from './state.js';

/** What an evacuation does to its node. */
export interface EvacuationHost {
  counts(): Counts;
  /** Running nodes without an evacuation or rebalance of their own, ours excluded. */
  available(): Promise<readonly string[]>;
  evict(atMost: number, serverReference: string | undefined): void;
  /** Clients whose sessions are here, at the start of a batch. */
  sessionIds(atMost: number): readonly string[];
  /** Asks `node` to take the session; false when nobody has it any more. */
  move(clientId: string, node: string): Promise<boolean>;
  discard(clientId: string): void;
  isAgentBusy(): boolean;
  /** False: a clash is seen only when the wait for the health check is over, and then the evacuation is dropped. */
  readonly isArmedAtOnce: boolean;
  readonly startsEvacuating: boolean;
  /** How often EMQX's own pauses are. */
  readonly pace: Pace;
  /** Milliseconds that the move of one session takes at least. */
  readonly sessionMoveMs: number;
}

/** A refusal that ends up as `error on node '…': <reason>`. */
export class Refusal extends Error {}

/** The one evacuation of a node: keeps its state, its timer, and its file. */
export class Coordinator {
  #now: Evacuation = { state: 'disabled' };
  #cancel: Cancel | undefined;
  /** EMQX's coordinator answers nobody during a batch of sessions. */
  #batch: Promise<void> = Promise.resolve();
  #generation = 0;

  constructor(
    readonly host: EvacuationHost,
    readonly file: EvacuationFile,
    readonly clock: Clock,
    readonly log: Log,
  ) {}

  get state(): Evacuation['state'] {
    return this.#now.state;
  }

  /** Whether availability_check says 503, and other nodes send no sessions here. */
  get isActive(): boolean {
    return this.#now.state !== 'disabled';
  }

  get isRefusing(): boolean {
    return isRefusing(this.#now);
  }

  /**
   * Goes on with what the file says, straight to evicting.
   * @throws Error before 5.7.0, where a node with such a file does not start
   */
  resume(): void {
    const options = this.file.read();
    if (!options) return;
    if (!this.host.startsEvacuating) throw new Error('failed_to_restore_evacuation: {noproc,emqx_cm}');
    this.log('warning', 'node_evacuation_resumed');
    this.#apply({ kind: 'resume', options, counts: this.host.counts() });
  }

  /** @throws Refusal `already_started`, `eviction_agent_busy` */
  async start(options: Options): Promise<void> {
    await this.#batch;
    if (this.isActive) throw new Refusal('already_started');
    if (this.host.isArmedAtOnce && this.host.isAgentBusy()) throw new Refusal('eviction_agent_busy');
    this.file.write(options);
    this.log('warning', 'node_evacuation_started', { ...options });
    this.#apply({ kind: 'start', options, counts: this.host.counts() });
  }

  /** @throws Refusal `not_started` */
  async stop(): Promise<void> {
    await this.#batch;
    if (!this.isActive) throw new Refusal('not_started');
    this.file.remove();
    this.log('warning', 'node_evacuation_stopped');
    this.#apply({ kind: 'stop' });
  }

  /** The node's applications stop: nothing more happens, and the file stays. */
  halt(): void {
    this.#generation += 1;
    this.#cancel?.();
    this.#now = { state: 'disabled' };
  }

  /** What `GET /load_rebalance/status` shows of it; undefined when there is none. Waits for a batch to end. */
  async report(): Promise<Readonly<Record<string, unknown>> | undefined> {
    await this.#batch;
    const now = this.#now;
    if (now.state === 'disabled') return undefined;
    const { options, initial, current } = now;
    return {
      state: now.state,
      connection_eviction_rate: options.connEvictRate,
      session_eviction_rate: options.sessEvictRate,
      connection_goal: 0,
      session_goal: 0,
      session_recipients: await this.#recipients(options),
      stats: {
        initial_connected: initial.connected,
        current_connected: current.connected,
        initial_sessions: initial.sessions,
        current_sessions: current.sessions,
      },
    };
  }

  async #recipients({ migrateTo }: Options): Promise<readonly string[]> {
    const available = await this.host.available();
    return migrateTo === undefined ? available : available.filter((node) => migrateTo.includes(node));
  }

  #apply(happening: Happening): void {
    this.#cancel?.();
    const generation = ++this.#generation;
    const before = this.#now.state;
    const { next, act, dueInMs } = evolve(this.#now, happening, this.host.pace);
    this.#now = next;
    if (next.state !== before) this.log('warning', 'node_evacuation_state', { state: next.state });
    const plan = () => {
      if (dueInMs === undefined || generation !== this.#generation) return;
      this.#cancel = this.clock.after(dueInMs, () => void this.#due(generation));
    };
    if (act.kind !== 'move') {
      this.#act(act);
      // A wait of 0 is no pause at all: availability and refusal change in the same moment.
      if (dueInMs === 0) void this.#due(generation);
      else plan();
      return;
    }
    this.#batch = this.#move(act.atMost, generation).then(plan);
  }

  async #due(generation: number): Promise<void> {
    const now = this.#now;
    if (now.state === 'waiting_health_check' && !this.host.isArmedAtOnce && this.host.isAgentBusy()) {
      this.file.remove();
      this.#apply({ kind: 'stop' });
      return;
    }
    const isAboutSessions = now.state === 'waiting_takeover' || now.state === 'evicting_sessions';
    const hasRecipients =
      isAboutSessions && now.options !== undefined ? (await this.#recipients(now.options)).length > 0 : false;
    if (generation !== this.#generation) return;
    this.#apply({ kind: 'due', counts: this.host.counts(), hasRecipients });
  }

  #act(act: Act): void {
    if (act.kind !== 'evict' || this.#now.state === 'disabled') return;
    this.host.evict(act.atMost, this.#now.options.serverReference);
  }

  /** One after the other, from the list made at the beginning: a client that returns in between is caught, as on 5.8.9. */
  async #move(atMost: number, generation: number): Promise<void> {
    const now = this.#now;
    if (now.state === 'disabled') return;
    const recipients = await this.#recipients(now.options);
    for (const clientId of this.host.sessionIds(atMost)) {
      if (generation !== this.#generation) return;
      const node = recipients[Math.floor(Math.random() * recipients.length)];
      if (node === undefined) return;
      if (this.host.sessionMoveMs > 0) await wait(this.clock, this.host.sessionMoveMs);
      try {
        if (!(await this.host.move(clientId, node))) this.host.discard(clientId);
      } catch (error) {
        this.log('warning', 'evict_session_failed', { clientid: clientId, node, reason: reasonOf(error) });
      }
    }
  }
}
