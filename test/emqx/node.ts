import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { freemem, loadavg, totalmem } from 'node:os';
import { clientItem } from './api/clientItem.js';
import { serveApi, type ApiServer } from './api/http.js';
import { Keys, type ApiKey } from './api/keys.js';
import { managementApi } from './api/management.js';
import type { NodeApi, NodeFacts } from './api/nodeApi.js';
import { v4Dashboard } from './api/v4/dashboard.js';
import { Cluster } from './cluster/cluster.js';
import type { Answer } from './cluster/link.js';
import { Coordinator, Refusal } from './evacuation/coordinator.js';
import { evacuationFile } from './evacuation/file.js';
import { RebalanceRun } from './evacuation/rebalanceRun.js';
import type { RebalanceOptions } from './evacuation/rebalance.js';
import { emqxPace, type Options } from './evacuation/state.js';
import { reasonOf, type Log } from './log.js';
import { Broker, type Held } from './mqtt/broker.js';
import { listen, type Listener } from './mqtt/listener.js';
import type { MessageJson } from './mqtt/message.js';
import { Tables, type Sync } from './mqtt/tables.js';
import { changeSwitches, type Settings, type Switches } from './settings.js';
import { serveStats, Stats } from './stats.js';
import { systemClock, wait, within, type Clock } from './time.js';

/** Tables that the whole cluster shares, as a joiner gets them. */
interface SharedTables {
  readonly keys: readonly (readonly [string, ApiKey])[];
  readonly retained: readonly MessageJson[];
}

/** One node of EMQX, as far as upgrades touch it. Builds the parts and ties them together. */
export class StandIn {
  #switches: Switches;
  readonly #clock: Clock;
  readonly #stats: Stats;
  readonly #keys: Keys;
  readonly #tables = new Tables();
  readonly #cluster: Cluster;
  readonly #broker: Broker;
  readonly #coordinator: Coordinator;
  readonly #rebalance: RebalanceRun;
  readonly #answers: ReadonlyMap<string, Answer>;
  readonly #startedAt = Date.now();
  readonly #ending = new AbortController();
  #servers: readonly ApiServer[] = [];
  #listener: Listener | undefined;
  #statsServer: Server | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #isUp = false;

  constructor(
    readonly settings: Settings,
    readonly log: Log,
  ) {
    this.#switches = settings.switches;
    this.#clock = systemClock(settings.timeScale);
    this.#stats = new Stats(() => Date.now());
    this.#keys = new Keys(() => Date.now());
    this.#cluster = new Cluster(settings, this.#clusterHost(), this.#clock, log);
    this.#broker = this.#newBroker();
    this.#coordinator = this.#newCoordinator();
    this.#rebalance = this.#newRebalance();
    this.#answers = this.#newAnswers();
  }

  /** Boots, opens the ports, and goes on looking for a cluster to join. Resolves when MQTT and API are open. */
  async start(): Promise<void> {
    const { settings, log } = this;
    this.#statsServer = await serveStats({
      host: settings.bind,
      port: settings.statsPort,
      stats: this.#stats,
      describe: () => this.#description(),
      switches: () => this.#switches,
      setSwitches: (changes) => this.#setSwitches(changes),
    });
    await wait(this.#clock, settings.bootMs);
    if (this.#ending.signal.aborted) return;
    await this.#cluster.open(this.#answers);
    await this.#startApps();
    this.#sweeper = setInterval(() => {
      this.#broker.sweep();
      this.#cluster.sweep();
      if (Date.now() % 5_000 < 1_000) void this.#refreshDurable();
    }, 1_000);
    log('info', 'emqx_is_running', { node: settings.node, version: settings.version });
    void this.#cluster.autocluster(this.#ending.signal);
  }

  /** As EMQX does on SIGTERM: clients and API go at once, the process some seconds later. */
  async stop(): Promise<void> {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#cluster.isStopping = true;
    this.log('warning', 'emqx_stopping');
    this.#stopApps();
    await wait(this.#clock, this.settings.stopMs);
    this.#cluster.close();
    clearInterval(this.#sweeper);
    this.#statsServer?.close();
    this.#statsServer?.closeAllConnections();
  }

  async #startApps(): Promise<void> {
    const { settings } = this;
    if (settings.bootstrapFile !== undefined) {
      const keys = Keys.fromFile(settings.bootstrapFile, settings.abilities.hasRoles);
      for (const [key, value] of keys) this.#putKey(key, value);
    }
    const { application } = settings;
    if (application) this.#putKey(application.id, { secret: application.secret, role: 'administrator' });
    this.#coordinator.resume();
    this.#listener = await listen(settings.mqtt, {
      broker: this.#broker,
      now: () => this.#clock.now(),
      isRefusing: () => this.#coordinator.isRefusing || this.#rebalance.isRefusing,
      sessionExpirySeconds: settings.sessionExpirySeconds,
      onConnack: (code, clientId) => this.#stats.connack(code, clientId),
    });
    const common = { switches: () => this.#switches, log: this.log };
    const api = managementApi({ node: this.#nodeApi(), keys: this.#keys, isUp: () => this.#isUp });
    this.#servers = [await serveApi({ ...common, address: settings.api, api })];
    if (settings.dashboard) {
      const dashboard = await serveApi({ ...common, address: settings.dashboard, api: v4Dashboard });
      this.#servers = [...this.#servers, dashboard];
    }
    this.#isUp = true;
  }

  #stopApps(): void {
    this.#isUp = false;
    this.#coordinator.halt();
    this.#rebalance.halt();
    this.#listener?.close();
    for (const server of this.#servers) server.close();
    this.#broker.clear();
  }

  #putKey(key: string, value: ApiKey): void {
    this.#keys.put(key, value);
    this.#cluster.peers.tellAll('key_put', [key, value]);
  }

  #clusterHost() {
    return {
      syncFor: () => ({ ...this.#broker.sync(), keys: this.#keys.all() }),
      onSync: (node: string, sync: unknown) => {
        const { keys, ...rest } = sync as Sync & { readonly keys: SharedTables['keys'] };
        this.#tables.sync(node, rest);
        for (const [key, value] of keys)
          if (!this.#keys.all().some(([known]) => known === key)) this.#keys.put(key, value);
      },
      onGone: (node: string) => this.#tables.forget(node),
      stopApps: () => {
        this.#stopApps();
        this.#tables.forgetAll();
        this.#keys.clear();
      },
      startApps: () => this.#startApps(),
      tables: (): SharedTables => ({ keys: this.#keys.all(), retained: this.#broker.retained() }),
      takeTables: (tables: unknown) => {
        const { keys, retained } = tables as SharedTables;
        for (const [key, value] of keys) this.#keys.put(key, value);
        this.#broker.takeRetained(retained);
      },
      isIsolated: () => this.#switches.isIsolated,
    };
  }

  #newBroker(): Broker {
    const { settings } = this;
    const { peers } = this.#cluster;
    return new Broker({
      clock: this.#clock,
      tables: this.#tables,
      limits: { maxInflight: settings.maxInflight, maxQueue: settings.maxQueue },
      lateMs: 5_000,
      others: {
        self: settings.node,
        isRunning: (node) => peers.isRunning(node),
        running: () => peers.running(),
        askRpc: (node, method, params, timeoutMs) => peers.askRpc(node, method, params, timeoutMs),
        tellRpc: (node, method, params) => peers.tellRpc(node, method, params),
        tellAll: (method, params) => peers.tellAll(method, params),
        askAll: (method, params, timeoutMs) => peers.askAll(method, params, timeoutMs),
      },
    });
  }

  #newCoordinator(): Coordinator {
    const { settings } = this;
    return new Coordinator(
      {
        counts: () => this.#counts(),
        available: () => this.#available(),
        evict: (atMost, serverReference) => this.#evict(atMost, serverReference),
        // Durable sessions are in no node's memory: nothing can be moved.
        sessionIds: (atMost) =>
          this.#switches.isDurable ? [] : this.#broker.sessionIds(atMost, (held) => this.#isMovable(held)),
        move: async (clientId, node) => (await this.#cluster.peers.askRpc(node, 'adopt', clientId)) === true,
        discard: (clientId) => this.#broker.discard(clientId),
        isAgentBusy: () => this.#rebalance.isDonor || this.#switches.isPurging,
        isArmedAtOnce: settings.abilities.isArmedAtOnce,
        startsEvacuating: settings.abilities.startsEvacuating,
        pace: { ...emqxPace, noRecipientMs: settings.noRecipientMs },
        sessionMoveMs: settings.sessionMoveMs,
      },
      evacuationFile(settings.dataDir),
      this.#clock,
      this.log,
    );
  }

  #newRebalance(): RebalanceRun {
    return new RebalanceRun({
      self: this.settings.node,
      clock: this.#clock,
      counts: () => this.#broker.counts(),
      disconnected: () => this.#disconnected(),
      isEvacuating: () => this.#coordinator.isActive,
      available: async () => [this.settings.node, ...(await this.#available())],
      ask: (node, method, params) => this.#ask(node, method, params),
      evict: (atMost) => this.#evict(atMost, undefined),
      moveSessions: async (atMost, recipients) => {
        for (const clientId of this.#disconnected().slice(0, atMost)) {
          const node = recipients[Math.floor(Math.random() * recipients.length)];
          if (node !== undefined) await this.#cluster.peers.askRpc(node, 'adopt', clientId);
        }
      },
    });
  }

  #evict(atMost: number, serverReference: string | undefined): void {
    this.#stats.evicted(this.#broker.evict(atMost, serverReference));
  }

  /** The first releases moved, and counted, only sessions that were not opened with clean start. */
  #isMovable({ details }: Held): boolean {
    return this.settings.abilities.movesCleanSessions || details?.cleanStart !== true;
  }

  #disconnected(): readonly string[] {
    return [...this.#broker.all()].filter(({ client }) => !client).map(({ session }) => session.clientId);
  }

  #durableHere(): number {
    return this.#disconnected().length;
  }

  /** What `initial_*` and `current_*` count; durable sessions of all nodes are in it. */
  #counts(): { readonly connected: number; readonly sessions: number } {
    const { connected } = this.#broker.counts();
    const sessions = [...this.#broker.all()].filter((held) => this.#isMovable(held)).length;
    const counts = { connected, sessions };
    if (!this.#switches.isDurable) return counts;
    return { ...counts, sessions: counts.connected + this.#durableEverywhere };
  }

  #durableEverywhere = 0;

  /** EMQX refreshes this count every 5 s. */
  async #refreshDurable(): Promise<void> {
    if (!this.#switches.isDurable) return;
    const others = await this.#cluster.peers.askAll('durable_here', null, 5_000);
    this.#durableEverywhere = others.reduce((sum, [, count]) => sum + Number(count), this.#durableHere());
  }

  async #available(): Promise<readonly string[]> {
    const answers = await this.#cluster.peers.askAll('is_available', null);
    return answers.filter(([, isAvailable]) => isAvailable === true).map(([node]) => node);
  }

  #isAvailable(): boolean {
    const isBusy = this.#coordinator.isActive || this.#rebalance.isDonor || this.#switches.isPurging;
    return this.#isUp && !isBusy;
  }

  async #ask(node: string, method: string, params: unknown, timeoutMs = 15_000): Promise<unknown> {
    if (node !== this.settings.node) return this.#cluster.peers.ask(node, method, params, timeoutMs);
    const answer = this.#answers.get(method);
    if (!answer) throw new Error(`undef: ${method}`);
    return within(timeoutMs, method, Promise.resolve(answer(params, node)));
  }

  #newAnswers(): ReadonlyMap<string, Answer> {
    const refusable = async (work: () => Promise<void> | void) => {
      try {
        await work();
        return null;
      } catch (error) {
        if (error instanceof Refusal) return { refused: error.message };
        throw error;
      }
    };
    const report = async () => {
      const evacuation = await this.#coordinator.report();
      if (evacuation) return { process: 'evacuation', ...evacuation };
      return this.#switches.isPurging ? this.#purgeReport() : this.#rebalance.donorReport();
    };
    return new Map<string, Answer>([
      ...this.#broker.answers(),
      ...this.#cluster.answers(),
      ...this.#rebalance.answers(),
      ['key_put', (params) => this.#keys.put(...(params as [string, ApiKey]))],
      ['is_available', () => this.#isAvailable()],
      ['evacuation_start', (options) => refusable(() => this.#coordinator.start(options as Options))],
      ['evacuation_stop', () => refusable(() => this.#coordinator.stop())],
      ['rebalance_start', (options) => refusable(() => this.#rebalance.start(options as RebalanceOptions))],
      ['rebalance_stop', () => refusable(() => this.#rebalance.stop())],
      ['rebalance_report', report],
      [
        'global_report',
        async () => {
          if (this.#switches.isOmittedFromGlobalStatus) throw new Error('busy');
          const isOwn = this.#switches.isPurging || (await this.#coordinator.report()) !== undefined;
          return isOwn ? report() : this.#rebalance.coordinatorReport();
        },
      ],
      [
        'eviction_status',
        () => {
          if (this.#isUp && this.#isAvailable()) return { status: 'disabled' };
          const { connected, sessions } = this.#broker.counts();
          return { status: 'enabled', stats: { connections: connected, sessions } };
        },
      ],
      ['durable_here', () => this.#durableHere()],
      ['node_facts', () => this.#facts()],
      ['node_stats', () => this.#nodeStats()],
      ['node_metrics', () => ({ 'client.connected': this.#stats.connected })],
      ['clients', () => [...this.#broker.all()].map((held) => clientItem(this.settings.node, held))],
      ['kick', (clientId) => this.#broker.kick(clientId as string)],
    ]);
  }

  /** As EMQX's emqx_node_rebalance_purge.erl reports it; its numbers move in no test. */
  #purgeReport(): unknown {
    const { sessions } = this.#broker.counts();
    const stats = { initial_sessions: sessions, current_sessions: sessions };
    return { process: 'purge', state: 'purging', purge_rate: 500, session_goal: 0, stats };
  }

  #channels(): number {
    const { connected, sessions } = this.#broker.counts();
    return this.#switches.isDurable ? connected : sessions;
  }

  #facts(): NodeFacts {
    const { node, version, edition } = this.settings;
    const { connected, sessions } = this.#broker.counts();
    const [load1 = 0, load5 = 0, load15 = 0] = loadavg();
    return {
      node,
      version,
      edition,
      uptimeMs: Date.now() - this.#startedAt,
      connected,
      channels: this.#channels(),
      clusterSessions: sessions + this.#tables.clientCount(),
      memoryTotal: megabytes(totalmem()),
      memoryUsed: megabytes(totalmem() - freemem()),
      load: [load1, load5, load15],
    };
  }

  #nodeStats(): unknown {
    const { connected, sessions } = this.#broker.counts();
    return {
      'connections.count': this.#channels(),
      'live_connections.count': connected,
      'sessions.count': sessions,
      'cluster_sessions.count': sessions + this.#tables.clientCount(),
    };
  }

  #nodeApi(): NodeApi {
    return {
      settings: this.settings,
      self: this.settings.node,
      switches: () => this.#switches,
      members: () => this.#cluster.members(),
      running: () => this.#cluster.running(),
      isRunning: (node) => this.#cluster.isRunning(node),
      ask: (node, method, params, timeoutMs) => this.#ask(node, method, params, timeoutMs),
      forceLeave: (node) => this.#cluster.forceLeave(node),
      invite: async (node, timeoutMs) => {
        try {
          await this.#cluster.invite(node, timeoutMs);
          return undefined;
        } catch (error) {
          return reasonOf(error);
        }
      },
      newToken: () => this.#keys.newToken(),
      newApiKey: () => {
        const key = randomBytes(8).toString('hex');
        const secret = randomBytes(24).toString('base64url');
        this.#putKey(key, { secret, role: 'administrator' });
        return { api_key: key, api_secret: secret };
      },
    };
  }

  #setSwitches(changes: unknown): void {
    const before = this.#switches;
    this.#switches = changeSwitches(before, changes);
    if (this.#switches.isIsolated && !before.isIsolated) this.#cluster.cut();
    this.log('warning', 'switches_changed', { ...this.#switches });
  }

  #description(): unknown {
    return {
      node: this.settings.node,
      version: this.settings.version,
      isUp: this.#isUp,
      isJoining: this.#cluster.isJoining,
      members: this.#cluster.members(),
      running: this.#cluster.running(),
      evacuation: this.#coordinator.state,
      ...this.#broker.counts(),
    };
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(2)}M`;
}
