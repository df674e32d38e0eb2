import type { Answer } from '../cluster/link.js';
import type { Cancel, Clock } from '../time.js';
import { Refusal } from './coordinator.js';
import { split, type Load, type RebalanceOptions, type Split } from './rebalance.js';

export interface RebalanceHost {
  readonly self: string;
  readonly clock: Clock;
  counts(): { readonly connected: number; readonly sessions: number };
  disconnected(): readonly string[];
  isEvacuating(): boolean;
  /** Nodes that may take part, ours included. */
  available(): Promise<readonly string[]>;
  ask(node: string, method: string, params: unknown): Promise<unknown>;
  evict(atMost: number): void;
  moveSessions(atMost: number, recipients: readonly string[]): Promise<void>;
}

type State = 'wait_health_check' | 'evicting_conns' | 'wait_takeover' | 'evicting_sessions';

/** What a donor is told by its coordinator. */
interface Order {
  readonly coordinator: string;
  readonly state: State;
  readonly options: RebalanceOptions;
  readonly recipients: readonly string[];
  readonly connGoal: number;
  readonly sessGoal: number;
}

interface Donor {
  order: Order;
  readonly initialConnected: number;
  readonly initialSessions: number;
}

/** A rebalance (EMQX: emqx_node_rebalance.erl): this node as its coordinator, and as a donor of one. Kept small: upgrades only clash with it. */
export class RebalanceRun {
  #run: { readonly options: RebalanceOptions; readonly split: Split; state: State } | undefined;
  #donor: Donor | undefined;
  #cancel: Cancel | undefined;

  constructor(readonly host: RebalanceHost) {}

  get isDonor(): boolean {
    return this.#donor !== undefined;
  }

  get isRefusing(): boolean {
    return this.#donor !== undefined && this.#donor.order.state !== 'wait_health_check';
  }

  answers(): readonly (readonly [string, Answer])[] {
    return [
      ['load', (): Load => ({ node: this.host.self, ...this.host.counts() })],
      ['donor_order', (order) => this.#onOrder(order as Order | null)],
    ];
  }

  /** @throws Refusal `already_started`, `nothing_to_balance` */
  async start(options: RebalanceOptions): Promise<void> {
    if (this.#run) throw new Refusal('already_started');
    const nodes = options.nodes ?? (await this.host.available());
    const loads = (await Promise.all(
      nodes.map((node) => this.host.ask(node, 'load', null)),
    )) as readonly Load[];
    const found = split(loads, options);
    if (!found) throw new Refusal('nothing_to_balance');
    this.#run = { options, split: found, state: 'wait_health_check' };
    await this.#order();
    this.#next(options.waitHealthCheck * 1_000, 'evicting_conns');
  }

  /** @throws Refusal `not_started` */
  async stop(): Promise<void> {
    if (!this.#run) throw new Refusal('not_started');
    await this.#end();
  }

  halt(): void {
    this.#cancel?.();
    this.#run = undefined;
    this.#donor = undefined;
  }

  /** What a donor shows of it in `GET /load_rebalance/status`; null for everybody else. */
  donorReport(): Readonly<Record<string, unknown>> | null {
    if (!this.#donor) return null;
    const { order, initialConnected, initialSessions } = this.#donor;
    const { connected, sessions } = this.host.counts();
    return {
      process: 'rebalance',
      state: order.state,
      coordinator_node: order.coordinator,
      connection_eviction_rate: order.options.connEvictRate,
      session_eviction_rate: order.options.sessEvictRate,
      connection_goal: order.connGoal,
      disconnected_session_goal: order.sessGoal,
      recipients: order.recipients,
      ...timeouts(order.options),
      stats: {
        initial_connected: initialConnected,
        current_connected: connected,
        initial_sessions: initialSessions,
        current_sessions: sessions,
        current_disconnected_sessions: this.host.disconnected().length,
      },
    };
  }

  /** Its entry in `GET /load_rebalance/global_status`, where the coordinator speaks for all. */
  coordinatorReport(): Readonly<Record<string, unknown>> | null {
    if (!this.#run) return null;
    const { options, split: found, state } = this.#run;
    return {
      process: 'rebalance',
      state,
      coordinator_node: this.host.self,
      donors: found.donors,
      recipients: found.recipients,
      connection_eviction_rate: options.connEvictRate,
      session_eviction_rate: options.sessEvictRate,
      connection_goal: found.connGoal,
      disconnected_session_goal: found.sessGoal,
    };
  }

  #next(ms: number, state: State): void {
    this.#cancel = this.host.clock.after(ms, () => void this.#enter(state).catch(() => this.#end()));
  }

  async #enter(state: State): Promise<void> {
    if (!this.#run) return;
    this.#run.state = state;
    // A donor answers whether it still has more than its share.
    const isMore = await this.#order();
    const { options } = this.#run;
    if (state === 'evicting_conns') return isMore ? this.#next(1_000, state) : this.#enter('wait_takeover');
    if (state === 'wait_takeover') return this.#next(options.waitTakeover * 1_000, 'evicting_sessions');
    if (isMore) this.#next(1_000, state);
    else await this.#end();
  }

  async #order(): Promise<boolean> {
    if (!this.#run) return false;
    const { options, state, split: found } = this.#run;
    const { recipients, connGoal, sessGoal } = found;
    const order: Order = { coordinator: this.host.self, state, options, recipients, connGoal, sessGoal };
    const answers = await Promise.all(found.donors.map((node) => this.host.ask(node, 'donor_order', order)));
    return answers.includes(true);
  }

  async #end(): Promise<void> {
    const donors = this.#run?.split.donors ?? [];
    this.#cancel?.();
    this.#run = undefined;
    await Promise.all(donors.map((node) => this.host.ask(node, 'donor_order', null).catch(() => undefined)));
  }

  async #onOrder(order: Order | null): Promise<boolean> {
    if (order === null) {
      this.#donor = undefined;
      return false;
    }
    if (this.host.isEvacuating()) throw new Refusal('eviction_agent_busy');
    const { connected, sessions } = this.host.counts();
    this.#donor ??= { order, initialConnected: connected, initialSessions: sessions };
    this.#donor.order = order;
    switch (order.state) {
      case 'wait_health_check':
      case 'wait_takeover':
        return false;
      case 'evicting_conns': {
        const above = connected - Math.ceil(order.connGoal);
        if (above > 0) this.host.evict(Math.min(above, order.options.connEvictRate));
        return above > 0;
      }
      case 'evicting_sessions': {
        const above = this.host.disconnected().length - Math.ceil(order.sessGoal);
        if (above > 0)
          await this.host.moveSessions(Math.min(above, order.options.sessEvictRate), order.recipients);
        return above > 0;
      }
      default:
        return order.state satisfies never;
    }
  }
}

function timeouts({ connEvictRpcTimeoutMs, sessEvictRpcTimeoutMs }: RebalanceOptions): object {
  if (connEvictRpcTimeoutMs === undefined) return {};
  return {
    connection_eviction_rpc_timeout: connEvictRpcTimeoutMs,
    session_eviction_rpc_timeout: sessEvictRpcTimeoutMs,
  };
}
